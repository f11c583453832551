"""Building a path: levels, modules and study items, each created or brought up to date by code."""

from uuid import UUID

import msgspec

from passerelle.academy import authoring_store as store
from passerelle.academy.model import ITEMS_LIMIT, LEVELS_LIMIT, MODULES_LIMIT, StudyText
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import LOCALES, N_, Localised


class PathInvalid(Invalid):
    """A path that can't be published; `errors` says what is wrong, by code."""

    title = N_("This path can't be used")
    mend = N_("Mend what is listed and send it again.")


class NewModule(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    title: Localised
    summary: Localised
    minutes: int
    items: list[StudyText]


class NewLevel(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    name: Localised
    summary: Localised
    achievement_id: UUID | None = None
    form_id: UUID | None = None
    modules: list[NewModule] = []


class NewPath(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    name: Localised
    summary: Localised
    levels: list[NewLevel]


async def define_path(tx: TenantTransaction, new: NewPath) -> UUID:
    """Creates a path with all that is in it, or brings it up to date; returns its id.

    What is no longer named stays: learners' progress hangs on it. Raises PathInvalid.
    """
    errors = _flaws(new)
    if errors:
        raise PathInvalid(new.code, errors=errors)
    path_id = await store.save_path(tx, new.code, new.name, new.summary)
    for place, level in enumerate(new.levels, 1):
        level_id = await store.save_level(
            tx,
            path_id,
            place,
            level.code,
            level.name,
            level.summary,
            level.achievement_id,
            level.form_id,
        )
        for module_place, module in enumerate(level.modules, 1):
            await _define_module(tx, level_id, module_place, module)
    return path_id


async def _define_module(
    tx: TenantTransaction, level_id: UUID, position: int, module: NewModule
) -> None:
    module_id = await store.save_module(
        tx, level_id, position, module.code, module.title, module.summary, module.minutes
    )
    for place, item in enumerate(module.items, 1):
        await store.save_study_item(tx, module_id, place, item)


def _flaws(new: NewPath) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not 1 <= len(new.levels) <= LEVELS_LIMIT:
        errors[new.code] = f"a path has 1 to {LEVELS_LIMIT} levels"
    for level in new.levels:
        if len(level.modules) > MODULES_LIMIT:
            errors[level.code] = f"a level has at most {MODULES_LIMIT} modules"
        for module in level.modules:
            if len(module.items) > ITEMS_LIMIT:
                errors[module.code] = f"a module has at most {ITEMS_LIMIT} questions"
            for item in module.items:
                if flaw := _item_flaw(item):
                    errors[item.code] = flaw
    return errors


def _item_flaw(item: StudyText) -> str | None:
    texts = [item.stem, item.rationale, *item.options]
    if not all(text.in_(locale).strip() for text in texts for locale in LOCALES):
        return "a text is missing in one of the languages"
    if item.key >= len(item.options):
        return "the key is not one of the options"
    return None
