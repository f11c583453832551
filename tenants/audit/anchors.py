"""The chain's head written down elsewhere: one line of JSON in a file, or in a mail.

A folder holds one file an organisation and day, only ever appended to. Who keeps the folder (or the
mailbox) out of the database's reach can show later that the chain was cut or rewritten.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from passerelle.kernel.errors import Problem
from passerelle.kernel.language import N_

ANCHOR_FORM: Final = "passerelle-audit-anchor-v1"
#: A line of an anchor begins with this, wherever it was kept: a folder's file, a saved mail.
LINE_START: Final = '{"form":"' + ANCHOR_FORM + '"'
FILE_LIMIT_BYTES: Final = 64 * 1024 * 1024


class AnchorsUnreadable(Problem):
    status = 400
    title = N_("What was written down elsewhere can't be read")
    mend = N_("Name the folder with the anchors, and mend or remove the line that is named.")


class AnchorLine(msgspec.Struct, frozen=True, kw_only=True):
    """The line itself. `hash` is 64 hexadecimal figures."""

    form: str
    tenant_id: UUID
    slug: str
    position: int
    hash: str
    chained_at: datetime
    anchored_at: datetime


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was found, and where."""

    position: int
    digest: bytes
    anchored_at: datetime
    place: str


def line(
    tenant_id: UUID, slug: str, position: int, digest: bytes, chained_at: datetime, now: datetime
) -> str:
    """One line of JSON, its form first."""
    return msgspec.json.encode(
        AnchorLine(
            form=ANCHOR_FORM,
            tenant_id=tenant_id,
            slug=slug,
            position=position,
            hash=digest.hex(),
            chained_at=chained_at.astimezone(UTC),
            anchored_at=now.astimezone(UTC),
        )
    ).decode()


def write(folder: Path, tenant_id: UUID, text: str, now: datetime) -> Path:
    """Appends the line to the organisation's file of the day, and waits until the disk has it.

    Raises OSError.
    """
    directory = folder / str(tenant_id)
    directory.mkdir(parents=True, exist_ok=True, mode=0o750)
    path = directory / f"{now.astimezone(UTC):%Y-%m-%d}.jsonl"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(handle, (text + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    return path


def read(folder: Path) -> dict[UUID, list[Anchor]]:
    """Every anchor of every file below `folder`, by organisation. Raises AnchorsUnreadable."""
    if not folder.is_dir():
        raise AnchorsUnreadable(f"{folder} is no folder")
    found: dict[UUID, list[Anchor]] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        for tenant_id, anchor in _anchors_of(path):
            found.setdefault(tenant_id, []).append(anchor)
    return found


def _anchors_of(path: Path) -> Iterator[tuple[UUID, Anchor]]:
    if path.stat().st_size > FILE_LIMIT_BYTES:
        raise AnchorsUnreadable(f"{path} is over {FILE_LIMIT_BYTES // 1024 // 1024} MiB")
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, start=1):
            if not text.startswith(LINE_START):
                continue
            try:
                kept = msgspec.json.decode(text, type=AnchorLine)
                digest = bytes.fromhex(kept.hash)
            except (msgspec.DecodeError, ValueError) as error:
                raise AnchorsUnreadable(f"{path}, line {number}: {error}") from error
            yield (
                kept.tenant_id,
                Anchor(
                    position=kept.position,
                    digest=digest,
                    anchored_at=kept.anchored_at,
                    place=f"{path}, line {number}",
                ),
            )
