"""Pages of an exam: before it, one question at a time, the last look, the result."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Redirect

from passerelle.exams import service, store
from passerelle.exams.api import learner
from passerelle.exams.model import (
    ITEMS_PER_FORM_LIMIT,
    LETTERS,
    Answer,
    Attempt,
    Form,
    Presented,
    letter_of,
    shown_order,
)
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import TenantReader, TenantTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.language import Localised
from passerelle.skills import store as skills
from passerelle.web.language import current
from passerelle.web.page import Page

SEE_OTHER: Final = 303

Place = Annotated[int, Parameter(query="question", ge=1, le=ITEMS_PER_FORM_LIMIT)]


class ShownOption(msgspec.Struct, frozen=True):
    letter: str
    text: Localised
    chosen: bool


class SentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the plain form sends; `go` is where the person wants to be next."""

    item: UUID
    question: Annotated[int, msgspec.Meta(ge=1, le=ITEMS_PER_FORM_LIMIT)]
    answer: str = ""
    revision: str = ""
    later: bool = False
    go: Literal["next", "previous", "check"] = "next"


def address(actor: Actor, path: str) -> str:
    return f"/t/{actor.tenant_slug}{path}"


def to(actor: Actor, path: str) -> Redirect:
    return Redirect(address(actor, path), status_code=SEE_OTHER)


def shown_options(attempt_id: UUID, item: Presented) -> list[ShownOption]:
    """The options in this attempt's order. Their author's order stays here: it may tell the key."""
    order = shown_order(attempt_id, item.item_id, len(item.options))
    return [
        ShownOption(
            LETTERS[place],
            item.options[option],
            letter_of(order, item.choice) == LETTERS[place],
        )
        for place, option in enumerate(order)
    ]


def as_answer(sent: SentAnswer) -> Answer:
    """Raises AnswerInvalid."""
    revision = int(sent.revision) if sent.revision.isdecimal() else None
    fields = {"letter": sent.answer or None, "later": sent.later, "revision": revision}
    try:
        return msgspec.convert(fields, Answer)
    except msgspec.ValidationError as error:
        raise service.AnswerInvalid() from error


@get("/t/{slug:str}/learn/exam/{code:str}", permission="learn", include_in_schema=False)
async def before(read: TenantReader, actor: Actor, code: str) -> Page:
    form = await service.form(read, code)
    attempts = await store.attempts(read, form.id, learner(actor))
    return Page(
        "exams/before.html",
        {
            "form": form,
            "attempts": attempts,
            "open_attempt": next((one for one in attempts if one.open), None),
            "overdue_attempt": next((one for one in attempts if one.overdue), None),
            "passed_attempt": next((one for one in attempts if one.passed), None),
            "attempts_left": form.attempts_allowed - len(attempts),
        },
    )


@post("/t/{slug:str}/learn/exam/{code:str}", permission="learn", include_in_schema=False)
async def start(exam_tx: TenantTransaction, actor: Actor, code: str) -> Redirect:
    attempt = await service.start(exam_tx, learner(actor), code)
    return to(actor, f"/learn/attempt/{attempt.id}")


async def sat_form(read: TenantReader | TenantTransaction, attempt: Attempt) -> Form:
    form = await store.form(read, attempt.form_id)
    if form is None:
        raise NotFound()
    return form


@get("/t/{slug:str}/learn/attempt/{attempt_id:uuid}", permission="learn", include_in_schema=False)
async def question(
    exam_read: TenantReader, actor: Actor, attempt_id: UUID, place: Place = 1
) -> Page | Redirect:
    attempt = await service.attempt(exam_read, learner(actor), attempt_id)
    if not attempt.open:
        return to(actor, f"/learn/attempt/{attempt_id}/result")
    item = await store.presented(exam_read, attempt_id, place)
    if item is None:
        raise NotFound()
    return Page(
        "exams/question.html",
        {
            "attempt": attempt,
            "form": await sat_form(exam_read, attempt),
            "places": await store.places(exam_read, attempt_id),
            "item": item,
            "options": shown_options(attempt_id, item),
        },
    )


@post("/t/{slug:str}/learn/attempt/{attempt_id:uuid}", permission="learn", include_in_schema=False)
async def answer(
    exam_tx: TenantTransaction,
    actor: Actor,
    attempt_id: UUID,
    data: Annotated[SentAnswer, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """The same as the autosave, for a browser that runs no script: saves, then goes on."""
    person_id = learner(actor)
    try:
        await service.save_answer(exam_tx, person_id, attempt_id, data.item, as_answer(data))
    except service.AnswerTooLate:
        return to(actor, f"/learn/attempt/{attempt_id}/result?late=true")
    last = len(await store.places(exam_tx, attempt_id))
    here = f"/learn/attempt/{attempt_id}"
    if data.go == "previous":
        return to(actor, f"{here}?question={max(1, data.question - 1)}")
    if data.go == "check" or data.question >= last:
        return to(actor, f"{here}/check")
    return to(actor, f"{here}?question={data.question + 1}")


@get(
    "/t/{slug:str}/learn/attempt/{attempt_id:uuid}/check",
    permission="learn",
    include_in_schema=False,
)
async def check(read: TenantReader, actor: Actor, attempt_id: UUID) -> Page | Redirect:
    attempt = await service.attempt(read, learner(actor), attempt_id)
    if not attempt.open:
        return to(actor, f"/learn/attempt/{attempt_id}/result")
    places = await store.places(read, attempt_id)
    return Page(
        "exams/check.html",
        {
            "attempt": attempt,
            "form": await sat_form(read, attempt),
            "places": places,
            "unanswered": sum(1 for place in places if not place.answered),
        },
    )


@post(
    "/t/{slug:str}/learn/attempt/{attempt_id:uuid}/finish",
    permission="learn",
    include_in_schema=False,
)
async def finish(exam_tx: TenantTransaction, actor: Actor, attempt_id: UUID) -> Redirect:
    await service.finish(exam_tx, learner(actor), attempt_id)
    return to(actor, f"/learn/attempt/{attempt_id}/result")


@get(
    "/t/{slug:str}/learn/attempt/{attempt_id:uuid}/result",
    permission="learn",
    include_in_schema=False,
)
async def result(
    exam_tx: TenantTransaction, actor: Actor, attempt_id: UUID, late: bool = False
) -> Page | Redirect:
    """In a transaction, not a read: whoever comes first after the time is over finishes it."""
    attempt = await service.attempt(exam_tx, learner(actor), attempt_id)
    if attempt.open:
        return to(actor, f"/learn/attempt/{attempt_id}/check")
    if attempt.overdue:
        attempt = await service.finish_overdue(exam_tx, attempt_id)
    form = await sat_form(exam_tx, attempt)
    outcomes = await store.skill_outcomes(exam_tx, attempt_id)
    held = await store.attempts(exam_tx, form.id, attempt.person_id)
    return Page(
        "exams/result.html",
        {
            "attempt": attempt,
            "form": form,
            "outcomes": outcomes,
            "skills": await skills.labels(
                exam_tx, [outcome.skill_id for outcome in outcomes], current().locale
            ),
            "attempts_left": form.attempts_allowed - len(held),
            "late": late,
        },
    )


handlers: list[Any] = [before, start, question, answer, check, finish, result]
