"""Creating organisations, and admitting persons as members of one."""

from uuid import UUID

from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.errors import Invalid, NotFound, TenantSuspended
from passerelle.kernel.events import emit, emit_each
from passerelle.kernel.language import N_, Locale, Localised
from tenants import store
from tenants.access.grants import Grant, access_of
from tenants.access.permissions import conflict
from tenants.access.roles import ROLES
from tenants.members import store as members_store
from tenants.members.model import Held, MemberChanged, Standing
from tenants.members.problems import DutiesInConflict, MemberRemoved, MemberSuspended
from tenants.model import Member, MemberAdmitted, Tenant
from tenants.organisations.model import SLUG, NewOrganisation
from tenants.organisations.problems import SlugTaken
from tenants.organisations.provisioning import provision
from tenants.plans.service import require_seats

__all__ = [
    "SLUG",
    "MemberSuspended",
    "SlugTaken",
    "active_member",
    "admit",
    "create_tenant",
    "tenant_by_slug",
]


class UnknownTenant(NotFound):
    title = N_("No organisation has this address")
    mend = N_("Check the address, or ask your organisation for the right one.")


async def create_tenant(
    database: Database, slug: str, name: Localised, default_locale: Locale, *, listed: bool
) -> UUID:
    """A new organisation; returns its id. Raises Invalid or SlugTaken."""
    new = NewOrganisation(slug=slug, name=name, default_locale=default_locale, listed=listed)
    return (await provision(database, new)).id


async def tenant_by_slug(database: Database, slug: str) -> Tenant:
    """Raises UnknownTenant, also for one that is being deleted, and TenantSuspended."""
    found = await store.tenant_by_slug(database.lookup, slug)
    if found is None or found.status == "deleting":
        raise UnknownTenant(slug)
    if found.status == "suspended":
        raise TenantSuspended()
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

    Raises MemberSuspended and MemberRemoved, for neither comes in by any door, DutiesInConflict
    for a role that doesn't go with one they hold, and SeatsTaken where the plan has no seat left.
    """
    unknown = set(roles) - ROLES.keys()
    if unknown:
        raise Invalid(errors={"roles": ", ".join(sorted(unknown))})
    before = await store.member(tx, person_id)
    if before is not None and set(roles) - set(before.roles):
        # A role that someone is giving at this moment may be one that doesn't go with these.
        await members_store.lock(tx, [person_id])
        before = await store.member(tx, person_id)
    if before is not None:
        _let_in(before)
    held = before.grants if before else []
    apart = conflict(access_of([*held, *map(Grant, roles)]).permissions)
    if apart is not None:
        raise DutiesInConflict(apart.why)
    if before is None:
        await require_seats(tx)
    await store.upsert_member(tx, person_id, display_name, email, locale)
    await store.insert_roles(tx, person_id, roles)
    admitted = await store.member(tx, person_id)
    assert admitted is not None  # noqa: S101  written just above
    if before is None:
        joined = MemberAdmitted(person_id, display_name, roles)
        await emit(tx, "member.admitted", joined, subject=person_id, person_id=person_id)
    elif set(roles) - set(before.roles):
        given = MemberChanged(person_id, display_name, _standing(admitted))
        await emit_each(tx, "member.role_given", [(person_id, given, _standing(before))])
    return admitted


def _standing(member: Member) -> Standing:
    held = sorted((Held(one.role, one.unit_id) for one in member.grants), key=lambda one: one.key)
    return Standing("active", member.unit_id, held)


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
