"""The statements on grades: what each grade book is to show, and how far it got."""

from uuid import UUID

import msgspec

from lms.claims import SCORE_SCOPE
from lms.model import GRADES_SHOWN_LIMIT, GradeShown, GradeState, GradeToSend
from passerelle.exams.model import ExamFinished
from passerelle.kernel.database import TenantRead, TenantTransaction


class Row(msgspec.Struct, frozen=True):
    id: UUID


# The better of two scores stands; of equal ones, the first.
QUEUE_GRADES = """
insert into lti_grade (tenant_id, line_item_id, person_id, attempt_id, score_given, score_maximum,
  finished_at, score_timestamp)
select $1, i.id, $2, $3, $4, $5, $6, date_trunc('milliseconds', $6::timestamptz)
from lti_placement p
join lti_line_item i on (i.tenant_id, i.id) = (p.tenant_id, p.line_item_id)
where p.tenant_id = $1 and p.person_id = $2 and i.achievement_code = $7
  and i.line_item_url is not null and $8 = any (i.scopes)
on conflict (tenant_id, line_item_id, person_id) do update
set attempt_id = excluded.attempt_id, score_given = excluded.score_given,
    score_maximum = excluded.score_maximum, finished_at = excluded.finished_at,
    score_timestamp =
      greatest(excluded.score_timestamp, lti_grade.score_timestamp + interval '1 second'),
    state = 'pending', attempts = 0, last_error = null, maybe_written = false
where excluded.score_given * lti_grade.score_maximum
    > lti_grade.score_given * excluded.score_maximum
returning id
"""


async def queue(tx: TenantTransaction, finished: ExamFinished, achievement_code: str) -> list[UUID]:
    """Notes the score for every line item through which the person came for this achievement;
    the grades that are now to be sent."""
    rows = await tx.fetch(
        Row,
        QUEUE_GRADES,
        tx.tenant_id,
        finished.person_id,
        finished.attempt_id,
        finished.score_given,
        finished.score_maximum,
        finished.finished_at,
        achievement_code,
        SCORE_SCOPE,
    )
    return [row.id for row in rows]


GRADE_STATE = "select state from lti_grade where tenant_id = $1 and id = $2"


async def state(read: TenantRead, grade_id: UUID) -> GradeState | None:
    found: GradeState | None = await read.fetch_value(GRADE_STATE, read.tenant_id, grade_id)
    return found


TAKE_GRADE = """
update lti_grade g
set sending_until = now() + $3 * interval '1 second', attempts = attempts + 1, maybe_written = true
from lti_line_item i
join lti_user u on (u.tenant_id, u.registration_id) = (i.tenant_id, i.registration_id)
where g.tenant_id = $1 and g.id = $2 and g.state = 'pending'
  and (g.sending_until is null or g.sending_until < now())
  and i.tenant_id = $1 and i.id = g.line_item_id and u.person_id = g.person_id
returning g.id, i.registration_id, i.line_item_url, i.scopes, u.subject, g.score_given,
  g.score_maximum, g.score_timestamp, g.attempts, old.maybe_written
"""


async def take(tx: TenantTransaction, grade_id: UUID, for_s: float) -> GradeToSend | None:
    """The grade, for this task alone during `for_s` seconds; None where there is nothing to send
    or another task is sending it."""
    return await tx.fetch_one(GradeToSend, TAKE_GRADE, tx.tenant_id, grade_id, for_s)


# A better score may have come in meanwhile, with a later timestamp: then only the hold ends.
SETTLE_SENT = """
update lti_grade
set sending_until = null,
    state = case when score_timestamp = $3 then 'sent' else state end,
    sent_at = now(),
    last_error = case when score_timestamp = $3 then null else last_error end
where tenant_id = $1 and id = $2
"""


async def settle_sent(tx: TenantTransaction, grade: GradeToSend) -> None:
    await tx.execute(SETTLE_SENT, tx.tenant_id, grade.id, grade.score_timestamp)


SETTLE_UNSENT = """
update lti_grade
set sending_until = null, state = $4, last_error = $5, maybe_written = $6,
    score_timestamp = case when $7
      then date_trunc('milliseconds', greatest(now(), score_timestamp) + interval '1 second')
      else score_timestamp end
where tenant_id = $1 and id = $2 and score_timestamp = $3 and state = 'pending'
"""
RELEASE = "update lti_grade set sending_until = null where tenant_id = $1 and id = $2"


async def settle_unsent(
    tx: TenantTransaction,
    grade: GradeToSend,
    *,
    final: bool,
    error: str,
    maybe_written: bool,
    later: bool,
) -> None:
    """Notes why a try failed. `later` gives the next one a later timestamp; `final` gives up."""
    state: GradeState = "failed" if final else "pending"
    touched = await tx.execute(
        SETTLE_UNSENT,
        tx.tenant_id,
        grade.id,
        grade.score_timestamp,
        state,
        error,
        maybe_written,
        later,
    )
    if not touched:
        await tx.execute(RELEASE, tx.tenant_id, grade.id)


QUEUE_AGAIN = """
update lti_grade set state = 'pending', attempts = 0
where tenant_id = $1 and id = $2 and state <> 'sent' and ($3::uuid is null or person_id = $3)
"""


async def queue_again(tx: TenantTransaction, grade_id: UUID, person_id: UUID | None) -> bool:
    """Whether the grade (of that person, where one is named) waits to be sent now."""
    return await tx.execute(QUEUE_AGAIN, tx.tenant_id, grade_id, person_id) == 1


GRADES_OF_PERSON = """
select g.id, g.attempt_id, g.person_id, m.display_name, i.title, i.context_title, g.score_given,
  g.score_maximum, g.state, g.sent_at, g.attempts, g.last_error
from lti_grade g
join lti_line_item i on (i.tenant_id, i.id) = (g.tenant_id, g.line_item_id)
join member m on (m.tenant_id, m.person_id) = (g.tenant_id, g.person_id)
where g.tenant_id = $1 and g.person_id = $2
order by g.finished_at desc, g.id limit $3
"""


async def of_person(read: TenantRead, person_id: UUID) -> list[GradeShown]:
    return await read.fetch(
        GradeShown, GRADES_OF_PERSON, read.tenant_id, person_id, GRADES_SHOWN_LIMIT
    )


# By their keys, grade by grade: joined, items and members were paired with one another first.
OPEN_GRADES = """
select g.id, g.attempt_id, g.person_id, m.display_name, i.title, i.context_title, g.score_given,
  g.score_maximum, g.state, g.sent_at, g.attempts, g.last_error
from lti_grade g
cross join lateral (
  select title, context_title from lti_line_item
  where tenant_id = $1 and id = g.line_item_id limit 1
) as i
cross join lateral (
  select display_name from member where tenant_id = $1 and person_id = g.person_id limit 1
) as m
where g.tenant_id = $1 and g.state <> 'sent'
order by g.finished_at, g.id limit $2
"""


async def not_sent(read: TenantRead) -> list[GradeShown]:
    """The oldest first."""
    return await read.fetch(GradeShown, OPEN_GRADES, read.tenant_id, GRADES_SHOWN_LIMIT)
