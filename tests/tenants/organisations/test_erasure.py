"""The end of an organisation: nothing is left of it, nothing of others is touched, and what people
earned there still verifies."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.errors import NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import Settings
from passerelle.people import service as people_service
from tenants.access.operator import operator
from tenants.access.sessions import Sessions
from tenants.model import TenantCreated
from tenants.organisations import erasure, standing
from tenants.organisations.model import Tombstone
from tenants.organisations.problems import ErasureBegun, SlugTaken
from tenants.service import create_tenant
from tests.conftest import People, create_people, eventually, sign_in
from tests.credentials.conftest import Earn, Worker
from tests.credentials.conftest import achievements as achievements
from tests.credentials.conftest import document_of as document_of
from tests.credentials.conftest import earn as earn
from tests.credentials.conftest import run_worker as run_worker
from tests.credentials.conftest import taxonomy as taxonomy
from tests.credentials.conftest import work as work
from tests.walls.mirror import owned_tables

WHY = "Asked by its owner."
MEMBER = (
    "insert into member (tenant_id, person_id, display_name, locale) values ($1, $2, 'x', 'en')"
)
TABLES = """
select relation::text from app.tables_to_erase()
"""
DocumentOf = Callable[[People, UUID], Awaitable[bytes]]


@pytest.fixture
def sessions(app: Litestar) -> Sessions:
    found: Sessions = app.state.sessions
    return found


async def rows_of(superuser: asyncpg.Connection, tenant_id: UUID) -> dict[str, int]:
    """How many rows each table of tenants holds of this one; tables without any are left out."""
    found = {}
    for row in await superuser.fetch(TABLES):
        count = await superuser.fetchval(
            f'select count(*) from "{row["relation"]}" where tenant_id = $1', tenant_id
        )
        if count:
            found[row["relation"]] = count
    return found


async def deleted(
    database: Database, sessions: Sessions, settings: Settings, slug: str, grace_days: int = 0
) -> None:
    await standing.delete(
        database, sessions, settings, slug,
        confirmation=slug, reason=WHY, actor=operator(), grace_days=grace_days,
    )  # fmt: skip


async def test_every_table_of_tenants_can_be_erased(superuser: asyncpg.Connection) -> None:
    """A table that was made without `app.tenant_table` needs `app.let_erase`."""
    tables = [row["relation"] for row in await superuser.fetch(TABLES)]
    assert len(tables) > 40
    for table in tables:
        assert await superuser.fetchval(
            "select has_table_privilege('app_definer', $1, 'delete')"
            " and has_column_privilege('app_definer', $1, 'tenant_id', 'select')"
            " and has_column_privilege('app_definer', $1, 'ctid', 'select')",
            f"public.{table}",
        ), table
    owned = {table.name for table in await owned_tables(superuser) if table.scope == "tenant"}
    kept = {"tenant", "tombstone", "tombstone_key", "tombstone_credential"}
    assert owned == set(tables) | kept


async def test_nothing_is_left_but_the_tombstone_and_what_is_the_persons(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    sessions: Sessions,
    settings: Settings,
    superuser: asyncpg.Connection,
    valkey: Redis,
    two_tenants: tuple[People, People],
    earn: Earn,
    run_worker: Worker,
    document_of: DocumentOf,
) -> None:
    gone, other = two_tenants
    held, revoked = await earn(gone), await earn(gone)
    await earn(other)
    await run_worker()
    async with database.tenant(gone.tenant_id, actors.system("tests")) as tx:
        from passerelle.credentials import service as credentials

        await credentials.revoke(tx, revoked, "Wrong person.")
    await run_worker()
    async with database.person(gone.learner_id, actors.system("tests")) as person_tx:
        until = (datetime.now(UTC) + timedelta(days=30)).date()
        await people_service.share(person_tx, gone.tenant_id, until=until)
    document = await document_of(gone, held)
    await sign_in(client, app, gone, "learner")
    others_before = await rows_of(superuser, other.tenant_id)
    before = await rows_of(superuser, gone.tenant_id)
    assert len(before) > 8

    await deleted(database, sessions, settings, gone.slug)
    erased = await erasure.erase(database, sessions, gone.tenant_id, batch_rows=3)
    assert await rows_of(superuser, gone.tenant_id) == {}
    assert (
        await superuser.fetchval("select count(*) from tenant where id = $1", gone.tenant_id) == 0
    )
    assert await rows_of(superuser, other.tenant_id) == others_before
    for table, count in before.items():
        assert erased[table] >= count, table
    keys = [key async for key in valkey.scan_iter("session:*", None, "hash")]
    owners = [(await valkey.hget(key, "owner")) for key in keys]
    assert gone.tenant_id.hex.encode() not in owners

    stone = await standing.shown(database, gone.slug)
    assert isinstance(stone, Tombstone)
    assert stone.erased_at is not None
    assert stone.receipt["rows"] == erased
    assert stone.receipt["reason"] == WHY
    await _still_verifies(client, gone, held, revoked, document)
    # Nobody shares any more with who is gone, and the person's own record says so.
    ended = await superuser.fetchval(
        "select count(*) from person_event where person_id = $1 and name = 'sharing.ended'",
        gone.learner_id,
    )
    assert ended == 1
    live = "select count(*) from sharing where tenant_id = $1 and withdrawn_at is null"
    assert await superuser.fetchval(live, gone.tenant_id) == 0
    with pytest.raises(SlugTaken):
        await create_tenant(database, gone.slug, Localised("New", "New", "New"), "en", listed=False)


async def _still_verifies(
    client: httpx.AsyncClient, gone: People, held: UUID, revoked: UUID, document: bytes
) -> None:
    by_address = await client.get(f"/api/verify/{held}")
    assert by_address.json()["outcome"] == "valid", by_address.text
    sent = await client.post(
        "/api/verify", content=document, headers={"content-type": "application/json"}
    )
    assert sent.json()["outcome"] == "valid"
    tampered = json.loads(document)
    tampered["credentialSubject"]["achievement"]["name"] = "Professor"
    forged = await client.post("/api/verify", json=tampered)
    assert forged.json()["outcome"] == "not-valid"
    assert (await client.get(f"/api/verify/{revoked}")).json()["outcome"] == "revoked"
    keys = await client.get(f"/t/{gone.slug}/did.json")
    assert keys.status_code == 200
    assert keys.json()["verificationMethod"]
    page = await client.get(f"/verify/{held}", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert (await client.get(f"/credentials/{held}.json")).content == document
    assert (await client.get(f"/t/{gone.slug}/sign-in")).status_code == 404


async def test_nothing_is_erased_in_the_grace_nor_of_a_tenant_that_stands(
    database: Database, sessions: Sessions, settings: Settings, superuser: asyncpg.Connection
) -> None:
    waiting = await create_people(database, "waiting")
    stands = await create_people(database, "stands")
    await deleted(database, sessions, settings, "waiting", grace_days=1)
    for people in (waiting, stands):
        before = await rows_of(superuser, people.tenant_id)
        assert await erasure.erase(database, sessions, people.tenant_id) == {}
        assert await rows_of(superuser, people.tenant_id) == before


async def test_once_begun_it_cant_be_restored_and_goes_on_after_a_crash(
    database: Database, sessions: Sessions, settings: Settings, superuser: asyncpg.Connection
) -> None:
    people = await create_people(database, "halfway")
    await deleted(database, sessions, settings, "halfway")
    await database.pool("worker_relay").fetch(
        "select relation, erased from app.erase_tenant($1, $2)", people.tenant_id, 2
    )
    assert await rows_of(superuser, people.tenant_id)
    with pytest.raises(ErasureBegun):
        await standing.restore(database, "halfway", WHY, operator())
    await asyncio.gather(
        *(erasure.erase(database, sessions, people.tenant_id, batch_rows=2) for _ in range(3))
    )
    assert await rows_of(superuser, people.tenant_id) == {}
    stone = await standing.shown(database, "halfway")
    assert isinstance(stone, Tombstone)
    assert sum(stone.receipt["rows"].values()) > 2


async def test_an_erasure_waits_for_what_still_runs_in_the_organisation(
    database: Database, sessions: Sessions, settings: Settings, superuser: asyncpg.Connection
) -> None:
    """A record's rows know their tenant by its id alone: written too late, they would stay."""
    people = await create_people(database, "late")
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        await deleted(database, sessions, settings, "late")
        erasing = asyncio.create_task(erasure.erase(database, sessions, people.tenant_id))
        await asyncio.sleep(0.3)
        assert not erasing.done()
        await emit(tx, "tenant.created", TenantCreated("late", Localised("L", "L", "L")))
    await erasing
    assert await rows_of(superuser, people.tenant_id) == {}


