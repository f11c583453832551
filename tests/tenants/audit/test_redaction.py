"""Words that an erasure takes out leave the chain whole, and nothing else passes for an erasure."""

from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.errors import NotFound
from passerelle.kernel.identifiers import new_id
from tenants.audit import chaining, redaction
from tenants.audit.exported import verify_file
from tenants.audit.verification import verify
from tests.tenants.audit.tampering import chained_tenant
from tests.tenants.audit.test_export import exported

BLANK = """
update tenant_event set payload = '{}', before = null, reason = null, actor_name = $3
where tenant_id = $1 and id = any($2::uuid[])
"""


async def events_at(superuser: asyncpg.Connection, tenant_id: UUID, *positions: int) -> list[UUID]:
    rows = await superuser.fetch(
        "select event_id from audit_link where tenant_id = $1 and position = any($2::bigint[])",
        tenant_id,
        positions,
    )
    return [row["event_id"] for row in rows]


async def redact(database: Database, tenant_id: UUID, event_ids: list[UUID]) -> None:
    async with database.tenant(tenant_id, actors.system("tests", tenant_id)) as tx:
        await redaction.record(tx, event_ids, receipt_id=new_id(), reason="asked for erasure")
    await chaining.chain(database, tenant_id)


async def test_words_taken_out_on_record_leave_the_chain_whole(
    database: Database, superuser: asyncpg.Connection, tmp_path: Path
) -> None:
    tenant_id = await chained_tenant(database, "redacted", 6)
    events = await events_at(superuser, tenant_id, 3, 5)
    await superuser.execute(BLANK, tenant_id, events, "")
    assert not (await verify(database, tenant_id)).whole
    await redact(database, tenant_id, events)
    verdict = await verify(database, tenant_id)
    assert (verdict.finding, verdict.redacted, verdict.checked) == (None, 2, 8)
    await exported(database, tenant_id, tmp_path / "a.jsonl")
    of_file = await verify_file(tmp_path / "a.jsonl")
    assert (of_file.finding, of_file.redacted) == (None, 2)


async def test_words_put_in_after_an_erasure_are_found(
    database: Database, superuser: asyncpg.Connection
) -> None:
    tenant_id = await chained_tenant(database, "redacted-forged", 6)
    events = await events_at(superuser, tenant_id, 3)
    await superuser.execute(BLANK, tenant_id, events, "")
    await redact(database, tenant_id, events)
    await superuser.execute(BLANK, tenant_id, events, "someone else")
    finding = (await verify(database, tenant_id)).finding
    assert finding is not None
    assert (finding.kind, finding.position) == ("changed", 3)


async def test_another_organisations_events_can_not_be_told_as_erased(
    database: Database, superuser: asyncpg.Connection
) -> None:
    ours = await chained_tenant(database, "redacted-ours", 2)
    theirs = await chained_tenant(database, "redacted-theirs", 2)
    events = await events_at(superuser, theirs, 2)
    async with database.tenant(ours, actors.system("tests", ours)) as tx:
        with pytest.raises(NotFound):
            await redaction.record(tx, events, receipt_id=new_id(), reason="no")
