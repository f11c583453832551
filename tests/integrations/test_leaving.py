"""Who is erased here is erased at Keycloak too, whatever breaks in between."""

from uuid import UUID

import asyncpg
import msgspec
import pytest
from redis.asyncio import Redis

from integrations.keycloak import leaving as leaving
from integrations.keycloak import store
from integrations.keycloak.administration import Administration, NewAccount
from integrations.keycloak.linking import add_identity
from integrations.keycloak.model import Identity, KeycloakUnavailable
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.events import Event
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import Settings
from passerelle.kernel.work import Work
from tenants.access.operator import operator
from tenants.access.sessions import Sessions
from tenants.organisations import erasure as organisations_erasure
from tenants.organisations import standing
from tenants.privacy import erasing
from tenants.privacy.model import ErasureDue
from tenants.privacy.tasks import erase_the_person
from tenants.service import create_tenant
from tests.integrations.conftest import PASSWORD
from tests.people.factories import themselves

ELSEWHERE = "https://sign-in.elsewhere.example/realms/other"


@pytest.fixture
def work(web_settings: Settings, database: Database, valkey: Redis) -> Work:
    return Work(
        settings=web_settings,
        database=database,
        valkey=valkey,
        http=None,  # type: ignore[arg-type]
        vault=None,  # type: ignore[arg-type]
        mail=None,  # type: ignore[arg-type]
        objects=None,  # type: ignore[arg-type]
    )


@pytest.fixture
def keycloak_is_away(work: Work) -> Work:
    """Nothing listens there; the realm is the same by its name and issuer for what is asked."""
    return msgspec.structs.replace(
        work, settings=msgspec.structs.replace(work.settings, keycloak_url="http://127.0.0.1:9")
    )


@pytest.fixture
async def subject(administration: Administration) -> str:
    email = f"{new_id().hex[-10:]}@example.org"
    account = NewAccount(
        email=email, first_name="Ines", last_name="Test", locale="fr", password=PASSWORD
    )
    return (await administration.ensure_account(account)).subject


async def with_accounts(work: Work, *accounts: Identity) -> tuple[UUID, Event[ErasureDue]]:
    """A person with these accounts, whose erasure is due."""
    person_id = new_id()
    async with work.database.person(person_id, themselves(person_id)) as tx:
        await store.insert_person(tx, "Ines Test", None, "fr")
        for account in accounts:
            await add_identity(tx, account)
        erasure_id = await erasing.ask_own(tx)
        await tx.execute(
            "update person_erasure set due_at = now() - interval '1 s' where person_id = $1",
            person_id,
        )
    return person_id, Event(
        id=new_id(),
        name="erasure.due",
        payload=ErasureDue(erasure_id),
        occurred_at=None,  # type: ignore[arg-type]
        owner_scope="person",
        owner_id=person_id,
        person_id=None,
        actor_name="tests",
    )


def issuer_of(settings: Settings) -> str:
    return f"{settings.keycloak_url}/realms/{settings.keycloak_realm}"


async def is_there(superuser: asyncpg.Connection, person_id: UUID) -> bool:
    return bool(
        await superuser.fetchval("select count(*) from person where person_id = $1", person_id)
    )


async def test_an_erased_persons_account_goes_and_a_second_time_is_no_error(
    work: Work, subject: str, administration: Administration, superuser: asyncpg.Connection
) -> None:
    own = Identity(issuer_of(work.settings), subject)
    # An account of the same number at another service is somebody else's affair.
    person_id, due = await with_accounts(work, own, Identity(ELSEWHERE, str(new_id())))
    assert await administration.ways_in(subject) is not None
    await erase_the_person(work, due)
    assert await administration.ways_in(subject) is None
    assert not await is_there(superuser, person_id)
    await erase_the_person(work, due)


async def test_an_account_that_is_gone_already_holds_up_no_erasure(
    work: Work, subject: str, administration: Administration, superuser: asyncpg.Connection
) -> None:
    person_id, due = await with_accounts(work, Identity(issuer_of(work.settings), subject))
    await administration.delete_account(subject)
    await erase_the_person(work, due)
    assert not await is_there(superuser, person_id)


async def test_while_keycloak_is_away_the_erasure_waits_and_loses_nothing(
    work: Work,
    keycloak_is_away: Work,
    subject: str,
    administration: Administration,
    superuser: asyncpg.Connection,
) -> None:
    """Else nobody would know any more which account was theirs."""
    away = Identity(issuer_of(keycloak_is_away.settings), subject)
    person_id, due = await with_accounts(work, away, Identity(issuer_of(work.settings), subject))
    with pytest.raises(KeycloakUnavailable):
        await erase_the_person(keycloak_is_away, due)
    assert await is_there(superuser, person_id)
    await erase_the_person(work, due)
    assert await administration.ways_in(subject) is None
    assert not await is_there(superuser, person_id)


async def deleted_tenant(work: Work, organization_id: str | None) -> UUID:
    """An organisation whose grace is over."""
    slug = f"leaving-{new_id().hex[-8:]}"
    tenant_id = await create_tenant(
        work.database, slug, Localised(slug, slug, slug), "fr", listed=False
    )
    if organization_id is not None:
        async with work.database.tenant(tenant_id, actors.system("tests", tenant_id)) as tx:
            await store.save_organization(tx, organization_id, required=True)
    sessions = Sessions(work.valkey, work.settings)
    await standing.delete(
        work.database,
        sessions,
        work.settings,
        slug,
        confirmation=slug,
        reason="The contract ended",
        actor=operator(),
        grace_days=0,
    )
    return tenant_id


async def tenants_left(superuser: asyncpg.Connection, *tenant_ids: UUID) -> set[UUID]:
    rows = await superuser.fetch("select id from tenant where id = any($1)", tenant_ids)
    return {row["id"] for row in rows}


async def test_an_erased_organisations_organization_goes_and_waits_for_keycloak(
    work: Work,
    keycloak_is_away: Work,
    administration: Administration,
    superuser: asyncpg.Connection,
) -> None:
    mark = f"leaving-{new_id().hex[-10:]}"
    organization = await administration.ensure_organization(mark, mark, f"{mark}.example")
    linked, simple = await deleted_tenant(work, organization), await deleted_tenant(work, None)
    await organisations_erasure.erase_due(keycloak_is_away)
    assert await tenants_left(superuser, linked, simple) == {linked}
    await organisations_erasure.erase_due(work)
    assert await tenants_left(superuser, linked) == set()
    assert await administration._organization(mark) is None


async def test_an_organization_that_is_gone_already_holds_up_no_erasure(
    work: Work, superuser: asyncpg.Connection
) -> None:
    tenant_id = await deleted_tenant(work, str(new_id()))
    await organisations_erasure.erase_due(work)
    assert await tenants_left(superuser, tenant_id) == set()
