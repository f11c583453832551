"""The statements on candidates: who shares, where they stand, and what was decided.

Each asks for a live sharing in its own words, beside the policies that ask the same: whoever
withdraws is gone at the next query.
"""

from uuid import UUID

from passerelle.hiring.model import (
    CandidateProfile,
    Decided,
    StageCount,
    Standing,
    UnrankedStanding,
)
from passerelle.kernel.database import TenantRead, TenantTransaction

STAGE_COUNTS = """
with shared as (
  select distinct person_id from sharing
  where tenant_id = $1 and purpose = 'hiring' and withdrawn_at is null and until > now()
)
select coalesce(application.stage_id, $3) as stage_id, count(*)::int as people
from shared
left join application
  on application.tenant_id = $1 and application.requisition_id = $2
  and application.person_id = shared.person_id
group by 1
"""


async def stage_counts(
    read: TenantRead, requisition_id: UUID, first_stage: UUID
) -> list[StageCount]:
    return await read.fetch(StageCount, STAGE_COUNTS, read.tenant_id, requisition_id, first_stage)


STANDINGS = """
with shared as (
  select distinct person_id from sharing
  where tenant_id = $1 and purpose = 'hiring' and withdrawn_at is null and until > now()
    and person_id = any($4::uuid[])
)
select shared.person_id, stage.id as stage_id, application.id as application_id,
  case when stage.names_shown then person.display_name end as display_name
from shared
left join application
  on application.tenant_id = $1 and application.requisition_id = $2
  and application.person_id = shared.person_id
join stage on stage.tenant_id = $1 and stage.id = coalesce(application.stage_id, $3)
join person on person.person_id = shared.person_id
"""


async def standings(
    read: TenantRead, requisition_id: UUID, first_stage: UUID, person_ids: list[UUID]
) -> list[Standing]:
    """Where each of these people stands who still shares, in no order."""
    return await read.fetch(
        Standing, STANDINGS, read.tenant_id, requisition_id, first_stage, person_ids
    )


STANDINGS_BESIDES = """
with shared as (
  select person_id, min(granted_at) as granted_at from sharing
  where tenant_id = $1 and purpose = 'hiring' and withdrawn_at is null and until > now()
    and person_id <> all($5::uuid[])
  group by person_id
)
select shared.person_id, stage.id as stage_id, application.id as application_id,
  case when stage.names_shown then person.display_name end as display_name,
  (
    select count(distinct evidence.skill_id)::int from evidence
    where evidence.person_id = shared.person_id
      and (evidence.expires_at is null or evidence.expires_at > now())
  ) as evidence_count
from shared
left join application
  on application.tenant_id = $1 and application.requisition_id = $2
  and application.person_id = shared.person_id
join stage on stage.tenant_id = $1 and stage.id = coalesce(application.stage_id, $3)
join person on person.person_id = shared.person_id
where stage.id = $4
order by shared.granted_at, shared.person_id
limit $6
"""


async def standings_besides(
    read: TenantRead,
    requisition_id: UUID,
    first_stage: UUID,
    stage: UUID,
    person_ids: list[UUID],
    limit: int,
) -> list[UnrankedStanding]:
    """Who stands in `stage` and is none of these people; longest sharing first."""
    return await read.fetch(
        UnrankedStanding,
        STANDINGS_BESIDES,
        read.tenant_id,
        requisition_id,
        first_stage,
        stage,
        person_ids,
        limit,
    )


CANDIDATE_PROFILE = """
select profile.headline, profile.about, profile.locale
from profile
where profile.person_id = $2 and exists (
  select from sharing
  where sharing.tenant_id = $1 and sharing.person_id = $2 and sharing.purpose = 'hiring'
    and sharing.withdrawn_at is null and sharing.until > now()
)
"""


async def candidate_profile(read: TenantRead, person_id: UUID) -> CandidateProfile | None:
    return await read.fetch_one(CandidateProfile, CANDIDATE_PROFILE, read.tenant_id, person_id)


DECISIONS = """
select decision.id, decision.from_stage, decision.to_stage, decision.decided_by_name,
  decision.reason, decision.decided_at
from application
join decision on decision.tenant_id = $1 and decision.application_id = application.id
where application.tenant_id = $1 and application.requisition_id = $2
  and application.person_id = $3
order by decision.decided_at desc, decision.id desc
limit 100
"""


async def decisions(read: TenantRead, requisition_id: UUID, person_id: UUID) -> list[Decided]:
    """Latest first; at most 100."""
    return await read.fetch(Decided, DECISIONS, read.tenant_id, requisition_id, person_id)


BEGIN_APPLICATION = """
insert into application (tenant_id, requisition_id, person_id, pipeline_id, stage_id)
select $1, requisition.id, $3, requisition.pipeline_id, $4
from requisition
where requisition.tenant_id = $1 and requisition.id = $2 and exists (
  select from sharing
  where sharing.tenant_id = $1 and sharing.person_id = $3 and sharing.purpose = 'hiring'
    and sharing.withdrawn_at is null and sharing.until > now()
)
on conflict (tenant_id, requisition_id, person_id) do nothing
"""


async def begin_application(
    tx: TenantTransaction, requisition_id: UUID, person_id: UUID, first_stage: UUID
) -> None:
    """An application in the first stage, where there is none and the person shares."""
    await tx.execute(BEGIN_APPLICATION, tx.tenant_id, requisition_id, person_id, first_stage)


MOVE = """
update application set stage_id = $5, moved_at = now()
where tenant_id = $1 and requisition_id = $2 and person_id = $3 and stage_id = $4 and exists (
  select from sharing
  where sharing.tenant_id = $1 and sharing.person_id = $3 and sharing.purpose = 'hiring'
    and sharing.withdrawn_at is null and sharing.until > now()
)
returning id
"""


async def move(
    tx: TenantTransaction, requisition_id: UUID, person_id: UUID, from_stage: UUID, to_stage: UUID
) -> UUID | None:
    """The application moved; None where it no longer stands in `from_stage`."""
    moved: UUID | None = await tx.fetch_value(
        MOVE, tx.tenant_id, requisition_id, person_id, from_stage, to_stage
    )
    return moved


DECIDE = """
insert into decision
  (tenant_id, id, application_id, from_stage, to_stage, decided_by, decided_by_name, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def decide(
    tx: TenantTransaction,
    decision_id: UUID,
    application_id: UUID,
    from_stage: UUID,
    to_stage: UUID,
    decided_by: UUID,
    reason: str,
) -> None:
    """Writes the decision in the name of the transaction's actor."""
    await tx.execute(
        DECIDE,
        tx.tenant_id,
        decision_id,
        application_id,
        from_stage,
        to_stage,
        decided_by,
        tx.actor.display_name,
        reason,
    )
