"""Persons with a name of their own, and the acts of sharing."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from passerelle.kernel.actor import PERSON, Actor
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Locale
from passerelle.people import service
from passerelle.people.model import Profile

LET_END = """
update sharing set granted_at = now() - interval '3 days', until = now() - interval '1 second'
where person_id = $1
"""


def themselves(person_id: UUID, name: str = "A person") -> Actor:
    return Actor(
        kind="person",
        display_name=name,
        person_id=person_id,
        permissions=frozenset({PERSON}),
        origin="keycloak",
    )


def in_days(days: int) -> date:
    return datetime.now(UTC).date() + timedelta(days=days)


async def create_person(
    database: Database, name: str, *, headline: str = "", about: str = "", locale: Locale = "en"
) -> UUID:
    person_id = new_id()
    async with database.person(person_id, themselves(person_id, name)) as tx:
        await service.register_person(tx, name, locale)
        if headline or about:
            await service.save_profile(tx, Profile(headline, about, locale))
    return person_id


async def share(database: Database, person_id: UUID, tenant_id: UUID, days: int = 30) -> UUID:
    async with database.person(person_id, themselves(person_id)) as tx:
        return await service.share(tx, tenant_id, until=in_days(days))


async def withdraw(database: Database, person_id: UUID, sharing_id: UUID) -> None:
    async with database.person(person_id, themselves(person_id)) as tx:
        await service.withdraw(tx, sharing_id)


async def let_sharing_end(database: Database, person_id: UUID) -> None:
    """Moves the person's sharings into the past: their last moment was a second ago."""
    async with database.person(person_id, themselves(person_id)) as tx:
        await tx.execute(LET_END, person_id)
