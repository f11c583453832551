"""The statements of erasures, exports, consents and retention that run in a tenant's binding."""

from datetime import datetime
from uuid import UUID

import msgspec

from passerelle.kernel.database import Lookup, TenantRead, TenantTransaction
from tenants.privacy.model import PAGE_ROWS, Consent, Known, MemberErasure, PartErased

ERASURE_COLUMNS = """
select e.id, e.person_id, e.asked_by, e.requested_by_name, e.reason, e.requested_at, e.due_at,
  e.cancelled_at, e.handed_at, e.finished_at, e.parts,
  (select display_name from member
   where tenant_id = e.tenant_id and person_id = e.person_id) as display_name
from member_erasure as e
"""
ERASURES = (
    ERASURE_COLUMNS
    + "where e.tenant_id = $1 and ($2::uuid is null or e.id < $2) order by e.id desc limit $3"
)
ERASURE = ERASURE_COLUMNS + "where e.tenant_id = $1 and e.id = $2"
OPEN_ERASURE_OF = (
    ERASURE_COLUMNS
    + "where e.tenant_id = $1 and e.person_id = $2 and e.finished_at is null"
    + " and e.cancelled_at is null"
)
LOCK_ERASURE = ERASURE_COLUMNS + "where e.tenant_id = $1 and e.id = $2 for update of e skip locked"


async def erasures(read: TenantRead, before: UUID | None) -> list[MemberErasure]:
    """A page and one more, newest first."""
    return await read.fetch(MemberErasure, ERASURES, read.tenant_id, before, PAGE_ROWS + 1)


async def erasure(read: TenantRead, erasure_id: UUID) -> MemberErasure | None:
    return await read.fetch_one(MemberErasure, ERASURE, read.tenant_id, erasure_id)


async def open_erasure_of(read: TenantRead, person_id: UUID) -> MemberErasure | None:
    return await read.fetch_one(MemberErasure, OPEN_ERASURE_OF, read.tenant_id, person_id)


async def lock_erasure(tx: TenantTransaction, erasure_id: UUID) -> MemberErasure | None:
    """None where there is none, or another process is at it."""
    return await tx.fetch_one(MemberErasure, LOCK_ERASURE, tx.tenant_id, erasure_id)


ASK_ERASURE = """
insert into member_erasure (tenant_id, id, person_id, person_digest, asked_by, requested_by,
  requested_by_name, reason, requested_at, due_at)
values ($1, $2, $3, app.person_digest($3), $4, $5, $6, $7, $8, $9)
on conflict do nothing
"""


async def ask_erasure(
    tx: TenantTransaction,
    erasure_id: UUID,
    person_id: UUID,
    asked_by: str,
    reason: str,
    requested_at: datetime,
    due_at: datetime,
) -> bool:
    """False where one is open already, or this one is there."""
    return (
        await tx.execute(
            ASK_ERASURE,
            tx.tenant_id,
            erasure_id,
            person_id,
            asked_by,
            tx.actor.person_id,
            tx.actor.display_name,
            reason,
            requested_at,
            due_at,
        )
        == 1
    )


CANCEL_ERASURE = """
update member_erasure set cancelled_at = now()
where tenant_id = $1 and id = $2 and cancelled_at is null and finished_at is null
  and handed_at is null and asked_by = 'officer'
"""


async def cancel_erasure(tx: TenantTransaction, erasure_id: UUID) -> bool:
    return await tx.execute(CANCEL_ERASURE, tx.tenant_id, erasure_id) == 1


HAND_OVER = """
update member_erasure set handed_at = now()
where tenant_id = $1 and id = $2 and cancelled_at is null and finished_at is null
  and handed_at is null and due_at <= now()
"""


async def hand_over(tx: TenantTransaction, erasure_id: UUID) -> bool:
    """False where another did, or it was taken back."""
    return await tx.execute(HAND_OVER, tx.tenant_id, erasure_id) == 1


FINISH_ERASURE = """
update member_erasure set finished_at = now(), person_id = null, parts = $3, reason = ''
where tenant_id = $1 and id = $2
"""


async def finish_erasure(tx: TenantTransaction, erasure_id: UUID, parts: list[PartErased]) -> None:
    await tx.execute(FINISH_ERASURE, tx.tenant_id, erasure_id, parts)


KNOWN = """
select person_id, display_name as name, email from member where tenant_id = $1 and person_id = $2
"""


