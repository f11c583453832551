"""Hiring as JSON: requisitions, shortlists, explanations, decisions."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import Dependency, Parameter
from msgspec import Struct

from passerelle.hiring import ranking, service, store
from passerelle.hiring.model import (
    REQUISITIONS_PAGE_ROWS,
    SEARCH_LENGTH_LIMIT,
    SHOWN_PEOPLE,
    SHOWN_PEOPLE_LIMIT,
    Candidate,
    NewRequisition,
    Requirement,
    Requisition,
    Stage,
    Status,
)
from passerelle.hiring.ports import Explanation, Matcher
from passerelle.kernel.database import TenantReader, TenantTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.language import Localised
from passerelle.skills.folding import folded

PluggedMatcher = Annotated[Matcher, Dependency(skip_validation=True)]
Show = Annotated[int, Parameter(ge=1, le=SHOWN_PEOPLE_LIMIT)]


class RequisitionShown(Struct, frozen=True):
    """A requisition without the secret that its candidates' codes are made with."""

    id: UUID
    number: str
    title: Localised
    unit: str
    place: str
    posts: int
    closes_on: date | None
    status: Status
    pipeline_id: UUID
    created_at: datetime


class RequisitionList(Struct, frozen=True):
    """A page of requisitions, newest first; ask for the next with `after`."""

    requisitions: list[RequisitionShown]
    after: UUID | None


class RequisitionDetails(Struct, frozen=True):
    """A requisition as it was opened, with what it asks for and its stages."""

    requisition: RequisitionShown
    requirements: list[Requirement]
    stages: list[Stage]


class StageShown(Struct, frozen=True):
    """A stage, and how many people stand in it."""

    id: UUID
    name: Localised
    names_shown: bool
    people: int


class ShortlistShown(Struct, frozen=True):
    """The people of one stage in their order; `people` counts those not shown as well."""

    requisition: RequisitionShown
    stages: list[StageShown]
    stage_id: UUID
    candidates: list[Candidate]
    people: int


def shown(requisition: Requisition) -> RequisitionShown:
    """What may leave the house of a requisition."""
    return RequisitionShown(
        **{name: getattr(requisition, name) for name in RequisitionShown.__struct_fields__}
    )


def stage_of(stages: list[Stage], stage_id: UUID | None) -> Stage:
    """The stage asked for, or the first one. Raises NotFound for another pipeline's."""
    if stage_id is None:
        return stages[0]
    for stage in stages:
        if stage.id == stage_id:
            return stage
    raise NotFound()


@get("/t/{slug:str}/api/requisitions", permission="hiring.read")
async def list_requisitions(
    read: TenantReader,
    q: Annotated[str, Parameter(max_length=SEARCH_LENGTH_LIMIT)] = "",
    status: Status | None = None,
    after: UUID | None = None,
) -> RequisitionList:
    """Requisitions, newest first, 50 a page."""
    rows = await store.requisitions(read, folded(q), status, after, REQUISITIONS_PAGE_ROWS + 1)
    page = rows[:REQUISITIONS_PAGE_ROWS]
    more = len(rows) > REQUISITIONS_PAGE_ROWS
    return RequisitionList([shown(one) for one in page], page[-1].id if more else None)


@post("/t/{slug:str}/api/requisitions", permission="hiring.decide")
async def open_requisition(tx: TenantTransaction, data: NewRequisition) -> RequisitionDetails:
    """Opens a requisition under the year's next number."""
    requisition = await service.open_requisition(tx, data)
    stages = await store.stages(tx, requisition.pipeline_id)
    return RequisitionDetails(shown(requisition), data.requirements, stages)


@get("/t/{slug:str}/api/requisitions/{requisition_id:uuid}/shortlist", permission="hiring.read")
async def shortlist(
    read: TenantReader,
    matcher: PluggedMatcher,
    requisition_id: UUID,
    stage: UUID | None = None,
    show: Show = SHOWN_PEOPLE,
) -> ShortlistShown:
    """Who stands in a stage (the first one unless given), best proven first."""
    requisition = await service.require_requisition(read, requisition_id)
    stages = await store.stages(read, requisition.pipeline_id)
    found = await ranking.shortlist(
        read, matcher, requisition, stages, stage_of(stages, stage), show
    )
    return ShortlistShown(
        requisition=shown(requisition),
        stages=[
            StageShown(one.id, one.name, one.names_shown, found.counts.get(one.id, 0))
            for one in stages
        ],
        stage_id=found.stage.id,
        candidates=found.candidates,
        people=found.people,
    )


@get(
    "/t/{slug:str}/api/requisitions/{requisition_id:uuid}/candidates/{person_id:uuid}",
    permission="hiring.read",
)
async def explain(
    read: TenantReader, matcher: PluggedMatcher, requisition_id: UUID, person_id: UUID
) -> Explanation:
    """Why a candidate has their score: contributions that add up to it, and what is missing."""
    requisition = await service.require_requisition(read, requisition_id)
    stages = await store.stages(read, requisition.pipeline_id)
    await ranking.standing_of(read, requisition, stages, person_id)
    return await ranking.explain(read, matcher, requisition, person_id)


@post("/t/{slug:str}/api/requisitions/{requisition_id:uuid}/decisions", permission="hiring.decide")
async def decide(
    tx: TenantTransaction, requisition_id: UUID, data: service.Decision
) -> service.Moved:
    """Moves a candidate from one stage to another, in your name and for your reason."""
    return await service.move(tx, requisition_id, data)


handlers = [list_requisitions, open_requisition, shortlist, explain, decide]
