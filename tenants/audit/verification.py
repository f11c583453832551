"""Verifying a chain: entry by entry from the first, against its events, its head and its anchors.

`Walk` judges one entry after another and knows no database: the same walk verifies an exported
file. What it finds is the first bad place; what comes after one can't be told.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantRead
from tenants.audit import chain_store
from tenants.audit.anchors import Anchor
from tenants.audit.chain import GENESIS, body_hash, own_hash
from tenants.audit.chain_store import Verified
from tenants.audit.findings import Finding, Kind, Verdict
from tenants.audit.redaction import told_by

BATCH_LINKS = 2_000
#: How far a link may have been renumbered for the verification to say so.
RENUMBERED_LIMIT = 1_000
TASK = "audit.verify"

Progress = Callable[[int, int], Awaitable[None]]


class Elsewhere(Protocol):
    """Asked once, at the first bad place: where what should be here stands instead."""

    async def link_after_hash(self, digest: bytes) -> int | None: ...
    async def link_of_body(self, digest: bytes) -> int | None: ...
    async def redacted(self, event_id: UUID, digest: bytes) -> bool: ...


class Walk:
    """Holds what is verified so far."""

    def __init__(
        self, tenant_id: UUID, anchors: Sequence[Anchor], elsewhere: Elsewhere, *, start: int = 0
    ) -> None:
        self._tenant_id = tenant_id
        self._anchors = _by_position(anchors)
        self._elsewhere = elsewhere
        self.position = start
        self.hash = GENESIS
        self.checked = 0
        self.compared = 0
        self.redacted = 0

    async def step(self, entry: Verified) -> Finding | None:
        """Judges the next entry; None where it is as it was chained."""
        here = self.position + 1
        finding = await self._link_fault(entry, here) or await self._event_fault(entry, here)
        if finding is not None:
            return finding
        self.position, self.hash = here, entry.hash
        self.checked += 1
        return self._anchor_fault(entry)

    async def _link_fault(self, entry: Verified, here: int) -> Finding | None:
        if entry.position == here and entry.previous_hash == self.hash:
            if entry.hash == own_hash(self._tenant_id, entry):
                return None
            return _finding(await self._forged(entry), here, entry)
        successor = await self._elsewhere.link_after_hash(self.hash)
        if successor is not None and successor != entry.position:
            return _finding("reordered", here, entry)
        if entry.position > here:
            return Finding(kind="removed", position=here)
        if entry.position < here:
            return _finding("inserted", here, entry)
        return self._renumbered(entry, here)

    async def _forged(self, entry: Verified) -> Kind:
        """It follows, but its hash is not its own."""
        if entry.body is None:
            return "inserted"
        digest = body_hash(entry.body)
        if digest != entry.body_hash and await self._elsewhere.link_of_body(digest) is not None:
            return "reordered"
        return "changed"

    def _renumbered(self, entry: Verified, here: int) -> Finding:
        """It doesn't follow, and nothing else does: what was it before?"""
        for step in range(1, RENUMBERED_LIMIT + 1):
            if entry.hash == own_hash(self._tenant_id, entry, position=here + step):
                return Finding(kind="removed", position=here)
            if entry.hash == own_hash(self._tenant_id, entry, position=here - step):
                return Finding(kind="inserted", position=here - step)
        # A link of its own making that follows nothing was never the chain's.
        made = entry.hash == own_hash(self._tenant_id, entry)
        return _finding("inserted" if made else "changed", here, entry)

    async def _event_fault(self, entry: Verified, here: int) -> Finding | None:
        if entry.body is None:
            return _finding("removed", here, entry)
        digest = body_hash(entry.body)
        if digest == entry.body_hash:
            return None
        if await self._elsewhere.redacted(entry.event_id, digest):
            self.redacted += 1
            return None
        moved = await self._elsewhere.link_of_body(digest) is not None
        return _finding("reordered" if moved else "changed", here, entry)

    def _anchor_fault(self, entry: Verified) -> Finding | None:
        for anchor in self._anchors.pop(entry.position, ()):
            self.compared += 1
            if anchor.digest != entry.hash:
                return Finding(
                    kind="anchor_differs",
                    position=entry.position,
                    event_id=entry.event_id,
                    place=anchor.place,
                    anchored_at=anchor.anchored_at,
                )
        return None

    def beyond(self) -> Finding | None:
        """An anchor past the last entry: the chain once was longer."""
        if not self._anchors or max(self._anchors) <= self.position:
            return None
        anchor = self._anchors[max(self._anchors)][0]
        return Finding(
            kind="tail_cut",
            position=self.position + 1,
            place=anchor.place,
            anchored_at=anchor.anchored_at,
        )


