"""The statements of attempts. A key leaves the database only for scoring (`keyed_items`).

Those that read an item's text, options or key run as the database role `live_exam` alone: in
`exam_tx`, `exam_read` or `Database.live_exam`.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from passerelle.exams.model import (
    Attempt,
    EndedBy,
    Form,
    KeyedItem,
    Place,
    Presented,
    Score,
    SkillOutcome,
    StoredAnswer,
)
from passerelle.kernel.database import TenantRead, TenantTransaction

FORM_BY_CODE = """
select form.id, form.code, form.title, form.achievement_id, form.cut_score,
       form.time_limit_minutes, form.attempts_allowed,
       (select count(*)::int from form_item
        where form_item.tenant_id = form.tenant_id and form_item.form_id = form.id) as items
from exam_form as form where form.tenant_id = $1 and form.code = $2
"""


async def form_by_code(read: TenantRead, code: str) -> Form | None:
    return await read.fetch_one(Form, FORM_BY_CODE, read.tenant_id, code)


FORM = """
select form.id, form.code, form.title, form.achievement_id, form.cut_score,
       form.time_limit_minutes, form.attempts_allowed,
       (select count(*)::int from form_item
        where form_item.tenant_id = form.tenant_id and form_item.form_id = form.id) as items
from exam_form as form where form.tenant_id = $1 and form.id = $2
"""


async def form(read: TenantRead, form_id: UUID) -> Form | None:
    return await read.fetch_one(Form, FORM, read.tenant_id, form_id)


ATTEMPTS_OF_PERSON = """
select id, person_id, form_id, number, started_at, deadline_at, clock_timestamp() as now,
       finished_at, ended_by, score_given, score_maximum, passed
from attempt where tenant_id = $1 and form_id = $2 and person_id = $3
order by number
"""


async def attempts(read: TenantRead, form_id: UUID, person_id: UUID) -> list[Attempt]:
    """A person's attempts at a form, first to last; at most ATTEMPTS_LIMIT."""
    return await read.fetch(Attempt, ATTEMPTS_OF_PERSON, read.tenant_id, form_id, person_id)


ATTEMPT = """
select id, person_id, form_id, number, started_at, deadline_at, clock_timestamp() as now,
       finished_at, ended_by, score_given, score_maximum, passed
from attempt where tenant_id = $1 and id = $2 and person_id = $3
"""


async def attempt(read: TenantRead, attempt_id: UUID, person_id: UUID) -> Attempt | None:
    """Another person's attempt is as unknown as one that doesn't exist."""
    return await read.fetch_one(Attempt, ATTEMPT, read.tenant_id, attempt_id, person_id)


LOCK_ATTEMPT = """
select id, person_id, form_id, number, started_at, deadline_at, clock_timestamp() as now,
       finished_at, ended_by, score_given, score_maximum, passed
from attempt where tenant_id = $1 and id = $2
for update
"""


async def lock_attempt(tx: TenantTransaction, attempt_id: UUID) -> Attempt | None:
    """The attempt, held until the end of the transaction: answers in flight are saved before it, or
    find it finished."""
    return await tx.fetch_one(Attempt, LOCK_ATTEMPT, tx.tenant_id, attempt_id)


OPEN_ATTEMPT = """
insert into attempt (tenant_id, form_id, person_id, number, started_at, deadline_at)
select form.tenant_id, form.id, $3, taken.count + 1, clock.now,
       clock.now + form.time_limit_minutes * interval '1 minute'
from exam_form as form
cross join (select clock_timestamp() as now) as clock
cross join (
  select count(*)::smallint from attempt
  where attempt.tenant_id = $1 and attempt.form_id = $2 and attempt.person_id = $3
) as taken(count)
where form.tenant_id = $1 and form.id = $2 and taken.count < form.attempts_allowed
on conflict do nothing
returning id, person_id, form_id, number, started_at, deadline_at, started_at as now
"""


async def open_attempt(tx: TenantTransaction, form_id: UUID, person_id: UUID) -> Attempt | None:
    """A new attempt; none where all are used, or where one was opened at this very moment."""
    return await tx.fetch_one(Attempt, OPEN_ATTEMPT, tx.tenant_id, form_id, person_id)


PRESENTED = """
select item.id as item_id, form_item.position, item.stem, item.options,
       response.choice, coalesce(response.later, false) as later,
       coalesce(response.revision, 0) as revision, response.saved_at
from attempt
join form_item on (form_item.tenant_id, form_item.form_id) = (attempt.tenant_id, attempt.form_id)
join exam_item as item on (item.tenant_id, item.id) = (form_item.tenant_id, form_item.item_id)
left join response on response.tenant_id = attempt.tenant_id
  and response.attempt_id = attempt.id and response.item_id = item.id
where attempt.tenant_id = $1 and attempt.id = $2 and form_item.position = $3
"""


async def presented(read: TenantRead, attempt_id: UUID, position: int) -> Presented | None:
    """The item at a position (from 1) with what the person answered so far."""
    return await read.fetch_one(Presented, PRESENTED, read.tenant_id, attempt_id, position)


PLACES = """
select form_item.position, response.choice is not null as answered,
       coalesce(response.later, false) as later
from attempt
join form_item on (form_item.tenant_id, form_item.form_id) = (attempt.tenant_id, attempt.form_id)
left join response on response.tenant_id = attempt.tenant_id
  and response.attempt_id = attempt.id and response.item_id = form_item.item_id
where attempt.tenant_id = $1 and attempt.id = $2
order by form_item.position
"""


