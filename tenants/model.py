"""A tenant is an organisation that is a customer; a member is a person in it."""

from uuid import UUID

import msgspec

from passerelle.kernel.language import Locale, Localised
from tenants.access.grants import Grant


class Tenant(msgspec.Struct, frozen=True):
    id: UUID
    slug: str
    name: Localised
    default_locale: Locale
    status: str = "active"


class ListedTenant(msgspec.Struct, frozen=True):
    """An organisation that a person may choose to share with."""

    id: UUID
    slug: str
    name: Localised


class Member(msgspec.Struct, frozen=True):
    person_id: UUID
    display_name: str
    email: str | None
    locale: Locale
    status: str
    roles: list[str]
    grants: list[Grant] = []
    unit_id: UUID | None = None


class TenantCreated(msgspec.Struct, frozen=True):
    slug: str
    name: Localised


class MemberAdmitted(msgspec.Struct, frozen=True):
    person_id: UUID
    display_name: str
    roles: list[str]
