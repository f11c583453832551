"""The SQL of the mail log."""

from uuid import UUID

import msgspec

from integrations.mail.model import LogFilter, LoggedMail, State
from passerelle.kernel.database import TenantRead, TenantTransaction

ATTEMPT = """
insert into mail_log
  (tenant_id, id, message_id, kind, person_id, address, subject, state, attempts, detail)
values ($1, $2, $3, $4, $5, $6, $7, 'waiting', 1, '')
on conflict (tenant_id, message_id) do update
  set attempts = mail_log.attempts + 1, address = excluded.address, subject = excluded.subject
  where mail_log.state = 'waiting'
returning attempts
"""


async def note_attempt(
    tx: TenantTransaction,
    log_id: UUID,
    message_id: str,
    kind: str,
    person_id: UUID | None,
    address: str,
    subject: str,
) -> int | None:
    """Which attempt this is, from 1; None where the mail is settled already."""
    return await tx.fetch_value(  # type: ignore[no-any-return]
        ATTEMPT, tx.tenant_id, log_id, message_id, kind, person_id, address, subject
    )


SETTLE = """
update mail_log set state = $3, detail = $4,
  settled_at = case when $3 = 'waiting' then null else now() end
where tenant_id = $1 and message_id = $2
"""


async def settle(tx: TenantTransaction, message_id: str, state: State, detail: str) -> None:
    await tx.execute(SETTLE, tx.tenant_id, message_id, state, detail)


LOGGED = """
select id, message_id, kind, person_id, address, subject, state, attempts, detail, queued_at,
  settled_at
from mail_log
where tenant_id = $1
  and ($2::text is null or state = $2)
  and ($3::text is null or kind = $3)
  and ($4::text is null or starts_with(lower(address), lower($4)))
  and ($5::uuid is null or id < $5)
order by id desc limit $6
"""


async def logged(
    read: TenantRead, wanted: LogFilter, before: UUID | None, limit: int
) -> list[LoggedMail]:
    """Mails, newest first, before the one with this id."""
    return await read.fetch(
        LoggedMail,
        LOGGED,
        read.tenant_id,
        wanted.state,
        wanted.kind,
        wanted.address,
        before,
        limit,
    )


class StateCount(msgspec.Struct, frozen=True):
    state: State
    count: int


STATE_COUNTS = """
select state, count(*) as count from mail_log
where tenant_id = $1 and queued_at > now() - interval '7 days' group by state order by state
"""


async def state_counts(read: TenantRead) -> dict[State, int]:
    """How many mails of the last seven days are in each state."""
    rows = await read.fetch(StateCount, STATE_COUNTS, read.tenant_id)
    return {row.state: row.count for row in rows}
