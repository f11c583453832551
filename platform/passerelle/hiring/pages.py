"""Hiring's pages: requisitions, the shortlist, and why a candidate stands where they stand."""

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Redirect, Response

from passerelle.hiring import candidate_store, ranking, service, store
from passerelle.hiring.api import PluggedMatcher, Show, stage_of
from passerelle.hiring.explanation import in_words
from passerelle.hiring.forms import NewRequisitionForm
from passerelle.hiring.model import (
    EXPORT_ROWS_LIMIT,
    REASON_LENGTH_LIMIT,
    REASON_LENGTH_MINIMUM,
    REQUISITIONS_PAGE_ROWS,
    SEARCH_LENGTH_LIMIT,
    SHOWN_PEOPLE,
    SHOWN_PEOPLE_LIMIT,
    Requisition,
    Stage,
    Standing,
    Status,
    candidate_code,
)
from passerelle.hiring.ports import Matcher
from passerelle.hiring.problems import ReasonMissing, RequisitionInvalid, StageInvalid
from passerelle.kernel.database import TenantReader, TenantTransaction
from passerelle.kernel.language import N_
from passerelle.people.prose import as_html
from passerelle.skills.folding import folded
from passerelle.web import navigation
from passerelle.web.export import as_csv
from passerelle.web.formats import in_numerals
from passerelle.web.language import current, translate
from passerelle.web.page import Page

ROOT = "/t/{slug:str}/hiring"
REQUISITION = ROOT + "/{requisition_id:uuid}"
CANDIDATE = REQUISITION + "/candidates/{person_id:uuid}"
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
Search = Annotated[str, Parameter(max_length=SEARCH_LENGTH_LIMIT)]

navigation.add(N_("Hiring"), "/hiring", permission="hiring.read", order=30)

# Where a form names no stage of the pipeline: nobody stands there, and nobody goes there.
NO_STAGE = UUID(int=0)
STATUSES = {"open": N_("open"), "closed": N_("closed")}
EXPORT_COLUMNS = (
    N_("Number"),
    N_("Title"),
    N_("Unit"),
    N_("Place"),
    N_("Posts"),
    N_("Closes on"),
    N_("Status"),
    N_("Opened on"),
)


def _status(text: str) -> Status | None:
    return text if text in ("open", "closed") else None  # type: ignore[return-value]


@get(ROOT, permission="hiring.read", include_in_schema=False)
async def requisitions(
    read: TenantReader, q: Search = "", status: str = "", after: UUID | None = None
) -> Page:
    """The organisation's requisitions, newest first."""
    rows = await store.requisitions(
        read, folded(q), _status(status), after, REQUISITIONS_PAGE_ROWS + 1
    )
    page = rows[:REQUISITIONS_PAGE_ROWS]
    return Page(
        "hiring/requisitions.html",
        {
            "requisitions": page,
            "next": page[-1].id if len(rows) > REQUISITIONS_PAGE_ROWS else None,
            "after": after,
            "q": q,
            "status": _status(status) or "",
            "statuses": STATUSES,
        },
    )


@get(ROOT + "/requisitions.csv", permission="hiring.read", include_in_schema=False)
async def export(read: TenantReader, q: Search = "", status: str = "") -> Response[bytes]:
    """The same list as CSV, at most EXPORT_ROWS_LIMIT rows."""
    rows = await store.requisitions(read, folded(q), _status(status), None, EXPORT_ROWS_LIMIT)
    header = [translate(column) for column in EXPORT_COLUMNS]
    return Response(
        as_csv(header, (_row(one) for one in rows)),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": 'attachment; filename="requisitions.csv"',
            "cache-control": "no-store",
        },
    )


def _row(requisition: Requisition) -> list[str]:
    """A requisition's cells, in the order of EXPORT_COLUMNS; days in ISO 8601."""
    return [
        requisition.number,
        requisition.title.in_(current().locale),
        requisition.unit,
        requisition.place,
        str(requisition.posts),
        requisition.closes_on.isoformat() if requisition.closes_on else "",
        translate(STATUSES[requisition.status]),
        requisition.created_at.date().isoformat(),
    ]


@get(ROOT + "/new", permission="hiring.decide", include_in_schema=False, sync_to_thread=False)
def new_requisition() -> Page:
    """A requisition to be opened."""
    return Page("hiring/new.html", {"values": {"posts": "1"}, "errors": {}})


@post(ROOT + "/new", permission="hiring.decide", include_in_schema=False, status_code=200)
async def open_requisition(tx: TenantTransaction, slug: str, data: Form) -> Response[str] | Page:
    """Opens it and goes to its shortlist; what is wrong stays on screen."""
    form = await NewRequisitionForm.read(tx, data, current().locale)
    errors = dict(form.errors)
    if not errors:
        try:
            opened = await service.open_requisition(tx, form.requisition)
        except RequisitionInvalid as problem:
            errors = {name: in_numerals(translate(text)) for name, text in problem.errors.items()}
        else:
            return Redirect(f"/t/{slug}/hiring/{opened.id}", status_code=303)
    return Page("hiring/new.html", {"values": data, "errors": errors}, status_code=400)


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
    position = next(place for place, one in enumerate(stages) if one.id == standing.stage_id)
    return {
        "requisition": requisition,
        "stages_by_id": {one.id: one for one in stages},
        "person_id": person_id,
        "code": candidate_code(requisition.code_key, person_id),
        "display_name": standing.display_name,
        "stands_in": stages[position],
        "next_stage": stages[position + 1] if position + 1 < len(stages) else None,
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


async def _decision_page(
    read: TenantReader | TenantTransaction,
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
    return await _decision_page(read, requisition, stages, standing, {"to_stage": to}, {})


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
        return await _decision_page(tx, requisition, stages, standing, data, problem.errors)
    return Redirect(
        f"/t/{slug}/hiring/{requisition_id}/candidates/{person_id}?done=moved", status_code=303
    )


@post(REQUISITION + "/status", permission="hiring.decide", include_in_schema=False)
async def change_status(
    tx: TenantTransaction, slug: str, requisition_id: UUID, data: Form
) -> Redirect:
    """Closes the requisition or opens it again."""
    wanted: Status = "closed" if data.get("status") == "closed" else "open"
    await service.set_status(tx, requisition_id, wanted)
    return Redirect(f"/t/{slug}/hiring/{requisition_id}", status_code=303)


handlers = [
    requisitions,
    export,
    new_requisition,
    open_requisition,
    shortlist,
    candidate,
    decision,
    decide,
    change_status,
]