async def places(read: TenantRead, attempt_id: UUID) -> list[Place]:
    return await read.fetch(Place, PLACES, read.tenant_id, attempt_id)


class OptionCount(msgspec.Struct, frozen=True):
    options: int


ITEM_OPTIONS = """
select jsonb_array_length(item.options) as options
from attempt
join form_item on (form_item.tenant_id, form_item.form_id) = (attempt.tenant_id, attempt.form_id)
join exam_item as item on (item.tenant_id, item.id) = (form_item.tenant_id, form_item.item_id)
where attempt.tenant_id = $1 and attempt.id = $2 and attempt.person_id = $3 and item.id = $4
"""


async def item_options(
    read: TenantRead, attempt_id: UUID, person_id: UUID, item_id: UUID
) -> int | None:
    """How many options an item has; none where it isn't in this person's attempt."""
    row = await read.fetch_one(
        OptionCount, ITEM_OPTIONS, read.tenant_id, attempt_id, person_id, item_id
    )
    return row.options if row else None


SAVE_RESPONSE = """
with open_attempt as materialized (
  select attempt.tenant_id, attempt.id from attempt
  where tenant_id = $1 and id = $2
    and finished_at is null and deadline_at > clock_timestamp()
  for share
)
insert into response (tenant_id, attempt_id, item_id, choice, later, revision, saved_at)
select tenant_id, id, $3, $4::smallint, $5, coalesce($6::integer, 1), clock_timestamp()
from open_attempt
on conflict (tenant_id, attempt_id, item_id) do update
set choice = case when $6::integer is null then coalesce(excluded.choice, response.choice)
                  else excluded.choice end,
    later = excluded.later, saved_at = excluded.saved_at,
    revision = coalesce($6::integer, least(response.revision + 1, 1000000))
where response.revision < $6::integer
   or ($6::integer is null
       and (response.choice, response.later) is distinct from
           (coalesce(excluded.choice, response.choice), excluded.later))
returning choice, later, revision, saved_at
"""


async def save_response(
    tx: TenantTransaction,
    attempt_id: UUID,
    item_id: UUID,
    choice: int | None,
    later: bool,
    revision: int | None,
) -> StoredAnswer | None:
    """Keeps an answer where the attempt is open and nothing newer is held; else keeps nothing.

    A plain form (no revision) that names no option leaves the one that is held.
    The share lock lets a finish wait for the answers that are being acknowledged.
    """
    return await tx.fetch_one(
        StoredAnswer, SAVE_RESPONSE, tx.tenant_id, attempt_id, item_id, choice, later, revision
    )


RESPONSE = """
select choice, later, revision, saved_at
from response where tenant_id = $1 and attempt_id = $2 and item_id = $3
"""


async def response(read: TenantRead, attempt_id: UUID, item_id: UUID) -> StoredAnswer | None:
    return await read.fetch_one(StoredAnswer, RESPONSE, read.tenant_id, attempt_id, item_id)


KEYED_ITEMS = """
select item.id as item_id, item.key, response.choice
from attempt
join form_item on (form_item.tenant_id, form_item.form_id) = (attempt.tenant_id, attempt.form_id)
join exam_item as item on (item.tenant_id, item.id) = (form_item.tenant_id, form_item.item_id)
left join response on response.tenant_id = attempt.tenant_id
  and response.attempt_id = attempt.id and response.item_id = item.id
where attempt.tenant_id = $1 and attempt.id = $2
"""


async def keyed_items(tx: TenantTransaction, attempt_id: UUID) -> list[KeyedItem]:
    """The keys, for scoring alone."""
    return await tx.fetch(KeyedItem, KEYED_ITEMS, tx.tenant_id, attempt_id)


CLOSE_ATTEMPT = """
update attempt
set ended_by = $3, finished_at = $4, score_given = $5, score_maximum = $6, passed = $7
where tenant_id = $1 and id = $2 and finished_at is null
"""


async def close_attempt(
    tx: TenantTransaction, attempt_id: UUID, ended_by: EndedBy, finished_at: datetime, score: Score
) -> None:
    await tx.execute(
        CLOSE_ATTEMPT,
        tx.tenant_id,
        attempt_id,
        ended_by,
        finished_at,
        score.given,
        score.maximum,
        score.passed,
    )


SKILL_OUTCOMES = """
select item.skill_id,
       (count(*) filter (where response.choice = item.key))::int as "right",
       count(*)::int as total
from attempt
join form_item on (form_item.tenant_id, form_item.form_id) = (attempt.tenant_id, attempt.form_id)
join exam_item as item on (item.tenant_id, item.id) = (form_item.tenant_id, form_item.item_id)
left join response on response.tenant_id = attempt.tenant_id
  and response.attempt_id = attempt.id and response.item_id = item.id
where attempt.tenant_id = $1 and attempt.id = $2 and attempt.finished_at is not null
group by item.skill_id
order by min(form_item.position)
"""


async def skill_outcomes(read: TenantRead, attempt_id: UUID) -> list[SkillOutcome]:
    """How each skill went, once the attempt is finished; before that, nothing."""
    return await read.fetch(SkillOutcome, SKILL_OUTCOMES, read.tenant_id, attempt_id)
