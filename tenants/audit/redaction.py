"""Words that the law takes out of the record, with the chain still whole.

An erasure blanks the words of an event and leaves its row, its place and its link. In the same
transaction it puts `events.redacted` on record, with the hash of what is left of each row. A
verification then takes such a row for what the record itself says it is, and counts it; anything
else that differs from its link is tampering.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.events import emit
from tenants.audit import chain_store
from tenants.audit.chain import body_hash

REDACTED = "events.redacted"
#: More are told in several events.
EVENTS_AT_ONCE = 500


class EventsRedacted(msgspec.Struct, frozen=True):
    """Event → SHA-256, in hexadecimal, of its row as the erasure left it."""

    redacted: dict[str, str]


async def record(
    tx: TenantTransaction, event_ids: Sequence[UUID], *, receipt_id: UUID, reason: str
) -> None:
    """To be called in the transaction that blanked these events, after it did.

    `receipt_id` names the erasure for which it was done. Raises NotFound for an event that is not
    this organisation's.
    """
    for start in range(0, len(event_ids), EVENTS_AT_ONCE):
        wanted = event_ids[start : start + EVENTS_AT_ONCE]
        rows = await chain_store.bodies(tx, wanted)
        if len(rows) != len(set(wanted)):
            raise NotFound()
        left = {str(row.event_id): body_hash(row.body).hex() for row in rows}
        await emit(tx, "events.redacted", EventsRedacted(left), subject=receipt_id, reason=reason)


def told_by(payload: object) -> dict[UUID, str]:
    """What an `events.redacted` says, or nothing where it says it in another form."""
    try:
        said = msgspec.convert(payload, EventsRedacted)
        return {UUID(event_id): digest for event_id, digest in said.redacted.items()}
    except (msgspec.ValidationError, ValueError):
        return {}
