"""Sitting an exam: start, answer, finish. Each use case is idempotent and runs in one transaction.

The database's clock decides what is in time. An attempt whose time is over is finished with the
answers it holds: by the worker's sweep, or by whoever looks at it first.
"""

from uuid import UUID

import msgspec

from passerelle.exams import store
from passerelle.exams.model import (
    Answer,
    Attempt,
    EndedBy,
    ExamFinished,
    ExamPassed,
    Form,
    SavedAnswer,
    Stand,
    StoredAnswer,
    choice_of,
    letter_of,
    score,
    shown_order,
)
from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.errors import Conflict, Invalid, NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_


class AnswerTooLate(Conflict):
    """The attempt is over: this answer was not saved. Those saved in time count."""

    title = N_("Your time was over, so this answer was not saved")
    mend = N_("The answers saved in time are counted. Open your result.")


class AnswerInvalid(Invalid):
    title = N_("This answer is not one of the choices")
    mend = N_("Choose one of the letters shown.")


class AttemptsUsedUp(Conflict):
    title = N_("You have used all your attempts at this exam")
    mend = N_("Talk to whoever runs your training.")


class AlreadyPassed(Conflict):
    title = N_("You have already passed this exam")
    mend = N_("Your credential is in your wallet.")


async def form(read: TenantRead, code: str) -> Form:
    """Raises NotFound."""
    found = await store.form_by_code(read, code)
    if found is None or found.items == 0:
        raise NotFound()
    return found


async def attempt(read: TenantRead, person_id: UUID, attempt_id: UUID) -> Attempt:
    """The person's own attempt. Raises NotFound, also for another's."""
    found = await store.attempt(read, attempt_id, person_id)
    if found is None:
        raise NotFound()
    return found


async def stand(read: TenantRead, person_id: UUID, form_id: UUID) -> Stand:
    """Raises NotFound."""
    wanted = await store.form(read, form_id)
    if wanted is None:
        raise NotFound()
    held = await store.attempts(read, form_id, person_id)
    return Stand(
        form=wanted,
        open=any(one.open for one in held),
        passed=any(one.passed for one in held),
        attempts_left=wanted.attempts_allowed - len(held),
    )


async def start(tx: TenantTransaction, person_id: UUID, code: str) -> Attempt:
    """The person's open attempt at a form, newly opened where there is none.

    Raises NotFound, AlreadyPassed, AttemptsUsedUp.
    """
    wanted = await form(tx, code)
    held = [
        await finish_overdue(tx, one.id) if one.overdue else one
        for one in await store.attempts(tx, wanted.id, person_id)
    ]
    for one in held:
        if one.open:
            return one
    if any(one.passed for one in held):
        raise AlreadyPassed()
    if len(held) >= wanted.attempts_allowed:
        raise AttemptsUsedUp()
    opened = await store.open_attempt(tx, wanted.id, person_id)
    if opened is not None:
        return opened
    # Opened at this very moment by a second click or another window.
    return next(one for one in await store.attempts(tx, wanted.id, person_id) if one.open)


async def save_answer(
    tx: TenantTransaction, person_id: UUID, attempt_id: UUID, item_id: UUID, answer: Answer
) -> SavedAnswer:
    """Keeps an answer, unless a newer one is held; sending the same again changes nothing.

    Raises NotFound, AnswerInvalid, AnswerTooLate (nothing is written).
    """
    options = await store.item_options(tx, attempt_id, person_id, item_id)
    if options is None:
        raise NotFound()
    order = shown_order(attempt_id, item_id, options)
    try:
        choice = choice_of(order, answer.letter)
    except ValueError as error:
        raise AnswerInvalid() from error
    saved = await store.save_response(
        tx, attempt_id, item_id, choice, answer.later, answer.revision
    )
    if saved is not None:
        return _as_shown(saved, order, accepted=True)
    held = await store.response(tx, attempt_id, item_id)
    plain = answer.revision is None and held is not None and choice is None
    wanted = held.choice if plain and held else choice
    same = held is not None and (held.choice, held.later) == (wanted, answer.later)
    if held is None or not (same or (await attempt(tx, person_id, attempt_id)).open):
        raise AnswerTooLate()
    return _as_shown(held, order, accepted=same)


def _as_shown(held: StoredAnswer, order: list[int], *, accepted: bool) -> SavedAnswer:
    return SavedAnswer(
        letter_of(order, held.choice), held.later, held.revision, held.saved_at, accepted
    )


async def finish(tx: TenantTransaction, person_id: UUID, attempt_id: UUID) -> Attempt:
    """Ends the person's attempt and scores it, once; again it returns the same result.

    Raises NotFound.
    """
    await attempt(tx, person_id, attempt_id)
    return await _finish(tx, attempt_id)


async def finish_overdue(tx: TenantTransaction, attempt_id: UUID) -> Attempt:
    """Ends an attempt whose time is over; one with time left stays open. Raises NotFound."""
    return await _finish(tx, attempt_id, only_overdue=True)


async def _finish(
    tx: TenantTransaction, attempt_id: UUID, *, only_overdue: bool = False
) -> Attempt:
    held = await store.lock_attempt(tx, attempt_id)
    if held is None:
        raise NotFound()
    if held.finished_at is not None or (only_overdue and not held.overdue):
        return held
    sat = await store.form(tx, held.form_id)
    if sat is None:
        raise NotFound()
    result = score(await store.keyed_items(tx, attempt_id), sat.cut_score)
    ended_by: EndedBy = "time" if held.overdue else "person"
    # What ended by time ended at its deadline, whenever we come to it.
    finished_at = min(held.now, held.deadline_at)
    await store.close_attempt(tx, attempt_id, ended_by, finished_at, result)
    finished = ExamFinished(
        attempt_id=attempt_id,
        person_id=held.person_id,
        form_id=held.form_id,
        achievement_id=sat.achievement_id,
        score_given=result.given,
        score_maximum=result.maximum,
        passed=result.passed,
        finished_at=finished_at,
    )
    await emit(tx, "exam.finished", finished, subject=attempt_id, person_id=held.person_id)
    if result.passed:
        passed = ExamPassed(
            attempt_id=attempt_id,
            person_id=held.person_id,
            achievement_id=sat.achievement_id,
            score_given=result.given,
            score_maximum=result.maximum,
            finished_at=finished_at,
        )
        await emit(tx, "exam.passed", passed, subject=attempt_id, person_id=held.person_id)
    return msgspec.structs.replace(
        held,
        finished_at=finished_at,
        ended_by=ended_by,
        score_given=result.given,
        score_maximum=result.maximum,
        passed=result.passed,
    )
