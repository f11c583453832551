"""Enrolment, study, and where a learner stands on a path."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from passerelle.academy import store
from passerelle.academy.model import (
    Level,
    LevelState,
    Module,
    NextStep,
    Path,
    Progress,
    SkillProgress,
    StudyItem,
    answered,
    level_states,
    next_step,
)
from passerelle.exams import service as exams
from passerelle.exams.model import Stand
from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.errors import Invalid, NotFound
from passerelle.kernel.language import N_


class UnknownPath(NotFound):
    """No path of this organisation has that code."""

    title = N_("This path does not exist here")
    mend = N_("Ask whoever runs your training which path you are to follow.")


class ChoiceInvalid(Invalid):
    title = N_("This answer is not one of the choices")
    mend = N_("Choose one of the letters shown.")


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """A learner before one path: levels, the next step, the study of the current level's skills."""

    path: Path
    levels: list[Level]
    states: list[LevelState]
    modules: list[Module]
    stands: dict[UUID, Stand]
    next_step: NextStep
    current: Level
    skills: list[SkillProgress]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question of a module and how the person stands with it."""

    item: StudyItem
    progress: Progress


async def enrol(tx: TenantTransaction, person_id: UUID, path_code: str) -> Path:
    """Enrols a member on a path; again, nothing changes. Raises UnknownPath."""
    path = await store.path_by_code(tx, path_code)
    if path is None:
        raise UnknownPath()
    await store.enrol(tx, person_id, path.id)
    return path


async def enrol_by_link(tx: TenantTransaction, person_id: UUID, code: str) -> Path:
    """Enrols a member on the path that a link in a course names, by a level's code or its own.

    Raises UnknownPath.
    """
    path = await store.path_of_level(tx, code) or await store.path_by_code(tx, code)
    if path is None:
        raise UnknownPath(code)
    await store.enrol(tx, person_id, path.id)
    return path


async def overview(read: TenantRead, person_id: UUID, path: Path) -> Overview:
    """Where the person stands. Raises NotFound for a path that has no level."""
    levels = await store.levels(read, path.id)
    if not levels:
        raise NotFound()
    modules = await store.modules(read, path.id, person_id)
    stands = await _stands(read, person_id, levels)
    states = level_states(levels, {form for form, one in stands.items() if one.passed})
    current = levels[states.index("here")] if "here" in states else levels[-1]
    shown = _shown_level(levels, states)
    proven = states[levels.index(shown)] == "done"
    skills = await store.skills_of_level(read, shown.id, person_id)
    return Overview(
        path=path,
        levels=levels,
        states=states,
        modules=modules,
        stands=stands,
        next_step=next_step(levels, modules, stands),
        current=current,
        skills=[msgspec.structs.replace(one, proven=proven) for one in skills],
    )


def _shown_level(levels: list[Level], states: list[LevelState]) -> Level:
    """The level whose skills the person works on: the current one, or, where that isn't open yet,
    the last one done."""
    open_levels = [
        level
        for level, state in zip(levels, states, strict=True)
        if level.form_id is not None and state != "ahead"
    ]
    return open_levels[-1] if open_levels else levels[0]


async def _stands(read: TenantRead, person_id: UUID, levels: list[Level]) -> dict[UUID, Stand]:
    """Where the person stands with each open level's exam, by its form."""
    forms = [level.form_id for level in levels if level.form_id is not None]
    return {form_id: await exams.stand(read, person_id, form_id) for form_id in forms}


async def module(read: TenantRead, code: str) -> Module:
    """Raises NotFound."""
    found = await store.module_by_code(read, code)
    if found is None:
        raise NotFound()
    return found


async def question(read: TenantRead, person_id: UUID, module_id: UUID, item_id: UUID) -> Question:
    """Raises NotFound."""
    item = await store.study_item(read, module_id, item_id)
    if item is None:
        raise NotFound()
    every = await store.progress(read, module_id, person_id)
    return Question(item=item, progress=next(one for one in every if one.item_id == item_id))


async def answer(
    tx: TenantTransaction, person_id: UUID, module_id: UUID, item_id: UUID, choice: int, times: int
) -> Progress:
    """Takes one answer to one question and says when it comes again.

    `times` is how often the question had been answered when it was shown: the same round sent twice
    counts once. Raises NotFound, ChoiceInvalid.
    """
    asked = await question(tx, person_id, module_id, item_id)
    if not 0 <= choice < len(asked.item.options):
        raise ChoiceInvalid()
    if asked.progress.times != times:
        return asked.progress
    after = answered(asked.progress, choice, asked.item.key, datetime.now(UTC))
    if not await store.save_progress(tx, person_id, after):
        return (await question(tx, person_id, module_id, item_id)).progress
    return after
