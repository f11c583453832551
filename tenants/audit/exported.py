"""Verifying an exported file with nothing but the file: no database, no settings, no key."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from passerelle.kernel.errors import Problem
from passerelle.kernel.language import N_
from tenants.audit.anchors import Anchor
from tenants.audit.chain import body_hash, own_hash
from tenants.audit.chain_store import Verified
from tenants.audit.export import EXPORT_FORM, Heading, Line
from tenants.audit.findings import Finding, Verdict
from tenants.audit.redaction import REDACTED
from tenants.audit.verification import Redactions, Walk


class ExportUnreadable(Problem):
    status = 400
    title = N_("This file is no export of an audit record")
    mend = N_("Give a JSON Lines file as the audit page exports it.")


async def verify_file(path: Path, anchors: Sequence[Anchor] = ()) -> Verdict:
    """Verifies every line, and of a whole chain that none is missing. Raises ExportUnreadable."""
    heading = heading_of(path)
    elsewhere = _InFile(path)
    walk = Walk(heading.tenant_id, anchors, elsewhere)
    finding: Finding | None = None
    last: Verified | None = None
    checked = 0
    for entry in entries_of(path):
        if heading.filter is None:
            finding = await walk.step(entry)
        else:
            finding = await _of_a_choice(heading, last, entry, elsewhere)
            last = entry
        if finding is not None:
            break
        checked += 1
    if finding is None and heading.filter is None:
        finding = _end_fault(walk, heading) or walk.beyond()
    return Verdict(
        tenant_id=heading.tenant_id,
        checked=checked,
        head_position=heading.head_position,
        head_hash=heading.head_hash,
        waiting=heading.waiting,
        anchors=walk.compared,
        redacted=walk.redacted,
        partial=heading.filter is not None,
        finding=finding,
    )


def _end_fault(walk: Walk, heading: Heading) -> Finding | None:
    if heading.head_position > walk.position:
        return Finding(kind="tail_cut", position=walk.position + 1)
    if heading.head_position < walk.position:
        return Finding(kind="inserted", position=heading.head_position + 1)
    if heading.head_hash != walk.hash.hex():
        return Finding(kind="head_differs", position=walk.position or None)
    return None


async def _of_a_choice(
    heading: Heading, last: Verified | None, entry: Verified, elsewhere: "_InFile"
) -> Finding | None:
    """An entry by itself, and against the one before it where that is its neighbour."""

    def finding(kind: str) -> Finding:
        return msgspec.convert(
            {"kind": kind, "position": entry.position, "event_id": entry.event_id}, Finding
        )

    if entry.hash != own_hash(heading.tenant_id, entry):
        return finding("changed")
    digest = body_hash(entry.body or "")
    if digest != entry.body_hash and not await elsewhere.redacted(entry.event_id, digest):
        return finding("changed")
    if last is not None and entry.position <= last.position:
        return finding("reordered")
    if (
        last is not None
        and entry.position == last.position + 1
        and entry.previous_hash != last.hash
    ):
        return finding("inserted")
    return None


def heading_of(path: Path) -> Heading:
    """Raises ExportUnreadable."""
    try:
        with path.open("rb") as file:
            heading = msgspec.json.decode(file.readline(), type=Heading)
    except (OSError, msgspec.DecodeError) as error:
        raise ExportUnreadable(f"{path}: {error}") from error
    if heading.form != EXPORT_FORM:
        raise ExportUnreadable(f"{path} is of the form {heading.form}, not {EXPORT_FORM}")
    return heading


def entries_of(path: Path) -> Iterator[Verified]:
    """The file's entries, in its order. Raises ExportUnreadable, naming the line."""
    decoder = msgspec.json.Decoder(Line)
    with path.open("rb") as file:
        file.readline()
        for number, text in enumerate(file, start=2):
            try:
                line = decoder.decode(text)
                yield Verified(
                    position=line.position,
                    event_id=line.event_id,
                    chained_at=datetime.fromisoformat(line.chained_at),
                    previous_hash=bytes.fromhex(line.previous_hash),
                    body_hash=bytes.fromhex(line.body_hash),
                    hash=bytes.fromhex(line.hash),
                    body=line.body,
                )
            except (msgspec.DecodeError, ValueError) as error:
                raise ExportUnreadable(f"{path}, line {number}: {error}") from error


class _InFile:
    """Asked at the first bad line only: reads the file once more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._redactions: Redactions | None = None

    async def link_after_hash(self, digest: bytes) -> int | None:
        return next(
            (one.position for one in entries_of(self._path) if one.previous_hash == digest), None
        )

    async def link_of_body(self, digest: bytes) -> int | None:
        return next(
            (one.position for one in entries_of(self._path) if one.body_hash == digest), None
        )

    async def redacted(self, event_id: UUID, digest: bytes) -> bool:
        if self._redactions is None:
            self._redactions = Redactions(self._told())
        return self._redactions.know(event_id, digest)

    def _told(self) -> Iterator[object]:
        for entry in entries_of(self._path):
            if entry.body and REDACTED in entry.body:
                row = msgspec.json.decode(entry.body)
                if row.get("name") == REDACTED:
                    yield row.get("payload")
