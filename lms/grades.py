"""Sending scores to grade books (LTI Assignment and Grade Services 2.0, section 3.4).

A row says what one grade book is to show for one person; sending it is repeated until the LMS has
taken it. A repeat carries the same timestamp, so that it changes nothing where the first one
arrived and only its answer was lost.
"""

from datetime import UTC
from typing import Literal
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

import msgspec

from lms import grade_store, store
from lms.claims import SCORE_SCOPE
from lms.model import GradeDue, GradeToSend, Registration
from lms.tokens import AccessTokens, TokenRefused
from passerelle.credentials.store import achievement
from passerelle.exams.model import ExamFinished
from passerelle.kernel import actor as actors
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import NotFound, Problem
from passerelle.kernel.events import emit
from passerelle.kernel.http import OutsideFailure, Reply
from passerelle.kernel.tasks import Work

RESULT_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
# Nobody else sends the row for as long as one call may take. Should a try take longer, two send the
# same score with the same timestamp, and the grade book is none the worse.
HOLD_MARGIN_S = 2.0
ERROR_LIMIT_CHARACTERS = 300
SAME_SHARE = 1e-4

Outcome = Literal["sent", "refused", "unclear", "too early"]


class GradeNotSent(Problem):
    """A try to send a grade failed; the delivery tries again, later each time."""

    status = 502


class GradeBusy(Problem):
    """Another task is sending this grade; the delivery looks again later."""

    status = 503


class UnknownGrade(NotFound):
    """No such grade waits, or it is someone else's."""


class Tried(msgspec.Struct, frozen=True):
    outcome: Outcome
    error: str = ""


class Result(msgspec.Struct):
    """What a grade book says it shows (AGS 2.0 section 3.3)."""

    resultScore: float | None = None  # noqa: N815  the wire's name
    resultMaximum: float | None = None  # noqa: N815


async def queue(tx: TenantTransaction, finished: ExamFinished) -> None:
    """Notes the score for every course link through which the person came for this exam."""
    earned = await achievement(tx, finished.achievement_id)
    if earned is None:
        return
    for grade_id in await grade_store.queue(tx, finished, earned.code):
        await emit(
            tx, "grade.due", GradeDue(grade_id), subject=grade_id, person_id=finished.person_id
        )


async def queue_again(tx: TenantTransaction, grade_id: UUID, person_id: UUID | None) -> None:
    """Sends a grade that has not arrived once more. Raises UnknownGrade."""
    if not await grade_store.queue_again(tx, grade_id, person_id):
        raise UnknownGrade()
    await emit(tx, "grade.due", GradeDue(grade_id), subject=grade_id, person_id=person_id)


async def send(work: Work, tokens: AccessTokens, tenant_id: UUID, grade_id: UUID) -> None:
    """Sends one grade, once; a grade that arrived already is left alone.

    Raises GradeNotSent where it is to be tried again. After the last try the row says why.
    """
    actor = actors.system("lms.grades", tenant_id)
    hold_s = work.settings.outbound_timeout_s + HOLD_MARGIN_S
    async with work.database.tenant(tenant_id, actor) as tx:
        grade = await grade_store.take(tx, grade_id, hold_s)
        if grade is None:
            if await grade_store.state(tx, grade_id) == "pending":
                raise GradeBusy()
            return
        registration = await store.registration(tx, grade.registration_id)
    if registration is None:
        return
    tried = await _try(work, tokens, tenant_id, registration, grade)
    later = tried.outcome == "too early"
    final = grade.attempts >= work.settings.delivery_attempts
    async with work.database.tenant(tenant_id, actor) as tx:
        if tried.outcome == "sent":
            await grade_store.settle_sent(tx, grade)
            return
        await grade_store.settle_unsent(
            tx,
            grade,
            final=final,
            error=tried.error[:ERROR_LIMIT_CHARACTERS],
            maybe_written=not later and (grade.maybe_written or tried.outcome == "unclear"),
            later=later,
        )
    if not final:
        raise GradeNotSent(tried.error)


async def _try(
    work: Work,
    tokens: AccessTokens,
    tenant_id: UUID,
    registration: Registration,
    grade: GradeToSend,
) -> Tried:
    read = work.database.tenant_reader(tenant_id, actors.system("lms.grades", tenant_id))
    scopes = [scope for scope in (SCORE_SCOPE, RESULT_SCOPE) if scope in grade.scopes]

    async def call(method: str, url: str, kind: str, content: bytes | None) -> Reply:
        """One call under a token, which is fetched anew once where the LMS refuses it."""
        for last in (False, True):
            token = await tokens.get(read, work.http, work.vault, registration, scopes)
            headers = {"authorization": f"Bearer {token}", "accept": kind, "content-type": kind}
            reply = await work.http.request(method, url, headers=headers, content=content)
            if reply.status != 401 or last:
                break
            tokens.forget(token)
        return reply

    try:
        content = msgspec.json.encode(score(grade))
        reply = await call("POST", under(grade.line_item_url, "scores"), SCORE_TYPE, content)
        if reply.status == 409 and RESULT_SCOPE in scopes:
            query = {"user_id": grade.subject}
            url = under(grade.line_item_url, "results", query)
            shown = await call("GET", url, RESULTS_TYPE, None)
            return judged(grade, reply.status, shows(grade, shown))
        return judged(grade, reply.status, None)
    except TokenRefused as problem:
        return Tried("refused", problem.detail or problem.slug())
    except OutsideFailure as problem:
        # A lost answer of the score itself: the grade book may hold it.
        return Tried("unclear", problem.detail or problem.slug())
    except Problem as problem:
        return Tried("refused", problem.detail or problem.slug())


def judged(grade: GradeToSend, status: int, shown: bool | None) -> Tried:
    """What an answer means. `shown`: whether the grade book shows this score; None: not known."""
    if 200 <= status < 300:
        return Tried("sent")
    if status == 409:
        # Not later than what is there: our own earlier try, or another score too close in time.
        arrived = grade.maybe_written if shown is None else shown
        return Tried("sent") if arrived else Tried("too early", "HTTP 409")
    if status >= 500 or status in (408, 429):
        return Tried("unclear", f"HTTP {status}")
    return Tried("refused", f"HTTP {status}")


def score(grade: GradeToSend) -> dict[str, object]:
    """The score as the LMS takes it. Zero is a score."""
    moment = grade.score_timestamp.astimezone(UTC).isoformat(timespec="milliseconds")
    return {
        "userId": grade.subject,
        "scoreGiven": grade.score_given,
        "scoreMaximum": grade.score_maximum,
        "timestamp": moment,
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
    }


def shows(grade: GradeToSend, reply: Reply) -> bool | None:
    """Whether the grade book shows this score, on whatever scale; None where it doesn't say."""
    if reply.status != 200:
        return None
    try:
        results = msgspec.json.decode(reply.content, type=list[Result])
    except msgspec.DecodeError:
        return None
    wanted = grade.score_given / grade.score_maximum
    return any(
        result.resultScore is not None
        and abs(result.resultScore / (result.resultMaximum or 1.0) - wanted) < SAME_SHARE
        for result in results
    )


def under(line_item_url: str, service: str, query: dict[str, str] | None = None) -> str:
    """The address of a line item's service: the name goes before the query (AGS 2.0 3.4.1)."""
    parts = urlsplit(line_item_url)
    joined = "&".join(part for part in (parts.query, urlencode(query or {})) if part)
    path = f"{parts.path.rstrip('/')}/{service}"
    return urlunsplit(parts._replace(path=path, query=joined, fragment=""))
