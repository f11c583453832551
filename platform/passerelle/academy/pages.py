"""The learner's home, and study: a question, an answer of one's own, then why."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from passerelle.academy import service, store
from passerelle.academy.model import LETTERS, StudyItem, next_question, option_order
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import TenantReader, TenantTransaction
from passerelle.kernel.errors import NotSignedIn
from passerelle.kernel.language import N_, Localised
from passerelle.skills import store as skills
from passerelle.web import navigation
from passerelle.web.language import current
from passerelle.web.page import Page

SEE_OTHER: Final = 303

navigation.add(N_("Learn"), "/learn", permission="learn", order=10)


class ShownOption(msgspec.Struct, frozen=True):
    """An option under its letter; `place` is its author's, which the form sends back."""

    letter: str
    place: int
    text: Localised


class SentChoice(msgspec.Struct, frozen=True, kw_only=True):
    item: UUID
    times: Annotated[int, msgspec.Meta(ge=0)]
    choice: Annotated[int, msgspec.Meta(ge=0)]


def learner(actor: Actor) -> UUID:
    if actor.person_id is None:
        raise NotSignedIn()
    return actor.person_id


def to(actor: Actor, path: str) -> Redirect:
    return Redirect(f"/t/{actor.tenant_slug}{path}", status_code=SEE_OTHER)


def shown_options(person_id: UUID, item: StudyItem, times: int) -> list[ShownOption]:
    order = option_order(person_id, item.id, times, len(item.options))
    return [
        ShownOption(letter, place, item.options[place])
        for letter, place in zip(LETTERS, order, strict=False)
    ]


@get("/t/{slug:str}/learn", permission="learn", include_in_schema=False)
async def home(read: TenantReader, actor: Actor, path: str | None = None) -> Page:
    """`path` names one of the learner's paths; else the one enrolled on last is shown."""
    person_id = learner(actor)
    enrolled = await store.enrolled_paths(read, person_id)
    if not enrolled:
        return Page("academy/offer.html", {"paths": await store.paths(read)})
    shown = next((one for one in enrolled if one.code == path), enrolled[0])
    overview = await service.overview(read, person_id, shown)
    labels = await skills.labels(read, [one.skill_id for one in overview.skills], current().locale)
    return Page(
        "academy/home.html",
        {
            "overview": overview,
            "others": [one for one in enrolled if one.id != shown.id],
            "skills": labels,
        },
    )


@post("/t/{slug:str}/learn/paths/{code:str}", permission="learn", include_in_schema=False)
async def enrol(tx: TenantTransaction, actor: Actor, code: str) -> Redirect:
    await service.enrol(tx, learner(actor), code)
    return to(actor, f"/learn?path={code}")


@get("/t/{slug:str}/learn/study/{code:str}", permission="learn", include_in_schema=False)
async def study(read: TenantReader, actor: Actor, code: str, after: UUID | None = None) -> Page:
    """The next question of a module; where none is left for now, what was reached."""
    person_id = learner(actor)
    module = await service.module(read, code)
    every = await store.progress(read, module.id, person_id)
    reached = {
        "module": module,
        "right": sum(1 for one in every if one.times_right > 0),
        "total": len(every),
    }
    chosen = next_question(every, datetime.now(UTC), after)
    if chosen is None:
        due = [one.due_at for one in every if one.due_at is not None]
        return Page("academy/studied.html", {**reached, "again_at": min(due, default=None)})
    asked = await service.question(read, person_id, module.id, chosen.item_id)
    options = shown_options(person_id, asked.item, asked.progress.times)
    return Page(
        "academy/study.html",
        {**reached, "item": asked.item, "progress": asked.progress, "options": options},
    )


@post("/t/{slug:str}/learn/study/{code:str}", permission="learn", include_in_schema=False)
async def answer(
    tx: TenantTransaction,
    actor: Actor,
    code: str,
    data: Annotated[SentChoice, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    module = await service.module(tx, code)
    await service.answer(tx, learner(actor), module.id, data.item, data.choice, data.times)
    return to(actor, f"/learn/study/{code}/answered/{data.item}")


@get(
    "/t/{slug:str}/learn/study/{code:str}/answered/{item_id:uuid}",
    permission="learn",
    include_in_schema=False,
)
async def answered(read: TenantReader, actor: Actor, code: str, item_id: UUID) -> Page | Redirect:
    """Why: shown only to who has answered."""
    person_id = learner(actor)
    module = await service.module(read, code)
    asked = await service.question(read, person_id, module.id, item_id)
    if asked.progress.times == 0:
        return to(actor, f"/learn/study/{code}")
    every = await store.progress(read, module.id, person_id)
    return Page(
        "academy/answered.html",
        {
            "module": module,
            "item": asked.item,
            "progress": asked.progress,
            "options": shown_options(person_id, asked.item, asked.progress.times - 1),
            "right": sum(1 for one in every if one.times_right > 0),
            "total": len(every),
        },
    )


handlers: list[Any] = [home, enrol, study, answer, answered]
