"""A person erased: in every binding, with a receipt, whatever breaks in between."""

from pathlib import Path
from uuid import UUID

import asyncpg

from passerelle.kernel import personal_data, tasks
from passerelle.kernel.identifiers import new_id
from tenants.access.sessions import Sessions
from tenants.audit import chaining, verification
from tenants.privacy import erasing, erasure, store
from tenants.privacy.carrying import export_tenant
from tenants.privacy.catalogue import read_catalogue
from tenants.privacy.model import Known, Receipt
from tenants.privacy.statements import count_rows, erase_rows, in_order_of_erasure, value_of
from tests.people.factories import themselves
from tests.tenants.privacy.conftest import Elsewhere
from tests.tenants.privacy.lived import LEARNER_EMAIL, LEARNER_NAME, SYSTEM, Lived
from tests.tenants.privacy.test_carrying import PASSPHRASE, bring
from tests.tenants.privacy.test_carrying import prepared as prepared
from tests.walls.mirror import owned_tables


async def ask(work: tasks.Work, person_id: UUID, superuser: asyncpg.Connection) -> UUID:
    """A person's own erasure, past its cooling-off."""
    async with work.database.person(person_id, themselves(person_id)) as tx:
        erasure_id = await erasing.ask_own(tx)
    await superuser.execute(
        "update person_erasure set due_at = now() - interval '1 s' where id = $1", erasure_id
    )
    return erasure_id


async def erase(work: tasks.Work, person_id: UUID, erasure_id: UUID) -> Receipt | None:
    sessions = Sessions(work.valkey, work.settings)
    return await erasure.erase_person(work.database, sessions, person_id, erasure_id)


async def tables_with(superuser: asyncpg.Connection, words: str) -> set[str]:
    """Tables in which the words stand anywhere."""
    found = set()
    for table in await owned_tables(superuser):
        if await superuser.fetchval(
            f"select count(*) from {table.name} one where one::text ilike $1", f"%{words}%"
        ):
            found.add(table.name)
    return found


async def test_every_statement_of_the_map_may_be_run_by_the_worker(
    work: tasks.Work, lived: Lived
) -> None:
    nobody = Known(new_id(), "no such name", "none@example.org")
    async with work.database.tenant(lived.tenant_id, SYSTEM) as tx:
        catalogue = await read_catalogue(tx)
        entries = [e for e in personal_data.REGISTRY.values() if e.owner == "tenant"]
        for entry in in_order_of_erasure(entries, catalogue):
            value = value_of(entry, nobody)
            assert await tx.fetch_value(count_rows(entry), tx.tenant_id, value) == 0, entry.name
            sql = erase_rows(entry)
            if sql is not None:
                assert await tx.execute(sql, tx.tenant_id, value) == 0, entry.name


async def test_an_erased_person_is_nowhere_and_the_record_still_proves(
    work: tasks.Work,
    lived: Lived,
    superuser: asyncpg.Connection,
    elsewhere: Elsewhere,
    prepared: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    before = await tables_with(superuser, LEARNER_NAME)
    assert {"member", "person", "tenant_event"} <= before
    others = await superuser.fetchval(
        "select count(*) from member where tenant_id = $1", lived.other.tenant_id
    )
    with (tmp_path / "older.zip").open("wb") as file:
        await export_tenant(
            work.database,
            work.objects,
            work.vault,
            lived.tenant_id,
            PASSPHRASE,
            file,
            exported_from="https://x.example",
        )
    sessions = Sessions(work.valkey, work.settings)
    await sessions.open(themselves(lived.learner_id))
    erasure_id = await ask(work, lived.learner_id, superuser)
    receipt = await erase(work, lived.learner_id, erasure_id)

    assert receipt is not None
    assert await tables_with(superuser, LEARNER_NAME) == set()
    assert await tables_with(superuser, LEARNER_EMAIL) == set()
    assert await tables_with(superuser, "Idrissi") == set()
    # Where the identifier stays, it names nobody: what is kept says why on the map.
    kept = await tables_with(superuser, str(lived.learner_id))
    assert kept <= {"application", "tenant_event", "person_event"}, kept
    assert (
        await superuser.fetchval(
            "select count(*) from member where tenant_id = $1", lived.other.tenant_id
        )
        == others
    )
    assert await sessions.close_of_person(lived.learner_id) == 0

    told = {part.table: part for part in receipt.organisations[0].parts}
    assert told["member"].rows == 1
    assert told["attempt"].did == "deleted"
    assert told["issued_credential"].did == "anonymised"
    assert told["application"].did == "kept"
    assert {part.table for part in receipt.own} >= {"person", "sharing", "consent"}
    found = await store.receipt(work.database.lookup, erasure_id)
    assert found is not None

    await chaining.chain(work.database, lived.tenant_id)
    verdict = await verification.verify(work.database, lived.tenant_id)
    assert verdict.finding is None
    assert verdict.redacted > 0

    # Asked again, nothing happens; and an older copy of the organisation doesn't bring them back.
    assert await erase(work, lived.learner_id, erasure_id) is None
    receipts = await superuser.fetch("select * from erasure_receipt")
    await prepared.copy_records_to_table("erasure_receipt", records=receipts)
    brought = await bring(elsewhere, tmp_path / "older.zip")
    assert brought.forgotten == 1
    assert await tables_with(prepared, LEARNER_NAME) == set()
    await chaining.chain(elsewhere.database, lived.tenant_id)
    assert (await verification.verify(elsewhere.database, lived.tenant_id)).finding is None