async def known(read: TenantRead, person_id: UUID) -> Known | None:
    """The member's name and address."""
    return await read.fetch_one(Known, KNOWN, read.tenant_id, person_id)


class _Id(msgspec.Struct):
    id: UUID


REDACT = "select app.redact_events($1, $2, $3, $4) as id"


async def redact(tx: TenantTransaction, known: Known, names_stay: tuple[str, ...]) -> list[UUID]:
    """The events whose words were taken out, in the order of their ids."""
    rows = await tx.fetch(_Id, REDACT, known.person_id, known.name, known.email, list(names_stay))
    return sorted(row.id for row in rows)


KEEP_TOMBSTONE = "select app.keep_member_tombstone($1, $2)"


async def keep_tombstone(tx: TenantTransaction, erasure_id: UUID, person_id: UUID) -> None:
    await tx.fetch_value(KEEP_TOMBSTONE, erasure_id, person_id)


PERSONS_HERE = """
select person_id as id from member where tenant_id = $1
union select person_id from application where tenant_id = $1
union select person_id from issued_credential where tenant_id = $1 and person_id is not null
"""
ERASED_SINCE = "select one as id from app.erased_persons($1, $2) as one"


async def erased_since(tx: TenantTransaction, since: datetime) -> list[UUID]:
    """Who of the tenant's persons was erased here after `since`."""
    here = [row.id for row in await tx.fetch(_Id, PERSONS_HERE, tx.tenant_id)]
    return [row.id for row in await tx.fetch(_Id, ERASED_SINCE, here, since)]


# ---- the ledger ----

CONSENTS = """
select c.id, c.person_id, c.tenant_id, c.purpose, c.text_version, c.locale, c.given_at,
  c.given_by_event, c.until,
  case when c.withdrawn_at < $3 then c.withdrawn_at end as withdrawn_at,
  case when c.withdrawn_at < $3 then c.withdrawn_by_event end as withdrawn_by_event,
  coalesce(m.display_name, p.display_name) as display_name
from consent as c
left join member as m on m.tenant_id = $1 and m.person_id = c.person_id
left join person as p on p.person_id = c.person_id
where c.tenant_id = $1 and c.given_at < $3 and ($2::uuid is null or c.id < $2)
  and ($4::uuid is null or c.person_id = $4)
order by c.id desc limit $5
"""


async def consents(
    read: TenantRead, before: UUID | None, as_of: datetime, person_id: UUID | None, limit: int
) -> list[Consent]:
    """The organisation's lines of the ledger as they stood before `as_of`, newest first."""
    return await read.fetch(Consent, CONSENTS, read.tenant_id, before, as_of, person_id, limit)


# ---- retention ----

RAN = """
insert into retention_run (tenant_id, ran_at, next_at) values ($1, now(), now() + interval '1 day')
on conflict (tenant_id) do update set ran_at = excluded.ran_at, next_at = excluded.next_at
"""


async def ran(tx: TenantTransaction) -> None:
    await tx.execute(RAN, tx.tenant_id)


LAST_RUN = "select ran_at from retention_run where tenant_id = $1"


async def last_run(read: TenantRead) -> datetime | None:
    found: datetime | None = await read.fetch_value(LAST_RUN, read.tenant_id)
    return found


class Due(msgspec.Struct, frozen=True):
    kind: str
    owner_id: UUID
    id: UUID


RECEIPT_LOOKUP = "select content from app.erasure_receipt($1)"


async def receipt(lookup: Lookup, receipt_id: UUID) -> object | None:
    found: object | None = await lookup.fetch_value(RECEIPT_LOOKUP, receipt_id)
    return found


IS_OWNER = """
select exists (select from member_role
  where tenant_id = $1 and person_id = $2 and role = 'owner') as owner
"""


async def is_owner(read: TenantRead, person_id: UUID) -> bool:
    return bool(await read.fetch_value(IS_OWNER, read.tenant_id, person_id))


#: After every text that begins with the same letters (collation "C").
AFTER_ALL = "\U0010ffff"
SEARCH = """
select m.person_id, m.display_name as name, m.email from member as m
where m.tenant_id = $1 and m.person_id in (
  select w.person_id from member_word as w
  where w.tenant_id = $1 and w.word >= $2 and w.word < $3 limit 500)
order by m.folded_name, m.person_id limit 500
"""


async def search(read: TenantRead, word: str) -> list[Known]:
    """Members with a word in name or address that begins so; at most 500."""
    return await read.fetch(Known, SEARCH, read.tenant_id, word, word + AFTER_ALL)
