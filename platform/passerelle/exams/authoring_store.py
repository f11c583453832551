"""The statements of whoever builds an exam, as the database role `live_exam`."""

from uuid import UUID

import msgspec

from passerelle.exams.model import ItemText
from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.language import Localised


class FormRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a form, as its author gives them."""

    code: str
    title: Localised
    achievement_id: UUID
    cut_score: int
    time_limit_minutes: int
    attempts_allowed: int


class HeldForm(msgspec.Struct, frozen=True, kw_only=True):
    """A form as it stands, its items in order, and whether anyone sat it."""

    id: UUID
    rules: FormRules
    items: list[UUID]
    sat: bool


SAVE_BANK = """
insert into item_bank (tenant_id, code, name) values ($1, $2, $3)
on conflict (tenant_id, code) do update set name = excluded.name
returning id
"""


async def save_bank(tx: TenantTransaction, code: str, name: Localised) -> UUID:
    bank_id: UUID = await tx.fetch_value(SAVE_BANK, tx.tenant_id, code, name)
    return bank_id


SAVE_ITEM = """
insert into exam_item (tenant_id, bank_id, code, skill_id, stem, options, key)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, code) do update
set skill_id = excluded.skill_id, stem = excluded.stem, options = excluded.options,
    key = excluded.key
where not exists (
  select from form_item
  join attempt on (attempt.tenant_id, attempt.form_id) = (form_item.tenant_id, form_item.form_id)
  where form_item.tenant_id = exam_item.tenant_id and form_item.item_id = exam_item.id
)
"""


async def save_item(tx: TenantTransaction, bank_id: UUID, item: ItemText) -> None:
    """Creates an item, or rewords one; an item that stood in anyone's attempt stays as it was."""
    await tx.execute(
        SAVE_ITEM,
        tx.tenant_id,
        bank_id,
        item.code,
        item.skill_id,
        item.stem,
        item.options,
        item.key,
    )


ITEM_ID = """
select id from exam_item where tenant_id = $1 and code = $2
"""


async def item_id(read: TenantRead, code: str) -> UUID:
    found: UUID = await read.fetch_value(ITEM_ID, read.tenant_id, code)
    return found


HELD_FORM = """
select form.id,
       jsonb_build_object(
         'code', form.code, 'title', form.title, 'achievement_id', form.achievement_id,
         'cut_score', form.cut_score, 'time_limit_minutes', form.time_limit_minutes,
         'attempts_allowed', form.attempts_allowed) as rules,
       array(select item_id from form_item
             where form_item.tenant_id = form.tenant_id and form_item.form_id = form.id
             order by position) as items,
       exists (select from attempt
               where attempt.tenant_id = form.tenant_id and attempt.form_id = form.id) as sat
from exam_form as form where form.tenant_id = $1 and form.code = $2
"""


async def held_form(read: TenantRead, code: str) -> HeldForm | None:
    return await read.fetch_one(HeldForm, HELD_FORM, read.tenant_id, code)


SAVE_FORM = """
insert into exam_form (tenant_id, code, title, achievement_id, cut_score, time_limit_minutes,
                       attempts_allowed)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, code) do update
set title = excluded.title, achievement_id = excluded.achievement_id,
    cut_score = excluded.cut_score, time_limit_minutes = excluded.time_limit_minutes,
    attempts_allowed = excluded.attempts_allowed
returning id
"""


async def save_form(tx: TenantTransaction, rules: FormRules) -> UUID:
    form_id: UUID = await tx.fetch_value(
        SAVE_FORM,
        tx.tenant_id,
        rules.code,
        rules.title,
        rules.achievement_id,
        rules.cut_score,
        rules.time_limit_minutes,
        rules.attempts_allowed,
    )
    return form_id


CLEAR_FORM = """
delete from form_item where tenant_id = $1 and form_id = $2
"""


async def clear_form(tx: TenantTransaction, form_id: UUID) -> None:
    await tx.execute(CLEAR_FORM, tx.tenant_id, form_id)


PLACE_ITEM = """
insert into form_item (tenant_id, form_id, position, item_id) values ($1, $2, $3, $4)
"""


async def place_items(tx: TenantTransaction, form_id: UUID, items: list[UUID]) -> None:
    """Gives the form its items, in this order."""
    rows = [(tx.tenant_id, form_id, place, item) for place, item in enumerate(items, 1)]
    await tx.execute_many(PLACE_ITEM, rows)
