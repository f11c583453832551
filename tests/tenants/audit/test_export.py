"""An exported record verifies with nothing but the file; a changed file does not."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from tenants.audit import export
from tenants.audit.anchors import Anchor
from tenants.audit.export import EXPORT_FORM
from tenants.audit.exported import ExportUnreadable, verify_file
from tenants.audit.model import Filter
from tenants.audit.service import PAGE_ENTRIES
from tests.conftest import ROOT
from tests.tenants.audit.tampering import chained_tenant, put_on_record

ENTRIES = 8
NOW = datetime.now(UTC)
README = (ROOT / "tenants" / "audit" / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
async def tenant_id(database: Database) -> UUID:
    return await chained_tenant(database, "exported", ENTRIES - 1)


async def exported(
    database: Database, tenant_id: UUID, path: Path, wanted: Filter | None = None
) -> list[dict[str, Any]]:
    read = database.tenant_reader(tenant_id, actors.system("tests", tenant_id))
    pieces = export.json_lines(read, "exported", wanted or Filter(), NOW)
    content = b"".join([piece async for piece in pieces])
    path.write_bytes(content)  # noqa: ASYNC240  a test's own small file
    return [json.loads(line) for line in content.splitlines()]


def write(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


async def kind_of(path: Path, *anchors: Anchor) -> tuple[str, int | None] | None:
    finding = (await verify_file(path, anchors)).finding
    return (finding.kind, finding.position) if finding else None


async def test_a_whole_export_verifies_offline(
    database: Database, tenant_id: UUID, tmp_path: Path
) -> None:
    lines = await exported(database, tenant_id, tmp_path / "a.jsonl")
    verdict = await verify_file(tmp_path / "a.jsonl")
    assert (verdict.finding, verdict.checked, verdict.partial) == (None, ENTRIES, False)
    assert lines[0]["form"] == EXPORT_FORM
    assert lines[0]["head_hash"] == lines[-1]["hash"]


async def test_the_readme_s_own_verifier_agrees_and_sees_a_changed_letter(
    database: Database, tenant_id: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The eleven lines that README.md gives to others, with none of our code."""
    (verifier,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    lines = await exported(database, tenant_id, tmp_path / "audit.jsonl")
    assert json.loads(lines[2]["body"])["payload"]["text"].startswith("مرحبا")
    monkeypatch.chdir(tmp_path)
    exec(verifier, {})
    lines[3]["body"] = lines[3]["body"].replace("because", "bekause")
    write(tmp_path / "audit.jsonl", lines)
    with pytest.raises(AssertionError, match="3"):
        exec(verifier, {})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda lines: lines[3].update(body=lines[3]["body"].replace("because", "bekause")), 3),
        (lambda lines: lines[3].update(hash="00" * 32), 3),
        (lambda lines: lines[3].update(chained_at="2020-01-01T00:00:00.000000Z"), 3),
    ],
    ids=["body", "hash", "moment"],
)
async def test_a_changed_line_is_found(
    database: Database, tenant_id: UUID, tmp_path: Path, change: Any, expected: int
) -> None:
    lines = await exported(database, tenant_id, tmp_path / "a.jsonl")
    change(lines)
    write(tmp_path / "b.jsonl", lines)
    assert await kind_of(tmp_path / "b.jsonl") == ("changed", expected)


async def test_a_removed_a_moved_and_a_repeated_line_are_found(
    database: Database, tenant_id: UUID, tmp_path: Path
) -> None:
    lines = await exported(database, tenant_id, tmp_path / "a.jsonl")
    path = tmp_path / "b.jsonl"
    write(path, [*lines[:4], *lines[5:]])
    assert await kind_of(path) == ("removed", 4)
    write(path, [*lines[:4], lines[5], lines[4], *lines[6:]])
    assert await kind_of(path) == ("reordered", 4)
    write(path, [*lines[:5], lines[2], *lines[5:]])
    assert await kind_of(path) == ("reordered", 5)
    write(path, lines[:-2])
    assert await kind_of(path) == ("tail_cut", ENTRIES - 1)
    head = {**lines[0], "head_position": ENTRIES - 2, "head_hash": lines[-3]["hash"]}
    write(path, [head, *lines[1:-2]])
    assert await kind_of(path) is None
    anchor = Anchor(
        position=ENTRIES,
        digest=bytes.fromhex(lines[-1]["hash"]),
        anchored_at=NOW,
        place="mail",
    )
    assert await kind_of(path, anchor) == ("tail_cut", ENTRIES - 1)


async def test_a_choice_of_entries_verifies_line_by_line(
    database: Database, tenant_id: UUID, tmp_path: Path
) -> None:
    path = tmp_path / "choice.jsonl"
    lines = await exported(database, tenant_id, path, Filter(name="tests.said", text="because 3"))
    assert len(lines) == 2
    verdict = await verify_file(path)
    assert (verdict.finding, verdict.partial, verdict.checked) == (None, True, 1)
    lines[1]["body"] = lines[1]["body"].replace("because 3", "because 4")
    write(path, lines)
    assert await kind_of(path) == ("changed", lines[1]["position"])


async def test_a_file_that_is_none_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    for text in ("", "{}\n", '{"form": "x"}\n', "name,age\n"):
        path.write_text(text)
        with pytest.raises(ExportUnreadable):
            await verify_file(path)


async def test_exports_are_longer_than_any_page_and_come_in_pieces(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant_id = await chained_tenant(database, "pieces", PAGE_ENTRIES + 14)
    monkeypatch.setattr(export, "PIECE_ENTRIES", 10)
    read = database.tenant_reader(tenant_id, actors.system("tests", tenant_id))
    pieces = [piece async for piece in export.csv_pieces(read, Filter())]
    assert len(pieces) == 1 + 7
    assert b"".join(pieces).count(b"tests.said") == PAGE_ENTRIES + 15
    lines = [piece async for piece in export.json_lines(read, "pieces", Filter(), NOW)]
    assert b"".join(lines).count(b"\n") == 1 + PAGE_ENTRIES + 15
    # What was not chained yet is counted in the heading, and not in the file.
    await put_on_record(database, tenant_id, 2)
    heading = json.loads(await anext(export.json_lines(read, "pieces", Filter(), NOW)))
    assert heading["waiting"] == 2
