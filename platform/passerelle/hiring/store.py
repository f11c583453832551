"""The statements on requisitions and pipelines."""

from uuid import UUID

from msgspec import Struct

from passerelle.hiring.model import (
    NewRequisition,
    NewStage,
    Pipeline,
    Requirement,
    Requisition,
    Stage,
    Status,
)
from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.language import Localised

REQUISITIONS = """
select id, number, title, unit, place, posts, closes_on, status, pipeline_id, code_key, created_at
from requisition
where tenant_id = $1
  and ($2 = '' or position($2 in folded) > 0)
  and ($3::text is null or status = $3)
  and ($4::uuid is null or id < $4)
order by id desc
limit $5
"""


async def requisitions(
    read: TenantRead, folded_text: str, status: Status | None, after: UUID | None, limit: int
) -> list[Requisition]:
    """Newest first, those before `after`; at most `limit`."""
    return await read.fetch(
        Requisition, REQUISITIONS, read.tenant_id, folded_text, status, after, limit
    )


REQUISITION = """
select id, number, title, unit, place, posts, closes_on, status, pipeline_id, code_key, created_at
from requisition
where tenant_id = $1 and id = $2
"""


async def requisition(read: TenantRead, requisition_id: UUID) -> Requisition | None:
    return await read.fetch_one(Requisition, REQUISITION, read.tenant_id, requisition_id)


REQUIREMENTS = """
select skill_id, weight, level, desired
from requirement
where tenant_id = $1 and requisition_id = $2
order by position
"""


async def requirements(read: TenantRead, requisition_id: UUID) -> list[Requirement]:
    return await read.fetch(Requirement, REQUIREMENTS, read.tenant_id, requisition_id)


STAGES = """
select id, position, name, names_shown
from stage
where tenant_id = $1 and pipeline_id = $2
order by position
"""


async def stages(read: TenantRead, pipeline_id: UUID) -> list[Stage]:
    """In the order in which candidates pass them."""
    return await read.fetch(Stage, STAGES, read.tenant_id, pipeline_id)


PIPELINES = """
select id, name from pipeline where tenant_id = $1 order by id limit 100
"""


async def pipelines(read: TenantRead) -> list[Pipeline]:
    """Oldest first; the first is the organisation's usual one."""
    return await read.fetch(Pipeline, PIPELINES, read.tenant_id)


ADD_PIPELINE = """
insert into pipeline (tenant_id, id, name) values ($1, $2, $3)
"""
ADD_STAGE = """
insert into stage (tenant_id, pipeline_id, position, name, names_shown) values ($1, $2, $3, $4, $5)
"""


async def add_pipeline(
    tx: TenantTransaction, pipeline_id: UUID, name: Localised, stages: tuple[NewStage, ...]
) -> None:
    await tx.execute(ADD_PIPELINE, tx.tenant_id, pipeline_id, name)
    await tx.execute_many(
        ADD_STAGE,
        [
            (tx.tenant_id, pipeline_id, position, stage.name, stage.names_shown)
            for position, stage in enumerate(stages, 1)
        ],
    )


NEXT_NUMBER = """
insert into requisition_counter (tenant_id, year, last_number) values ($1, $2, 1)
on conflict (tenant_id, year) do update set last_number = requisition_counter.last_number + 1
returning last_number
"""


async def next_number(tx: TenantTransaction, year: int) -> str:
    """The next free number, such as 2026-118; two transactions wait for each other."""
    number: int = await tx.fetch_value(NEXT_NUMBER, tx.tenant_id, year)
    return f"{year}-{number}"


ADD_REQUISITION = """
insert into requisition
  (tenant_id, id, number, title, folded, unit, place, posts, closes_on, pipeline_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
ADD_REQUIREMENT = """
insert into requirement (tenant_id, requisition_id, skill_id, position, weight, level, desired)
values ($1, $2, $3, $4, $5, $6, $7)
"""


class Numbered(Struct, frozen=True):
    """What a requisition gets when it is opened."""

    id: UUID
    number: str
    pipeline_id: UUID
    folded: str


async def add_requisition(tx: TenantTransaction, given: Numbered, new: NewRequisition) -> None:
    await tx.execute(
        ADD_REQUISITION,
        tx.tenant_id,
        given.id,
        given.number,
        new.title,
        given.folded,
        new.unit,
        new.place,
        new.posts,
        new.closes_on,
        given.pipeline_id,
    )
    await tx.execute_many(
        ADD_REQUIREMENT,
        [
            (tx.tenant_id, given.id, one.skill_id, position, one.weight, one.level, one.desired)
            for position, one in enumerate(new.requirements, 1)
        ],
    )


SET_STATUS = """
update requisition set status = $3 where tenant_id = $1 and id = $2 and status <> $3
"""


async def set_status(tx: TenantTransaction, requisition_id: UUID, status: Status) -> bool:
    """Whether it had another status until now."""
    return await tx.execute(SET_STATUS, tx.tenant_id, requisition_id, status) == 1


ACHIEVEMENTS_PROVING = """
select achievement_skill.skill_id, achievement.name
from achievement_skill
join achievement on achievement.tenant_id = $1 and achievement.id = achievement_skill.achievement_id
where achievement_skill.tenant_id = $1 and achievement_skill.skill_id = any($2::uuid[])
order by achievement_skill.level, achievement.code
limit 200
"""


class Proving(Struct, frozen=True):
    """An achievement that proves a skill."""

    skill_id: UUID
    name: Localised


async def achievements_proving(
    read: TenantRead, skill_ids: list[UUID]
) -> dict[UUID, list[Localised]]:
    """For each skill, the organisation's achievements that prove it, lowest level first."""
    found: dict[UUID, list[Localised]] = {}
    rows = await read.fetch(Proving, ACHIEVEMENTS_PROVING, read.tenant_id, skill_ids)
    for row in rows:
        found.setdefault(row.skill_id, []).append(row.name)
    return found
