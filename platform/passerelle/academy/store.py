"""The statements of the academy. None of them names a table of live items or responses."""

from uuid import UUID

from passerelle.academy.model import (
    Level,
    Module,
    Path,
    Progress,
    SkillProgress,
    StudyItem,
)
from passerelle.kernel.database import TenantRead, TenantTransaction

PATHS = """
select id, code, name, summary from path where tenant_id = $1 order by created_at, code
"""


async def paths(read: TenantRead) -> list[Path]:
    return await read.fetch(Path, PATHS, read.tenant_id)


PATH_BY_CODE = """
select id, code, name, summary from path where tenant_id = $1 and code = $2
"""


async def path_by_code(read: TenantRead, code: str) -> Path | None:
    return await read.fetch_one(Path, PATH_BY_CODE, read.tenant_id, code)


PATH_OF_LEVEL = """
select path.id, path.code, path.name, path.summary
from level join path on (path.tenant_id, path.id) = (level.tenant_id, level.path_id)
where level.tenant_id = $1 and level.code = $2
"""


async def path_of_level(read: TenantRead, code: str) -> Path | None:
    return await read.fetch_one(Path, PATH_OF_LEVEL, read.tenant_id, code)


ENROLLED_PATHS = """
select path.id, path.code, path.name, path.summary
from enrolment join path on (path.tenant_id, path.id) = (enrolment.tenant_id, enrolment.path_id)
where enrolment.tenant_id = $1 and enrolment.person_id = $2
order by enrolment.enrolled_at desc, path.code
"""


async def enrolled_paths(read: TenantRead, person_id: UUID) -> list[Path]:
    """The person's paths, the latest enrolment first."""
    return await read.fetch(Path, ENROLLED_PATHS, read.tenant_id, person_id)


ENROL = """
insert into enrolment (tenant_id, person_id, path_id) values ($1, $2, $3) on conflict do nothing
"""


async def enrol(tx: TenantTransaction, person_id: UUID, path_id: UUID) -> bool:
    """Whether the person was not enrolled before."""
    return await tx.execute(ENROL, tx.tenant_id, person_id, path_id) == 1


LEVELS = """
select level.id, level.path_id, level.position, level.code, level.name, level.summary,
       level.achievement_id, level.form_id, form.code as form_code
from level
left join exam_form as form on (form.tenant_id, form.id) = (level.tenant_id, level.form_id)
where level.tenant_id = $1 and level.path_id = $2
order by level.position
"""


async def levels(read: TenantRead, path_id: UUID) -> list[Level]:
    return await read.fetch(Level, LEVELS, read.tenant_id, path_id)


MODULES = """
select module.id, module.level_id, module.code, module.title, module.summary, module.minutes,
       count(item.id)::int as items, count(progress.item_id)::int as answered,
       (count(*) filter (where progress.times_right > 0))::int as "right",
       (count(*) filter (where progress.due_at <= now()))::int as due
from level
join module on (module.tenant_id, module.level_id) = (level.tenant_id, level.id)
left join study_item as item
  on (item.tenant_id, item.module_id) = (module.tenant_id, module.id)
left join study_progress as progress
  on (progress.tenant_id, progress.item_id) = (item.tenant_id, item.id)
  and progress.person_id = $3
where level.tenant_id = $1 and level.path_id = $2
group by level.position, module.tenant_id, module.id
order by level.position, module.position
"""


async def modules(read: TenantRead, path_id: UUID, person_id: UUID) -> list[Module]:
    """A path's modules, in order, with the person's progress."""
    return await read.fetch(Module, MODULES, read.tenant_id, path_id, person_id)


MODULE_BY_CODE = """
select module.id, module.level_id, module.code, module.title, module.summary, module.minutes
from module where module.tenant_id = $1 and module.code = $2
"""


async def module_by_code(read: TenantRead, code: str) -> Module | None:
    """A module without anyone's progress."""
    return await read.fetch_one(Module, MODULE_BY_CODE, read.tenant_id, code)


PROGRESS = """
select item.id as item_id, item.position, coalesce(progress.times, 0) as times,
       coalesce(progress.times_right, 0) as times_right, coalesce(progress.streak, 0) as streak,
       progress.last_choice, progress.answered_at, progress.due_at
from study_item as item
left join study_progress as progress
  on (progress.tenant_id, progress.item_id) = (item.tenant_id, item.id)
  and progress.person_id = $3
where item.tenant_id = $1 and item.module_id = $2
order by item.position
"""


async def progress(read: TenantRead, module_id: UUID, person_id: UUID) -> list[Progress]:
    """Every question of a module, with how the person stands with it."""
    return await read.fetch(Progress, PROGRESS, read.tenant_id, module_id, person_id)


STUDY_ITEM = """
select id, position, code, skill_id, stem, options, key, rationale
from study_item where tenant_id = $1 and module_id = $2 and id = $3
"""


async def study_item(read: TenantRead, module_id: UUID, item_id: UUID) -> StudyItem | None:
    return await read.fetch_one(StudyItem, STUDY_ITEM, read.tenant_id, module_id, item_id)


SAVE_PROGRESS = """
insert into study_progress
  (tenant_id, person_id, item_id, times, times_right, streak, last_choice, answered_at, due_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (tenant_id, person_id, item_id) do update
set times = excluded.times, times_right = excluded.times_right, streak = excluded.streak,
    last_choice = excluded.last_choice, answered_at = excluded.answered_at,
    due_at = excluded.due_at
where study_progress.times = excluded.times - 1
"""


async def save_progress(tx: TenantTransaction, person_id: UUID, progress: Progress) -> bool:
    """Whether it was written: an answer to a round that was answered already changes nothing."""
    written = await tx.execute(
        SAVE_PROGRESS,
        tx.tenant_id,
        person_id,
        progress.item_id,
        progress.times,
        progress.times_right,
        progress.streak,
        progress.last_choice,
        progress.answered_at,
        progress.due_at,
    )
    return written == 1


SKILLS_OF_LEVEL = """
select item.skill_id,
       (count(*) filter (where progress.streak > 0))::int as "right",
       count(progress.item_id)::int as answered, count(*)::int as total, false as proven
from module
join study_item as item on (item.tenant_id, item.module_id) = (module.tenant_id, module.id)
left join study_progress as progress
  on (progress.tenant_id, progress.item_id) = (item.tenant_id, item.id)
  and progress.person_id = $3
where module.tenant_id = $1 and module.level_id = $2
group by item.skill_id
order by min(module.position), min(item.position)
"""


async def skills_of_level(read: TenantRead, level_id: UUID, person_id: UUID) -> list[SkillProgress]:
    """How the person's study of each of a level's skills goes; `proven` is left to the caller."""
    return await read.fetch(SkillProgress, SKILLS_OF_LEVEL, read.tenant_id, level_id, person_id)
