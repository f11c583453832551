"""`passerelle audit`, as an operator types it."""

import json
from pathlib import Path

import asyncpg
import msgspec

from infra.commands.checks import audit
from infra.commands.checks.finding import Context
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from tests.tenants.audit.command import passerelle
from tests.tenants.audit.tampering import (
    chained_tenant,
    past_every_guard,
    put_on_record,
    recompute_from,
)


async def test_an_operator_writes_heads_down_verifies_and_is_told_what_was_done(
    settings: Settings,
    database: Database,
    superuser: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    tenant_id = await chained_tenant(database, "operated", 6)
    await chained_tenant(database, "neighbour", 2)
    await put_on_record(database, tenant_id, 1)
    folder = tmp_path / "anchors"
    own = msgspec.structs.replace(settings, audit_anchor_directory=str(folder))

    status, said = await passerelle(own, "audit", "anchor")
    assert status == 0, said
    assert "2 heads written down" in said
    status, said = await passerelle(own, "audit", "verify")
    assert status == 0, said
    assert "Whole. operated: 8 entries, 1 head written down elsewhere agrees." in said
    assert "Whole. neighbour: 3 entries" in said

    file = tmp_path / "operated.jsonl"
    status, said = await passerelle(own, "audit", "export", "operated", "--output", str(file))
    assert status == 0, said

    async with past_every_guard(superuser) as power:
        await power.execute(
            "update tenant_event set reason = 'x' where tenant_id = $1 and id = (select event_id"
            " from audit_link where tenant_id = $1 and position = 3)",
            tenant_id,
        )
    status, said = await passerelle(own, "audit", "verify", "operated")
    assert status == 1, said
    assert "The entry at position 3 was changed after it was chained." in said
    assert "The 2 entries before it are whole." in said

    await recompute_from(database, superuser, tenant_id, 3)
    assert (await passerelle(settings, "audit", "verify", "operated"))[0] == 0
    words = ("audit", "verify", "operated", "--anchors", str(folder), "--json")
    status, said = await passerelle(settings, *words)
    assert status == 1, said
    known = json.loads(said)
    assert (known["whole"], known["finding"]["kind"]) == (False, "anchor_differs")
    assert known["sentence"].startswith("The chain was rewritten: at position 8")

    # The file left before it happened: it is whole, against the same folder, with no database.
    nowhere = msgspec.structs.replace(settings, database_url="postgresql://127.0.0.1:9/nowhere")
    words = ("audit", "verify", "--file", str(file), "--anchors", str(folder))
    status, said = await passerelle(nowhere, *words)
    assert status == 0, said
    assert "8 entries, 1 head written down elsewhere agrees" in said
    status, said = await passerelle(settings, "audit", "verify", "nobody")
    assert status == 1
    assert "No organisation has this address" in said


async def test_the_doctor_says_where_heads_are_written_down(
    settings: Settings, tmp_path: Path
) -> None:
    async def state(**changed: str) -> str:
        context = Context(msgspec.structs.replace(settings, **changed), "")
        (finding,) = await audit.check(context)
        return finding.state

    file = tmp_path / "file"
    file.touch()
    assert await state() == "warning"
    assert await state(audit_anchor_mailbox="heads@example.org") == "ok"
    assert await state(audit_anchor_directory=str(tmp_path / "new" / "folder")) == "ok"
    assert await state(audit_anchor_directory=str(file / "below")) == "problem"
