"""The statements of whoever builds a path. Each creates, or brings up to date by code."""

from uuid import UUID

from passerelle.academy.model import StudyText
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.language import Localised

SAVE_PATH = """
insert into path (tenant_id, code, name, summary) values ($1, $2, $3, $4)
on conflict (tenant_id, code) do update set name = excluded.name, summary = excluded.summary
returning id
"""


async def save_path(tx: TenantTransaction, code: str, name: Localised, summary: Localised) -> UUID:
    path_id: UUID = await tx.fetch_value(SAVE_PATH, tx.tenant_id, code, name, summary)
    return path_id


SAVE_LEVEL = """
insert into level (tenant_id, path_id, position, code, name, summary, achievement_id, form_id)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (tenant_id, code) do update
set path_id = excluded.path_id, position = excluded.position, name = excluded.name,
    summary = excluded.summary, achievement_id = excluded.achievement_id,
    form_id = excluded.form_id
returning id
"""


async def save_level(
    tx: TenantTransaction,
    path_id: UUID,
    position: int,
    code: str,
    name: Localised,
    summary: Localised,
    achievement_id: UUID | None,
    form_id: UUID | None,
) -> UUID:
    level_id: UUID = await tx.fetch_value(
        SAVE_LEVEL, tx.tenant_id, path_id, position, code, name, summary, achievement_id, form_id
    )
    return level_id


SAVE_MODULE = """
insert into module (tenant_id, level_id, position, code, title, summary, minutes)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, code) do update
set level_id = excluded.level_id, position = excluded.position, title = excluded.title,
    summary = excluded.summary, minutes = excluded.minutes
returning id
"""


async def save_module(
    tx: TenantTransaction,
    level_id: UUID,
    position: int,
    code: str,
    title: Localised,
    summary: Localised,
    minutes: int,
) -> UUID:
    module_id: UUID = await tx.fetch_value(
        SAVE_MODULE, tx.tenant_id, level_id, position, code, title, summary, minutes
    )
    return module_id


SAVE_STUDY_ITEM = """
insert into study_item
  (tenant_id, module_id, position, code, skill_id, stem, options, key, rationale)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (tenant_id, code) do update
set module_id = excluded.module_id, position = excluded.position, skill_id = excluded.skill_id,
    stem = excluded.stem, options = excluded.options, key = excluded.key,
    rationale = excluded.rationale
"""


async def save_study_item(
    tx: TenantTransaction, module_id: UUID, position: int, item: StudyText
) -> None:
    await tx.execute(
        SAVE_STUDY_ITEM,
        tx.tenant_id,
        module_id,
        position,
        item.code,
        item.skill_id,
        item.stem,
        item.options,
        item.key,
        item.rationale,
    )
