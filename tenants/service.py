"""Creating organisations, and admitting persons as members of one."""

import re
from uuid import UUID

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.errors import Conflict, Invalid, NotFound, Problem
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import N_, Localised
from tenants import store
from tenants.access.grants import Grant, access_of
from tenants.access.permissions import conflict
from tenants.access.roles import ROLES
from tenants.members.problems import DutiesInConflict, MemberRemoved
from tenants.model import Member, MemberAdmitted, Tenant, TenantCreated

SLUG = re.compile(r"[a-z][a-z0-9-]{1,30}")


class UnknownTenant(NotFound):
    title = N_("No organisation has this address")
    mend = N_("Check the address, or ask your organisation for the right one.")


class SlugTaken(Conflict):
    title = N_("Another organisation has this address already")
    mend = N_("Choose another address.")


class MemberSuspended(Problem):
    status = 403
    title = N_("Your access to this organisation is suspended")
    mend = N_("Ask an administrator of your organisation why, and to lift it.")


async def create_tenant(
    database: Database, slug: str, name: Localised, default_locale: str, *, listed: bool
) -> UUID:
    """A new organisation; returns its id. Raises Invalid or SlugTaken."""
    if not SLUG.fullmatch(slug):
        raise Invalid(
            errors={"slug": N_("Two to 31 small letters, digits or hyphens, a letter first")}
        )
    tenant_id = new_id()
    creator = actors.system("tenants.create", tenant_id)
    async with database.tenant(tenant_id, creator, standing=False) as tx:
        if not await store.insert_tenant(tx, slug, name, default_locale, listed):
            raise SlugTaken(slug)
        await emit(tx, "tenant.created", TenantCreated(slug, name), subject=tenant_id)
    return tenant_id


async def tenant_by_slug(database: Database, slug: str) -> Tenant:
    """Raises UnknownTenant."""
    found = await store.tenant_by_slug(database.lookup, slug) if SLUG.fullmatch(slug) else None
    if found is None:
        raise UnknownTenant(slug)
    return found


async def admit(
    tx: TenantTransaction,
    person_id: UUID,
    display_name: str,
    email: str | None,
    locale: str,
    roles: list[str],
) -> Member:
    """Makes a person a member with at least these roles, or brings name and roles up to date.

    Raises MemberSuspended and MemberRemoved, for neither comes in by any door, and
    DutiesInConflict for a role that doesn't go with one they hold.
    """
    unknown = set(roles) - ROLES.keys()
    if unknown:
        raise Invalid(errors={"roles": ", ".join(sorted(unknown))})
    before = await store.member(tx, person_id)
    if before is not None:
        _let_in(before)
    held = before.grants if before else []
    apart = conflict(access_of([*held, *map(Grant, roles)]).permissions)
    if apart is not None:
        raise DutiesInConflict(apart.why)
    await store.upsert_member(tx, person_id, display_name, email, locale)
    await store.insert_roles(tx, person_id, roles)
    if before is None or set(roles) - set(before.roles):
        await emit(
            tx,
            "member.admitted",
            MemberAdmitted(person_id, display_name, roles),
            subject=person_id,
            person_id=person_id,
        )
    admitted = await store.member(tx, person_id)
    assert admitted is not None  # noqa: S101  written just above
    return admitted


async def active_member(tx: TenantTransaction, person_id: UUID) -> Member:
    """Raises NotFound for who is no member, MemberSuspended and MemberRemoved."""
    found = await store.member(tx, person_id)
    if found is None:
        raise NotFound()
    _let_in(found)
    return found


def _let_in(member: Member) -> None:
    """Raises MemberSuspended or MemberRemoved."""
    if member.status == "removed":
        raise MemberRemoved()
    if member.status != "active":
        raise MemberSuspended()
