"""The statements of the person's own erasure, exports and consents: bound to the person."""

from datetime import datetime
from uuid import UUID

import msgspec

from passerelle.kernel.database import PersonRead, PersonTransaction
from tenants.privacy.model import Consent, Export, Known, PersonErasure, Receipt
from tenants.privacy.statements import erase_rows, of_owner

#: The person's record of events goes by a function of its own, whole.
OWN_RECORD = ("person_event", "person_delivery")

ERASURE = """
select id, requested_at, due_at, cancelled_at, handed_at, tenants from person_erasure
where person_id = $1 and cancelled_at is null
"""
LOCK_ERASURE = """
select id, requested_at, due_at, cancelled_at, handed_at, tenants from person_erasure
where person_id = $1 and id = $2 for update skip locked
"""


async def open_erasure(read: PersonRead) -> PersonErasure | None:
    return await read.fetch_one(PersonErasure, ERASURE, read.person_id)


async def lock_erasure(tx: PersonTransaction, erasure_id: UUID) -> PersonErasure | None:
    return await tx.fetch_one(PersonErasure, LOCK_ERASURE, tx.person_id, erasure_id)


ASK_ERASURE = """
insert into person_erasure (person_id, id, due_at) values ($1, $2, $3) on conflict do nothing
"""


async def ask_erasure(tx: PersonTransaction, erasure_id: UUID, due_at: datetime) -> bool:
    """False where one is open already."""
    return await tx.execute(ASK_ERASURE, tx.person_id, erasure_id, due_at) == 1


CANCEL_ERASURE = """
update person_erasure set cancelled_at = now()
where person_id = $1 and cancelled_at is null and handed_at is null returning id
"""


async def cancel_erasure(tx: PersonTransaction) -> UUID | None:
    """Its id; None where there is none, or it has begun."""
    found: UUID | None = await tx.fetch_value(CANCEL_ERASURE, tx.person_id)
    return found


HAND_OVER = """
update person_erasure set handed_at = now()
where person_id = $1 and id = $2 and cancelled_at is null and handed_at is null and due_at <= now()
"""


async def hand_over(tx: PersonTransaction, erasure_id: UUID) -> bool:
    """False where another did, or it was taken back."""
    return await tx.execute(HAND_OVER, tx.person_id, erasure_id) == 1


BEGIN_ERASURE = "update person_erasure set tenants = $3 where person_id = $1 and id = $2"


async def begin_erasure(tx: PersonTransaction, erasure_id: UUID, tenants: list[UUID]) -> None:
    await tx.execute(BEGIN_ERASURE, tx.person_id, erasure_id, tenants)


KNOWN = "select person_id, display_name as name, email from person where person_id = $1"


async def known(read: PersonRead) -> Known | None:
    return await read.fetch_one(Known, KNOWN, read.person_id)


class _Id(msgspec.Struct):
    id: UUID


TENANTS = "select one as id from app.tenants_of_person() as one where $1::uuid is not null"


async def tenants_of_person(read: PersonRead) -> list[UUID]:
    """The organisations that hold rows of the bound person."""
    return sorted(row.id for row in await read.fetch(_Id, TENANTS, read.person_id))


class _Erased(msgspec.Struct):
    relation: str
    erased: int


OWN_RECORD_ERASED = "select relation, erased from app.erase_own_record()"


async def erase_own_record(tx: PersonTransaction) -> dict[str, int]:
    return {row.relation: row.erased for row in await tx.fetch(_Erased, OWN_RECORD_ERASED)}


async def erase_own_rows(tx: PersonTransaction) -> dict[str, int]:
    """Every table of the person's rows; the person's own row is the last."""
    counts = {}
    entries = [entry for entry in of_owner("person") if entry.table not in OWN_RECORD]
    for entry in sorted(entries, key=lambda one: (one.table == "person", one.table)):
        sql = erase_rows(entry)
        if sql is not None:
            counts[entry.table] = await tx.execute(sql, tx.person_id)
    return counts


KEEP_RECEIPT = "select app.keep_receipt($1, $2)"


async def keep_receipt(tx: PersonTransaction, receipt: Receipt) -> None:
    await tx.fetch_value(KEEP_RECEIPT, receipt.id, receipt)


EXPORT_COLUMNS = """
select id, requested_at, state, done, total, object_name, size_bytes, digest, expires_at,
  fetched_at, session_digest
from person_export
"""
EXPORTS = EXPORT_COLUMNS + "where person_id = $1 order by id desc limit 20"
EXPORT = EXPORT_COLUMNS + "where person_id = $1 and id = $2"


async def exports(read: PersonRead) -> list[Export]:
    return await read.fetch(Export, EXPORTS, read.person_id)


async def export(read: PersonRead, export_id: UUID) -> Export | None:
    return await read.fetch_one(Export, EXPORT, read.person_id, export_id)


ASK_EXPORT = "insert into person_export (person_id, id, session_digest) values ($1, $2, $3)"


async def ask_export(tx: PersonTransaction, export_id: UUID, session_digest: str) -> None:
    await tx.execute(ASK_EXPORT, tx.person_id, export_id, session_digest)


EXPORT_PROGRESS = """
update person_export set state = 'working', done = $3, total = $4
where person_id = $1 and id = $2 and state in ('waiting', 'working')
"""


async def export_progress(tx: PersonTransaction, export_id: UUID, done: int, total: int) -> None:
    await tx.execute(EXPORT_PROGRESS, tx.person_id, export_id, done, total)


EXPORT_READY = """
update person_export set state = 'ready', done = total, object_name = $3, size_bytes = $4,
  digest = $5, ready_at = now(), expires_at = now() + $6 * interval '1 hour'
where person_id = $1 and id = $2 and state in ('waiting', 'working')
"""


async def export_ready(
    tx: PersonTransaction, export_id: UUID, name: str, size: int, digest: str, hours: int
) -> bool:
    return await tx.execute(EXPORT_READY, tx.person_id, export_id, name, size, digest, hours) == 1


END_EXPORT = """
update person_export set state = $3, object_name = null
where person_id = $1 and id = $2 and state <> $3
"""


async def end_export(tx: PersonTransaction, export_id: UUID, state: str) -> None:
    await tx.execute(END_EXPORT, tx.person_id, export_id, state)


FETCHED_EXPORT = "update person_export set fetched_at = now() where person_id = $1 and id = $2"


async def fetched_export(tx: PersonTransaction, export_id: UUID) -> None:
    await tx.execute(FETCHED_EXPORT, tx.person_id, export_id)


CONSENTS = """
select id, person_id, tenant_id, purpose, text_version, locale, given_at, given_by_event, until,
  case when withdrawn_at < $2 then withdrawn_at end as withdrawn_at,
  case when withdrawn_at < $2 then withdrawn_by_event end as withdrawn_by_event
from consent where person_id = $1 and given_at < $2 order by id desc limit 200
"""


async def consents(read: PersonRead, as_of: datetime) -> list[Consent]:
    """The ledger as it stood before `as_of`, newest first; at most 200 lines."""
    return await read.fetch(Consent, CONSENTS, read.person_id, as_of)
