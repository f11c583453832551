"""A person erased: in every binding, with a receipt, whatever breaks in between."""

import asyncio
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest

from passerelle.kernel import personal_data, tasks
from passerelle.kernel.identifiers import new_id
from tenants.access.sessions import Sessions
from tenants.audit import chaining, verification
from tenants.privacy import erasing, erasure, store
from tenants.privacy.carrying import export_tenant
from tenants.privacy.catalogue import read_catalogue
from tenants.privacy.model import Known, Receipt
from tenants.privacy.statements import count_rows, erase_rows, in_order_of_erasure, value_of
from tenants.privacy.tasks import look_for_due
from tenants.service import admit
from tests.conftest import People
from tests.credentials.conftest import Worker
from tests.people.factories import create_person, share, themselves
from tests.tenants.privacy.conftest import Elsewhere
from tests.tenants.privacy.lived import LEARNER_EMAIL, LEARNER_NAME, SYSTEM, Lived, officer
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


async def test_nothing_is_gone_before_its_day_and_what_is_taken_back_stays(
    work: tasks.Work, superuser: asyncpg.Connection
) -> None:
    person_id = await create_person(work.database, "Hind Cherkaoui")
    async with work.database.person(person_id, themselves(person_id)) as tx:
        erasure_id = await erasing.ask_own(tx)
    assert await look_for_due(work.database) == 0
    assert await erase(work, person_id, erasure_id) is None
    assert "person" in await tables_with(superuser, "Hind Cherkaoui")
    async with work.database.person(person_id, themselves(person_id)) as tx:
        await erasing.take_back_own(tx)
    await superuser.execute(
        "update person_erasure set due_at = now() - interval '1 s' where id = $1", erasure_id
    )
    assert await look_for_due(work.database) == 0
    assert await erase(work, person_id, erasure_id) is None
    assert "person" in await tables_with(superuser, "Hind Cherkaoui")


async def test_the_worker_erases_when_the_day_has_come(
    work: tasks.Work, run_worker: Worker, superuser: asyncpg.Connection
) -> None:
    person_id = await create_person(work.database, "Karim Benjelloun")
    await ask(work, person_id, superuser)
    assert await look_for_due(work.database) == 1
    assert await look_for_due(work.database) == 0, "handed over once"
    async with work.database.person(person_id, themselves(person_id)) as tx:
        with pytest.raises(erasing.TooLateToTakeBack):
            await erasing.take_back_own(tx)
    await run_worker()
    assert await tables_with(superuser, "Karim Benjelloun") == set()


async def test_an_officers_erasure_stays_in_the_organisation(
    work: tasks.Work, lived: Lived, run_worker: Worker, superuser: asyncpg.Connection
) -> None:
    """The person's own space and their other organisation are not touched."""
    person_id = await create_person(work.database, "Zineb Fassi", headline="Nurse")
    reason = "Asked for in a letter of 23 November."
    for people in (lived.people, lived.other):
        async with work.database.tenant(people.tenant_id, officer(people)) as tx:
            await admit(tx, person_id, "Zineb Fassi", None, "fr", ["learner"])
    async with work.database.tenant(lived.tenant_id, officer(lived.people)) as tx:
        await admit(tx, lived.people.recruiter_id, "Nadia", None, "fr", ["owner"])
        with pytest.raises(erasing.OwnErasureByOfficer):
            await erasing.ask_of_member(tx, lived.people.recruiter_id, reason)
        await admit(tx, person_id, "Zineb Fassi", None, "fr", ["owner"])
        with pytest.raises(erasing.OwnerNotErased):
            await erasing.ask_of_member(tx, person_id, reason)
        await tx.execute(
            "delete from member_role where tenant_id = $1 and person_id = $2 and role = 'owner'",
            lived.tenant_id,
            person_id,
        )
        erasure_id = await erasing.ask_of_member(tx, person_id, reason)
    await superuser.execute(
        "update member_erasure set due_at = now() - interval '1 s' where id = $1", erasure_id
    )
    assert await look_for_due(work.database) == 1
    await run_worker()
    left = await superuser.fetch("select tenant_id from member where person_id = $1", person_id)
    assert [row["tenant_id"] for row in left] == [lived.other.tenant_id]
    own = "select count(*) from profile where person_id = $1"
    assert await superuser.fetchval(own, person_id) == 1
    done = await superuser.fetchrow("select * from member_erasure where id = $1", erasure_id)
    assert done["person_id"] is None
    assert done["finished_at"] is not None
    assert str(person_id) not in str(dict(done))


async def test_killed_at_any_moment_it_resumes_and_the_receipt_is_right(
    work: tasks.Work, two_tenants: tuple[People, People], superuser: asyncpg.Connection
) -> None:
    """Cancelled again and again while it runs, as if killed; each part counts once."""
    person_id = await create_person(work.database, "Rachid Amghar", headline="Driver")
    for people in two_tenants:
        await share(work.database, person_id, people.tenant_id)
        async with work.database.tenant(people.tenant_id, SYSTEM) as tx:
            await admit(tx, person_id, "Rachid Amghar", "r.amghar@x.example", "fr", ["learner"])
    erasure_id = await ask(work, person_id, superuser)
    stopped = 0
    for patience_ms in (1, 4, 8, 12, 20, 30, 45, 60):
        try:
            async with asyncio.timeout(patience_ms / 1000):
                await erase(work, person_id, erasure_id)
            break
        except TimeoutError:
            stopped += 1
    await erase(work, person_id, erasure_id)
    assert stopped >= 2
    found = await store.receipt(work.database.lookup, erasure_id)
    receipt = msgspec.convert(found, Receipt)
    assert {one.tenant_id for one in receipt.organisations} == {
        people.tenant_id for people in two_tenants
    }
    for one in receipt.organisations:
        assert {part.table: part.rows for part in one.parts}["member"] == 1
    assert {part.table: part.rows for part in receipt.own}["sharing"] == 2
    assert await tables_with(superuser, "Amghar") == set()
    assert await superuser.fetchval(
        "select count(*) from tenant_event where name = 'member.erased' and subject = $1",
        erasure_id,
    ) == len(two_tenants)


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
