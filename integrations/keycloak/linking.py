"""Linking an account of the person's own to the wallet that their learning began.

The wallet is the launch's person, the account whoever signed in at Keycloak; only the pair that a
person saw and confirmed is written, while the learning session still lives. One wallet has one
account: otherwise a platform, which decides who its users are, could add its own to anybody's.
"""

from uuid import UUID

from integrations.keycloak import store
from integrations.keycloak.model import (
    AccountLinkedElsewhere,
    Arrival,
    Identity,
    IdentityLinked,
    LaunchEnded,
    Link,
    WalletLinkedElsewhere,
)
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, PersonTransaction
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import as_locale
from tenants.access.sessions import Sessions


async def living_launch(sessions: Sessions, link: Link) -> Actor:
    """The actor of the session that asked for the link. Raises LaunchEnded."""
    actor = await sessions.find_by_id(link.session_id)
    if (
        actor is None
        or actor.tenant_id != link.tenant_id
        or actor.person_id != link.person_id
        or not actor.may("learn")
    ):
        raise LaunchEnded
    return actor


async def is_linked(database: Database, link: Link, arrival: Arrival) -> bool:
    """Whether this very account opens this very wallet already.

    Raises AccountLinkedElsewhere or WalletLinkedElsewhere, before anybody is asked to confirm.
    """
    account = Identity(arrival.issuer, arrival.claims.sub)
    person_id = await store.person_by_identity(database.lookup, account.issuer, account.subject)
    if person_id is not None and person_id != link.person_id:
        raise AccountLinkedElsewhere
    if person_id is None and await has_account(database, link.person_id, account.issuer):
        raise WalletLinkedElsewhere
    return person_id is not None


async def has_account(database: Database, person_id: UUID, issuer: str) -> bool:
    """Whether an account of this issuer opens the person's wallet."""
    actor = Actor(kind="system", display_name="keycloak.linking")
    held = await store.identities(database.person_reader(person_id, actor))
    return any(identity.issuer == issuer for identity in held)


async def confirm(database: Database, sessions: Sessions, link: Link, arrival: Arrival) -> None:
    """Writes the link. Raises LaunchEnded, AccountLinkedElsewhere, WalletLinkedElsewhere."""
    actor = await living_launch(sessions, link)
    name, email = arrival.display_name, arrival.verified_email
    async with database.person(link.person_id, actor) as tx:
        await store.insert_person(
            tx, link.display_name, email, as_locale(arrival.claims.locale, actor.locale)
        )
        await add_identity(tx, Identity(arrival.issuer, arrival.claims.sub), link.tenant_id)
        await store.complete_person(tx, name, email)


async def add_identity(
    tx: PersonTransaction, account: Identity, tenant_id: UUID | None = None
) -> None:
    """Lets the account open the bound person's wallet, from now on; again changes nothing.

    Raises AccountLinkedElsewhere or WalletLinkedElsewhere.
    """
    await store.locked_person(tx)
    held = [each for each in await store.identities(tx) if each.issuer == account.issuer]
    if account in held:
        return
    if held:
        raise WalletLinkedElsewhere
    if not await store.insert_identity(tx, new_id(), account.issuer, account.subject):
        raise AccountLinkedElsewhere
    linked = IdentityLinked(account.issuer, account.subject)
    await emit(tx, "identity.linked", linked, tenant_id=tenant_id)