async def test_under_load_nothing_is_half_made_and_others_are_untouched(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    sessions: Sessions,
    settings: Settings,
    superuser: asyncpg.Connection,
) -> None:
    """Writers and readers work in the tenant while it is deleted and erased."""
    gone, other = await create_people(database, "loaded"), await create_people(database, "calm")
    await sign_in(client, app, gone, "recruiter")
    stop = asyncio.Event()
    seen: dict[str, int] = {}

    def saw(what: str) -> None:
        seen[what] = seen.get(what, 0) + 1

    async def write(people: People) -> None:
        while not stop.is_set():
            try:
                async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
                    await tx.execute(MEMBER, tx.tenant_id, uuid4())
                    await asyncio.sleep(0.01)
                    await tx.execute(MEMBER, tx.tenant_id, uuid4())
            except NotFound:
                saw("refused write")
                await asyncio.sleep(0.01)
            else:
                saw(f"write {people.slug}")

    async def read() -> None:
        while not stop.is_set():
            answer = await client.get("/t/loaded/api/requisitions")
            saw(f"read {answer.status_code}")
            await asyncio.sleep(0.005)

    def all_seen(*wanted: str) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            return seen.keys() >= set(wanted)

        return check

    async def end() -> None:
        try:
            await eventually(all_seen("write loaded", "write calm", "read 200"))
            await deleted(database, sessions, settings, "loaded")
            await erasure.erase(database, sessions, gone.tenant_id, batch_rows=20)
            await eventually(all_seen("refused write", "read 401"))
        finally:
            stop.set()

    await asyncio.gather(
        end(), read(), *(write(gone) for _ in range(2)), *(write(other) for _ in range(2))
    )
    assert {what for what in seen if what.startswith("read")} <= {
        "read 200",
        "read 401",
        "read 404",
    }
    assert await rows_of(superuser, gone.tenant_id) == {}
    members = await superuser.fetchval(
        "select count(*) from member where tenant_id = $1 and display_name = 'x'", other.tenant_id
    )
    assert members == 2 * seen["write calm"]
