"""Use cases of hiring: open a requisition, close it, and decide about a candidate."""

from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from passerelle.hiring import candidate_store, store
from passerelle.hiring.model import (
    REASON_LENGTH_LIMIT,
    REASON_LENGTH_MINIMUM,
    STANDARD_PIPELINE,
    STANDARD_STAGES,
    ApplicationMoved,
    NewRequisition,
    NewStage,
    Requisition,
    RequisitionOpened,
    RequisitionStatusChanged,
    Stage,
    StagePlace,
    Status,
)
from passerelle.hiring.problems import (
    CandidateMovedAlready,
    DecisionNeedsPerson,
    ReasonMissing,
    RequisitionClosed,
    RequisitionInvalid,
    StageInvalid,
)
from passerelle.hiring.rules import requisition_errors
from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.people.prose import cleaned
from passerelle.skills import store as skills
from passerelle.skills.folding import folded


class Decision(Struct, frozen=True, kw_only=True):
    """What a person decides: a candidate goes from one stage to another, for a reason."""

    person_id: UUID
    from_stage: UUID
    to_stage: UUID
    reason: str


class Moved(Struct, frozen=True):
    """What a decision left on record."""

    application_id: UUID
    decision_id: UUID


async def require_requisition(read: TenantRead, requisition_id: UUID) -> Requisition:
    """Raises NotFound for another organisation's as for one that isn't there."""
    requisition = await store.requisition(read, requisition_id)
    if requisition is None:
        raise NotFound()
    return requisition


async def create_pipeline(
    tx: TenantTransaction, name: Localised, stages: tuple[NewStage, ...]
) -> UUID:
    """A pipeline with these stages, in their order."""
    pipeline_id = new_id()
    await store.add_pipeline(tx, pipeline_id, name, stages)
    return pipeline_id


async def open_requisition(tx: TenantTransaction, new: NewRequisition) -> Requisition:
    """Opens a requisition under the year's next number. Raises RequisitionInvalid."""
    new = _cleaned(new)
    # First, so that two who open at the same time wait here for each other.
    number = await store.next_number(tx, datetime.now(UTC).year)
    pipelines = await store.pipelines(tx)
    known_skills = await skills.known_skills(tx, [one.skill_id for one in new.requirements])
    today = datetime.now(UTC).date()
    errors = requisition_errors(new, known_skills, {one.id for one in pipelines}, today)
    if errors:
        raise RequisitionInvalid(errors=errors)
    pipeline_id = new.pipeline_id or (pipelines[0].id if pipelines else None)
    if pipeline_id is None:
        pipeline_id = await create_pipeline(tx, STANDARD_PIPELINE, STANDARD_STAGES)
    title = new.title
    searched = folded("\n".join((number, title.en, title.fr, title.ar, new.unit, new.place)))
    requisition_id = new_id()
    given = store.Numbered(requisition_id, number, pipeline_id, searched)
    await store.add_requisition(tx, given, new)
    opened = RequisitionOpened(requisition_id, number, title, pipeline_id, new.requirements)
    await emit(tx, "requisition.opened", opened, subject=requisition_id)
    return await require_requisition(tx, requisition_id)


def _cleaned(new: NewRequisition) -> NewRequisition:
    title = Localised(cleaned(new.title.en), cleaned(new.title.fr), cleaned(new.title.ar))
    return replace(new, title=title, unit=cleaned(new.unit), place=cleaned(new.place))


async def set_status(tx: TenantTransaction, requisition_id: UUID, status: Status) -> None:
    """Closes a requisition or opens it again; the same status twice changes nothing."""
    requisition = await require_requisition(tx, requisition_id)
    if await store.set_status(tx, requisition_id, status):
        name = "requisition.closed" if status == "closed" else "requisition.opened_again"
        payload = RequisitionStatusChanged(requisition_id, requisition.number)
        await emit(tx, name, payload, subject=requisition_id)


async def move(tx: TenantTransaction, requisition_id: UUID, decision: Decision) -> Moved:
    """Moves a candidate to another stage, in the actor's name and for the reason they wrote.

    Only a person can decide. Raises NotFound, ReasonMissing, StageInvalid, RequisitionClosed,
    and CandidateMovedAlready where the candidate no longer stands in `from_stage`.
    """
    decided_by = tx.actor.person_id
    if tx.actor.kind != "person" or decided_by is None:
        raise DecisionNeedsPerson()
    reason = cleaned(decision.reason)
    if not REASON_LENGTH_MINIMUM <= len(reason) <= REASON_LENGTH_LIMIT:
        raise ReasonMissing(errors={"reason": ReasonMissing.mend})
    requisition = await require_requisition(tx, requisition_id)
    if requisition.status == "closed":
        raise RequisitionClosed()
    stages = {stage.id: stage for stage in await store.stages(tx, requisition.pipeline_id)}
    if decision.to_stage not in stages or decision.to_stage == decision.from_stage:
        raise StageInvalid(errors={"to_stage": StageInvalid.mend})
    application_id = await _moved_application(tx, requisition, decision, list(stages.values()))
    decision_id = new_id()
    await candidate_store.decide(
        tx,
        decision_id,
        application_id,
        decision.from_stage,
        decision.to_stage,
        decided_by,
        reason,
    )
    was, goes = stages[decision.from_stage], stages[decision.to_stage]
    await emit(
        tx,
        "application.moved",
        ApplicationMoved(
            application_id=application_id,
            decision_id=decision_id,
            requisition_id=requisition_id,
            person_id=decision.person_id,
            stage_id=goes.id,
            stage_name=goes.name,
            decided_by=decided_by,
            decided_by_name=tx.actor.display_name,
            reason=reason,
        ),
        subject=application_id,
        person_id=decision.person_id,
        before=StagePlace(was.id, was.name),
        reason=reason,
    )
    return Moved(application_id, decision_id)


async def _moved_application(
    tx: TenantTransaction, requisition: Requisition, decision: Decision, stages: list[Stage]
) -> UUID:
    first = stages[0].id
    person_id = decision.person_id
    if decision.from_stage == first:
        await candidate_store.begin_application(tx, requisition.id, person_id, first)
    moved = await candidate_store.move(
        tx, requisition.id, person_id, decision.from_stage, decision.to_stage
    )
    if moved is None:
        if not await candidate_store.standings(tx, requisition.id, first, [person_id]):
            raise NotFound()
        raise CandidateMovedAlready()
    return moved
