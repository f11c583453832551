"""The shortlist, why a candidate stands where they stand, and deciding about them."""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Response

from passerelle.hiring import candidate_store, ranking, requisition_pages, service, store
from passerelle.hiring.api import PluggedMatcher, Show, stage_of
from passerelle.hiring.explanation import in_words
from passerelle.hiring.model import (
    REASON_LENGTH_LIMIT,
    REASON_LENGTH_MINIMUM,
    SHOWN_PEOPLE,
    SHOWN_PEOPLE_LIMIT,
    Requisition,
    Stage,
    Standing,
    candidate_code,
)
from passerelle.hiring.ports import Matcher
from passerelle.hiring.problems import ReasonMissing, StageInvalid
from passerelle.hiring.requisition_pages import REQUISITION, Form
from passerelle.kernel.database import TenantReader, TenantTransaction
from passerelle.kernel.language import N_
from passerelle.people.prose import as_html
from passerelle.web import navigation
from passerelle.web.formats import in_numerals
from passerelle.web.language import translate
from passerelle.web.page import Page

CANDIDATE = REQUISITION + "/candidates/{person_id:uuid}"

navigation.add(N_("Hiring"), "/hiring", permission="hiring.read", order=30)

# Where a form names no stage of the pipeline: nobody stands there, and nobody goes there.
NO_STAGE = UUID(int=0)


async def _opened(read: TenantReader, requisition_id: UUID) -> tuple[Requisition, list[Stage]]:
    requisition = await service.require_requisition(read, requisition_id)
    return requisition, await store.stages(read, requisition.pipeline_id)


@get(REQUISITION, permission="hiring.read", include_in_schema=False)
async def shortlist(
    read: TenantReader,
    matcher: PluggedMatcher,
    requisition_id: UUID,
    stage: UUID | None = None,
    show: Show = SHOWN_PEOPLE,
) -> Page:
    """Who stands in a stage, best proven first, and why the first one does."""
    requisition, stages = await _opened(read, requisition_id)
    chosen = stage_of(stages, stage)
    found = await ranking.shortlist(read, matcher, requisition, stages, chosen, show)
    first = found.candidates[0] if found.candidates else None
    shown: dict[str, object] = {}
    if first is not None:
        standing = Standing(first.person_id, first.stage_id, None, first.display_name)
        shown = await _candidate(read, matcher, requisition, stages, standing)
    return Page(
        "hiring/shortlist.html",
        {
            "requisition": requisition,
            "stages": stages,
            "here": chosen,
            "shortlist": found,
            "ranked": [one for one in found.candidates if one.rank is not None],
            "unranked": [one for one in found.candidates if one.rank is None],
            "first": first,
            "more": min(show + SHOWN_PEOPLE, SHOWN_PEOPLE_LIMIT)
            if show < min(found.people, SHOWN_PEOPLE_LIMIT)
            else None,
            **shown,
        },
    )


def _next_stage(stages: list[Stage], standing: Standing) -> Stage | None:
    """The stage after the one in which someone stands; None after the last."""
    places = [one.id for one in stages]
    onward = places.index(standing.stage_id) + 1
    return stages[onward] if onward < len(stages) else None


async def _candidate(
    read: TenantReader,
    matcher: Matcher,
    requisition: Requisition,
    stages: list[Stage],
    standing: Standing,
) -> dict[str, object]:
    """What the explanation, on its own page or beside the list, shows of one candidate."""
    requirements = await store.requirements(read, requisition.id)
    need = ranking.need(requisition, requirements)
    explanation = await matcher.explain(read, need, standing.person_id)
    person_id = standing.person_id
    profile = await candidate_store.candidate_profile(read, person_id)
    return {
        "requisition": requisition,
        "stages_by_id": {one.id: one for one in stages},
        "person_id": person_id,
        "code": candidate_code(requisition.code_key, person_id),
        "display_name": standing.display_name,
        "stands_in": next(one for one in stages if one.id == standing.stage_id),
        "next_stage": _next_stage(stages, standing),
        "explanation": await in_words(read, explanation, requirements, person_id),
        "profile": profile,
        "about": as_html(profile.about) if profile else None,
        "decisions": await candidate_store.decisions(read, requisition.id, person_id),
    }


@get(CANDIDATE, permission="hiring.read", include_in_schema=False)
async def candidate(
    read: TenantReader,
    matcher: PluggedMatcher,
    requisition_id: UUID,
    person_id: UUID,
    done: str = "",
) -> Page:
    """Why this candidate has this score; beside the list, or as a page of its own."""
    requisition, stages = await _opened(read, requisition_id)
    standing = await ranking.standing_of(read, requisition, stages, person_id)
    shown = await _candidate(read, matcher, requisition, stages, standing)
    return Page("hiring/candidate.html", {"done": done, **shown}, block="explained")


def _decision_page(
    requisition: Requisition,
    stages: list[Stage],
    standing: Standing,
    values: dict[str, str],
    errors: dict[str, str],
) -> Page:
    return Page(
        "hiring/decide.html",
        {
            "requisition": requisition,
            "stages": stages,
            "standing": standing,
            "stands_in": next(one for one in stages if one.id == standing.stage_id),
            "code": candidate_code(requisition.code_key, standing.person_id),
            "values": values,
            "errors": {name: in_numerals(translate(text)) for name, text in errors.items()},
            "minimum": REASON_LENGTH_MINIMUM,
            "limit": REASON_LENGTH_LIMIT,
        },
        status_code=400 if errors else 200,
    )


@get(CANDIDATE + "/decide", permission="hiring.decide", include_in_schema=False)
async def decision(read: TenantReader, requisition_id: UUID, person_id: UUID, to: str = "") -> Page:
    """A decision to be made: where to, and why."""
    requisition, stages = await _opened(read, requisition_id)
    standing = await ranking.standing_of(read, requisition, stages, person_id)
    onward = _next_stage(stages, standing)
    values = {"to_stage": to or (str(onward.id) if onward else "")}
    return _decision_page(requisition, stages, standing, values, {})


@post(CANDIDATE + "/decide", permission="hiring.decide", include_in_schema=False, status_code=200)
async def decide(
    tx: TenantTransaction, slug: str, requisition_id: UUID, person_id: UUID, data: Form
) -> Response[str] | Page:
    """Decides, then goes back to the candidate; what is wrong stays on screen."""
    requisition = await service.require_requisition(tx, requisition_id)
    stages = await store.stages(tx, requisition.pipeline_id)
    standing = await ranking.standing_of(tx, requisition, stages, person_id)
    known = {str(one.id): one.id for one in stages}
    made = service.Decision(
        person_id=person_id,
        from_stage=known.get(data.get("from_stage", ""), NO_STAGE),
        to_stage=known.get(data.get("to_stage", ""), NO_STAGE),
        reason=data.get("reason", ""),
    )
    try:
        await service.move(tx, requisition_id, made)
    except (ReasonMissing, StageInvalid) as problem:
        return _decision_page(requisition, stages, standing, data, problem.errors)
    return Redirect(
        f"/t/{slug}/hiring/{requisition_id}/candidates/{person_id}?done=moved", status_code=303
    )


handlers = [*requisition_pages.handlers, shortlist, candidate, decision, decide]
