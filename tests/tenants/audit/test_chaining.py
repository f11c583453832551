"""From the outbox into the chain: once, in order, by many workers, whenever an event commits."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import pytest

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.events import emit
from passerelle.kernel.settings import Settings
from tenants.audit import chain_store, chaining
from tenants.audit.verification import verify
from tests.conftest import ROOT
from tests.tenants.audit.command import COMMAND, environment
from tests.tenants.audit.tampering import (
    Said,
    chained_tenant,
    new_tenant,
    past_every_guard,
    put_on_record,
)

COLUMNS = """
select column_name from information_schema.columns
where table_schema = 'public' and table_name = 'tenant_event' and column_name not in
  -- The relay's mark, and which erasure's receipt tells of blanked words.
  ('dispatched', 'redacted_by')
"""


async def test_every_event_is_chained_once_and_the_chain_is_whole(database: Database) -> None:
    tenant_id = await chained_tenant(database, "chained", 25)
    verdict = await verify(database, tenant_id)
    assert verdict.finding is None
    assert (verdict.checked, verdict.head_position, verdict.waiting) == (26, 26, 0)
    assert await chaining.chain(database, tenant_id) == 0


async def test_the_hash_covers_every_column_of_an_event(superuser: asyncpg.Connection) -> None:
    for row in await superuser.fetch(COLUMNS):
        assert f"'{row['column_name']}', " in chain_store.BODY


async def test_an_event_that_commits_late_is_chained_late(database: Database) -> None:
    tenant_id = await new_tenant(database, "late")
    actor = actors.system("tests", tenant_id)
    async with database.tenant(tenant_id, actor) as tx:
        late = await emit(tx, "tests.said", Said("late", 1))
        await put_on_record(database, tenant_id, 3)
        assert await chaining.chain(database, tenant_id) == 4
    assert await chaining.chain(database, tenant_id) == 1
    async with database.audit(tenant_id, actor) as read:
        links = await chain_store.links_after(read, 0, 100)
    assert links[-1].event_id == late
    assert [link.position for link in links] == [1, 2, 3, 4, 5]
    assert (await verify(database, tenant_id)).whole


async def test_many_workers_make_one_chain(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaining, "BATCH_EVENTS", 5)
    tenants = [await new_tenant(database, f"many-{number}") for number in range(3)]
    for tenant_id in tenants:
        await put_on_record(database, tenant_id, 40)
    chained = await asyncio.gather(*(chaining.chain_waiting(database) for _ in range(6)))
    await chaining.chain_waiting(database)
    assert sum(chained) <= 3 * 41
    for tenant_id in tenants:
        verdict = await verify(database, tenant_id)
        assert (verdict.finding, verdict.checked, verdict.waiting) == (None, 41, 0)


async def test_a_batch_that_dies_half_way_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant_id = await new_tenant(database, "dies")
    await put_on_record(database, tenant_id, 5)

    async def die(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(chain_store, "done_waiting", die)
        with pytest.raises(ConnectionResetError):
            await chaining.chain(database, tenant_id)
    assert await chaining.chain(database, tenant_id) == 6
    assert (await verify(database, tenant_id)).checked == 6


async def test_an_event_that_is_gone_before_its_turn_is_found_and_holds_up_no_other(
    database: Database, superuser: asyncpg.Connection
) -> None:
    tenant_id = await new_tenant(database, "gone-before")
    await put_on_record(database, tenant_id, 5)
    gone = "delete from tenant_event where tenant_id = $1 and name = 'tests.said' returning id"
    async with past_every_guard(superuser) as power:
        ids = [row["id"] for row in await power.fetch(gone, tenant_id)]
    await put_on_record(database, tenant_id, 3)
    assert await chaining.chain(database, tenant_id) == 3
    verdict = await verify(database, tenant_id)
    assert (verdict.checked, verdict.waiting) == (3, len(ids))
    assert not verdict.whole


async def test_the_chain_continues_while_the_organisation_is_suspended(
    database: Database, superuser: asyncpg.Connection
) -> None:
    tenant_id = await chained_tenant(database, "suspended", 1)
    await superuser.execute(
        "update tenant set status = 'suspended', suspended_at = now() where id = $1", tenant_id
    )
    actor = actors.system("tests", tenant_id)
    async with database.tenant(tenant_id, actor, standing=False) as tx:
        await emit(tx, "tests.said", Said("suspended", 1))
    assert await chaining.chain_waiting(database) == 1
    assert (await verify(database, tenant_id)).whole


async def test_the_keeper_can_neither_change_nor_remove_a_link(
    database: Database, superuser: asyncpg.Connection
) -> None:
    for role in ("audit_keeper", "web_tenant", "worker_tenant", "web_person", "worker_relay"):
        for table in ("audit_link", "tenant_event"):
            for privilege in ("update", "delete", "truncate"):
                assert not await superuser.fetchval(
                    "select has_table_privilege($1, $2, $3)", role, table, privilege
                ), (role, table, privilege)
    for role in ("web_tenant", "worker_tenant"):
        for table in ("audit_link", "audit_head", "audit_pending", "audit_anchor"):
            assert not await superuser.fetchval(
                "select has_table_privilege($1, $2, 'insert')", role, table
            )


async def test_events_that_an_import_brought_with_their_links_are_not_chained_again(
    database: Database, superuser: asyncpg.Connection
) -> None:
    tenant_id = await chained_tenant(database, "moved", 7)
    # As after an import: each event was inserted, so that the trigger put it in line again.
    await superuser.execute(
        "insert into audit_pending select tenant_id, id from tenant_event where tenant_id = $1",
        tenant_id,
    )
    await put_on_record(database, tenant_id, 1)
    assert (await verify(database, tenant_id)).waiting == 9
    assert await chaining.chain(database, tenant_id) == 1
    verdict = await verify(database, tenant_id)
    assert (verdict.finding, verdict.checked, verdict.waiting) == (None, 9, 0)


MANY = """
insert into tenant_event (tenant_id, id, name, payload, actor_kind, actor_name)
select $1, uuidv7(), 'tests.said', '{}', 'system', 'tests' from generate_series(1, 20000)
"""


async def test_a_killed_worker_leaves_a_whole_chain_that_another_finishes(
    database: Database, superuser: asyncpg.Connection, settings: Settings, tmp_path: Path
) -> None:
    tenant_id = await new_tenant(database, "killed")
    await superuser.execute(MANY, tenant_id)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", COMMAND, "audit", "anchor", "killed", "--directory", str(tmp_path)),
        cwd=ROOT,
        env=environment(settings),
        stdout=asyncio.subprocess.DEVNULL,
    )
    chained = "select position from audit_head where tenant_id = $1"
    while not await superuser.fetchval(chained, tenant_id):
        await asyncio.sleep(0.01)
        assert process.returncode is None
    process.kill()
    await process.wait()
    position = await superuser.fetchval(chained, tenant_id)
    assert 0 < position < 20_001
    verdict = await verify(database, tenant_id)
    assert (verdict.finding, verdict.checked) == (None, position)
    await chaining.chain(database, tenant_id, batches=100)
    verdict = await verify(database, tenant_id)
    assert (verdict.finding, verdict.checked, verdict.waiting) == (None, 20_001, 0)
