"""The SQL of work on many members at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import TenantRead, TenantTransaction
from tenants.members.model import Change

PAGE_ROWS = 50
RowState = Literal["waiting", "refused", "done", "failed"]


class Action(msgspec.Struct, frozen=True):
    """What is done to every row of an action."""

    change: Change
    reason: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    kind: Literal["import", "action"]
    title: str
    actor: Actor
    action: Action | None
    status: Literal["draft", "running", "finished", "discarded"]
    created_at: datetime
    created_by: UUID
    confirmed_at: datetime | None
    finished_at: datetime | None


class JobRow(msgspec.Struct, frozen=True):
    line: int
    content: Any
    outcome: str
    problem: str | None
    state: RowState


INSERT_JOB = """
insert into member_job (tenant_id, kind, title, actor, action, status, created_by, confirmed_at)
values ($1, $2, $3, $4, $5, $6, $7, case when $6 = 'running' then now() end) returning id
"""


async def insert_job(
    tx: TenantTransaction, kind: str, title: str, action: Action | None, status: str
) -> UUID:
    job_id: UUID = await tx.fetch_value(
        INSERT_JOB, tx.tenant_id, kind, title, tx.actor, action, status, tx.actor.person_id
    )
    return job_id


INSERT_ROWS = """
insert into member_job_row (tenant_id, job_id, line, content, outcome, problem, state)
select $1, $2, new.line, new.content, new.outcome, new.problem, new.state
from jsonb_to_recordset($3::jsonb)
  as new(line integer, content jsonb, outcome text, problem text, state text)
"""


async def insert_rows(tx: TenantTransaction, job_id: UUID, rows: Sequence[JobRow]) -> None:
    await tx.execute(INSERT_ROWS, tx.tenant_id, job_id, list(rows))


JOB = """
select id, kind, title, actor, action, status, created_at, created_by, confirmed_at, finished_at
from member_job where tenant_id = $1 and id = $2
"""

JOB_FOR_CHANGE = JOB.rstrip() + " for update\n"


async def job(read: TenantRead, job_id: UUID) -> Job | None:
    return await read.fetch_one(Job, JOB, read.tenant_id, job_id)


async def job_for_change(tx: TenantTransaction, job_id: UUID) -> Job | None:
    return await tx.fetch_one(Job, JOB_FOR_CHANGE, tx.tenant_id, job_id)


JOBS_LATELY = """
select id, kind, title, actor, action, status, created_at, created_by, confirmed_at, finished_at
from member_job where tenant_id = $1 and created_by = $2 order by id desc limit 20
"""


async def lately(read: TenantRead, person_id: UUID) -> list[Job]:
    return await read.fetch(Job, JOBS_LATELY, read.tenant_id, person_id)


class _Count(msgspec.Struct):
    state: str
    outcome: str
    number: int


COUNTS = """
select state, outcome, count(*) as number from member_job_row
where tenant_id = $1 and job_id = $2 group by state, outcome limit 100
"""


async def counts(read: TenantRead, job_id: UUID) -> dict[tuple[str, str], int]:
    """How many rows by state and outcome."""
    rows = await read.fetch(_Count, COUNTS, read.tenant_id, job_id)
    return {(row.state, row.outcome): row.number for row in rows}


ROWS = """
select line, content, outcome, problem, state from member_job_row
where tenant_id = $1 and job_id = $2 and state = any($3::text[]) and line > $4
order by line limit $5
"""


async def rows(
    read: TenantRead, job_id: UUID, states: Sequence[str], after: int, limit: int = PAGE_ROWS + 1
) -> list[JobRow]:
    return await read.fetch(JobRow, ROWS, read.tenant_id, job_id, list(states), after, limit)


ROWS_TO_DO = """
select line, content, outcome, problem, state from member_job_row
where tenant_id = $1 and job_id = $2 and state = 'waiting' order by line limit $3 for update
"""


async def rows_to_do(tx: TenantTransaction, job_id: UUID, limit: int) -> list[JobRow]:
    return await tx.fetch(JobRow, ROWS_TO_DO, tx.tenant_id, job_id, limit)


MARK_ROWS = """
update member_job_row as held set state = new.state, problem = new.problem
from unnest($3::integer[], $4::text[], $5::text[]) as new(line, state, problem)
where held.tenant_id = $1 and held.job_id = $2 and held.line = new.line
"""


async def mark_rows(
    tx: TenantTransaction, job_id: UUID, marks: Sequence[tuple[int, RowState, str | None]]
) -> None:
    lines, states, problems = ([mark[place] for mark in marks] for place in range(3))
    await tx.execute(MARK_ROWS, tx.tenant_id, job_id, lines, states, problems)


SET_STATUS = """
update member_job set status = $3,
  confirmed_at = case when $3 = 'running' then now() else confirmed_at end,
  finished_at = case when $3 in ('finished', 'discarded') then now() end
where tenant_id = $1 and id = $2
"""


async def set_status(tx: TenantTransaction, job_id: UUID, status: str) -> None:
    await tx.execute(SET_STATUS, tx.tenant_id, job_id, status)
