"""A role that an organisation made, and what is on record of it."""

from datetime import datetime
from uuid import UUID

import msgspec

from passerelle.kernel.language import Localised

ROLES_LIMIT = 100
NAME_LIMIT_CHARACTERS = 80
PURPOSE_LIMIT_CHARACTERS = 300


class Role(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    code: str
    name: Localised
    purpose: str
    permissions: list[str]
    copied_from: str | None
    version: int
    created_at: datetime
    changed_at: datetime
    retired_at: datetime | None


class RoleText(msgspec.Struct, frozen=True, kw_only=True):
    """What its maker says of a role."""

    name: Localised
    purpose: str
    permissions: list[str]


class RoleDefined(msgspec.Struct, frozen=True, kw_only=True):
    """`role.made`, `role.changed`, `role.retired`, `role.restored`."""

    code: str
    name: Localised
    purpose: str
    permissions: list[str]
    retired: bool = False


class Holder(msgspec.Struct, frozen=True):
    person_id: UUID
    display_name: str
    unit_id: UUID | None
    granted_at: datetime
    granted_by: str | None
    status: str


class HolderCount(msgspec.Struct, frozen=True):
    role: str
    holders: int