def _finding(kind: Kind, position: int, entry: Verified) -> Finding:
    return Finding(kind=kind, position=position, event_id=entry.event_id)


def _by_position(anchors: Sequence[Anchor]) -> dict[int, list[Anchor]]:
    grouped: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        grouped.setdefault(anchor.position, []).append(anchor)
    return grouped


class Redactions:
    """What the record itself says of words that an erasure took out of it."""

    def __init__(self, payloads: Iterable[object]) -> None:
        self._left: set[tuple[UUID, str]] = set()
        for payload in payloads:
            self._left.update(told_by(payload).items())

    def know(self, event_id: UUID, digest: bytes) -> bool:
        return (event_id, digest.hex()) in self._left


class _InDatabase:
    def __init__(self, read: TenantRead) -> None:
        self._read = read
        self._redactions: Redactions | None = None

    async def link_after_hash(self, digest: bytes) -> int | None:
        return await chain_store.link_after_hash(self._read, digest)

    async def link_of_body(self, digest: bytes) -> int | None:
        return await chain_store.link_of_body(self._read, digest)

    async def redacted(self, event_id: UUID, digest: bytes) -> bool:
        if self._redactions is None:
            self._redactions = Redactions(await chain_store.redactions(self._read))
        return self._redactions.know(event_id, digest)


async def _silent(done: int, total: int) -> None:
    return None


async def verify(
    database: Database,
    tenant_id: UUID,
    anchors: Mapping[UUID, Sequence[Anchor]] | None = None,
    progress: Progress = _silent,
) -> Verdict:
    """Verifies an organisation's whole chain, as the keeper; `progress(done, total)` a batch.

    Each batch sees what is committed by then: the chain may grow meanwhile.
    """
    own_anchors = (anchors or {}).get(tenant_id, ())
    async with database.audit(tenant_id, actors.system(TASK, tenant_id)) as read:
        walk = Walk(tenant_id, own_anchors, _InDatabase(read))
        end = await chain_store.end(read)
        finding = None
        while finding is None:
            entries = await chain_store.links_after(read, walk.position, BATCH_LINKS)
            for entry in entries:
                finding = await walk.step(entry)
                if finding is not None:
                    break
            await progress(walk.checked, max(end.last_position, walk.checked))
            if len(entries) == BATCH_LINKS:
                continue
            end = await chain_store.end(read)
            if finding is None and end.last_position > walk.position:
                continue
            break
        finding = finding or _end_fault(walk, end) or walk.beyond() or await _around(read)
    return Verdict(
        tenant_id=tenant_id,
        checked=walk.checked,
        head_position=walk.position,
        head_hash=walk.hash.hex(),
        waiting=end.waiting,
        anchors=walk.compared,
        redacted=walk.redacted,
        finding=finding,
    )


def _end_fault(walk: Walk, end: chain_store.End) -> Finding | None:
    if end.head_position is None:
        return Finding(kind="head_differs") if walk.position else None
    if end.head_position > walk.position:
        return Finding(kind="tail_cut", position=walk.position + 1)
    if end.head_position < walk.position:
        return Finding(kind="inserted", position=end.head_position + 1)
    if end.head_hash != walk.hash:
        return Finding(kind="head_differs", position=walk.position)
    return None


async def _around(read: TenantRead) -> Finding | None:
    """What the chain itself can't show: events that it doesn't know, or that never reached it."""
    event_id = await chain_store.unchained_event(read)
    if event_id is not None:
        return Finding(kind="inserted", event_id=event_id)
    event_id = await chain_store.waiting_without_event(read)
    return Finding(kind="removed", event_id=event_id) if event_id is not None else None
