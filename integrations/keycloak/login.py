"""Who arrives from Keycloak, and what they are let into: an organisation, or their own space.

An account is known by issuer and subject, never by its e-mail address. A refusal is put on record
in a transaction of its own; a session begins last, under a fresh token.
"""

from uuid import UUID

from redis.asyncio import Redis

from integrations.keycloak import store
from integrations.keycloak.linking import add_identity
from integrations.keycloak.model import (
    AccountLinkedElsewhere,
    Arrival,
    Identity,
    NotAMember,
    OutsideTheOrganization,
    Person,
    PersonSignedIn,
    RefusalReason,
    RefusedSignIn,
    SignInExpired,
    Tenancy,
)
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Problem
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import as_locale
from tenants.access.sessions import Sessions, person_actor, tenant_actor
from tenants.members.invitations import VERIFIED_EMAIL
from tenants.model import Tenant
from tenants.service import MemberSuspended
from tenants.store import member, tenant_by_slug

TASK = "keycloak.sign-in"
#: One account's repeated refusals at one organisation stand in the record once an hour.
REFUSAL_PAUSE_S = 3600
#: A sign-in that Keycloak ended can't begin a session this long after, whatever is under way.
ENDED_KEPT_S = 3600


async def into_tenant(
    database: Database, sessions: Sessions, valkey: Redis, tenant: Tenant, arrival: Arrival
) -> tuple[Actor, str]:
    """The member's actor and their new session's cookie.

    Raises NotAMember, MemberSuspended, OutsideTheOrganization: on record, nothing else written.
    """
    subject = arrival.claims.sub
    person_id = await store.person_by_identity(database.lookup, arrival.issuer, subject)
    reason: RefusalReason = "not-a-member"
    if person_id is not None:
        system = actors.system(TASK, tenant.id)
        read = database.tenant_reader(tenant.id, system)
        found = await member(read, person_id)
        if found is not None and found.status == "removed":
            found = None
        if found is not None and found.status != "active":
            reason = "suspended"
        elif found is not None and not through(await store.tenancy(read), arrival):
            reason = "outside-the-organization"
        elif found is not None:
            actor = tenant_actor(tenant, found, "keycloak", _attributes(arrival), None)
            async with database.tenant(tenant.id, actor) as tx:
                signed_in = PersonSignedIn(subject, arrival.claims.acr)
                await emit(tx, "member.signed_in", signed_in, person_id=person_id)
            return actor, await open_session(sessions, valkey, actor)
    await _record_refusal(database, valkey, tenant, RefusedSignIn(subject, reason), person_id)
    refusals: dict[RefusalReason, type[Problem]] = {
        "not-a-member": NotAMember,
        "suspended": MemberSuspended,
        "outside-the-organization": OutsideTheOrganization,
    }
    raise refusals[reason]()


async def record_closed(database: Database, valkey: Redis, slug: str, arrival: Arrival) -> None:
    """Puts on the record of a suspended organisation who came from Keycloak."""
    subject = arrival.claims.sub
    tenant = await tenant_by_slug(database.lookup, slug)
    who = await store.person_by_identity(database.lookup, arrival.issuer, subject)
    if tenant is not None:
        refused = RefusedSignIn(subject, "organisation-suspended")
        await _record_refusal(database, valkey, tenant, refused, who)


def through(tenancy: Tenancy | None, arrival: Arrival) -> bool:
    """Whether the token shows what the tenant demands of a sign-in: its organization, by id."""
    if tenancy is None or not tenancy.required:
        return True
    shown = arrival.claims.organization.values()
    return any(each.id == tenancy.organization_id for each in shown)


async def into_person(
    database: Database, sessions: Sessions, valkey: Redis, arrival: Arrival
) -> tuple[Actor, str]:
    """The person's actor in their own space and the session's cookie; a new person if unknown."""
    subject = arrival.claims.sub
    person_id = await store.person_by_identity(database.lookup, arrival.issuer, subject)
    if person_id is None:
        person_id = await _new_person(database, arrival)
    actor = await _person_actor(database, person_id, arrival)
    async with database.person(person_id, actor) as tx:
        await emit(tx, "person.signed_in", PersonSignedIn(subject, arrival.claims.acr))
    return actor, await open_session(sessions, valkey, actor)


async def _new_person(database: Database, arrival: Arrival) -> UUID:
    person_id = new_id()
    name, email = arrival.display_name, arrival.verified_email
    try:
        async with database.person(person_id, actors.system(TASK)) as tx:
            await store.insert_person(tx, name, email, as_locale(arrival.claims.locale))
            await add_identity(tx, Identity(arrival.issuer, arrival.claims.sub))
    except AccountLinkedElsewhere:
        # The same person's other tab was first.
        found = await store.person_by_identity(database.lookup, arrival.issuer, arrival.claims.sub)
        if found is None:
            raise
        return found
    return person_id


async def _person_actor(database: Database, person_id: UUID, arrival: Arrival) -> Actor:
    read = database.person_reader(person_id, actors.system(TASK))
    found = await store.person(read) or Person(display_name="", email=None, locale="en")
    return person_actor(
        person_id, found.display_name or arrival.display_name, found.locale, _attributes(arrival)
    )


async def open_session(sessions: Sessions, valkey: Redis, actor: Actor) -> str:
    """A new session's cookie, unless Keycloak ended this sign-in in the meantime."""
    cookie = await sessions.open(actor)
    sid = actor.attributes["sid"]
    if await valkey.exists(_ended(sid)):
        await sessions.close_of_sign_in(sid)
        raise SignInExpired
    return cookie


async def end_sign_in(sessions: Sessions, valkey: Redis, sid: str) -> int:
    """Ends what one sign-in at Keycloak began, and what it may yet be about to begin.

    Returns how many sessions lived.
    """
    await valkey.set(_ended(sid), b"1", ex=ENDED_KEPT_S)
    return await sessions.close_of_sign_in(sid)


def _attributes(arrival: Arrival) -> dict[str, str]:
    claims = arrival.claims
    found = {"sid": claims.sid, "subject": claims.sub, "acr": claims.acr or ""}
    # What an invitation is compared with: an address that nobody verified counts for nothing.
    return found | {VERIFIED_EMAIL: arrival.verified_email or ""}


def _ended(sid: str) -> str:
    return f"keycloak:ended:{sid}"


async def _record_refusal(
    database: Database, valkey: Redis, tenant: Tenant, refused: RefusedSignIn, who: UUID | None
) -> None:
    pause = f"keycloak:refused:{tenant.id}:{refused.subject}:{refused.reason}"
    if not await valkey.set(pause, b"1", ex=REFUSAL_PAUSE_S, nx=True):
        return
    system = actors.system(TASK, tenant.id)
    async with database.tenant(tenant.id, system, standing=False) as tx:
        await emit(tx, "sign_in.refused", refused, person_id=who)
