"""The starter path, "AI fluency": from the files in `content/` into a tenant's rooms.

Its live items lie in this source, so whoever reads it has seen the exam: enough to try the product,
not to certify anyone. A tenant that certifies writes its own.
"""

import tomllib
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from passerelle.academy.authoring import NewLevel, NewModule, NewPath, define_path
from passerelle.academy.model import StudyText
from passerelle.credentials import service as credentials
from passerelle.credentials.model import NewAchievement, ProvenSkill
from passerelle.exams import authoring as exams
from passerelle.exams.authoring_store import FormRules
from passerelle.exams.model import ItemText
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.language import Localised

CONTENT: Final = Path(__file__).parent / "content"
PATH_CODE: Final = "ai-fluency"


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that we don't know is a slip of the pen."""


class Options(Strict, frozen=True, kw_only=True):
    en: list[str]
    fr: list[str]
    ar: list[str]

    def localised(self) -> list[Localised]:
        return [Localised(*texts) for texts in zip(self.en, self.fr, self.ar, strict=True)]


class WrittenItem(Strict, frozen=True, kw_only=True):
    """An item as the files hold it."""

    code: str
    skill: UUID
    key: int
    stem: Localised
    options: Options


class WrittenStudyItem(WrittenItem, frozen=True, kw_only=True):
    rationale: Localised


class WrittenSkill(Strict, frozen=True, kw_only=True):
    id: UUID
    level: int


class WrittenAchievement(Strict, frozen=True, kw_only=True):
    name: Localised
    description: Localised
    criteria: Localised
    skill: list[WrittenSkill]


class WrittenModule(Strict, frozen=True, kw_only=True):
    code: str
    title: Localised
    summary: Localised
    minutes: int
    study: str


class WrittenExam(Strict, frozen=True, kw_only=True):
    code: str
    bank: str
    minutes: int
    attempts: int
    cut_score: int
    title: Localised
    items: str


class WrittenLevel(Strict, frozen=True, kw_only=True):
    code: str
    name: Localised
    summary: Localised
    achievement: WrittenAchievement | None = None
    module: list[WrittenModule] = []
    exam: WrittenExam | None = None


class WrittenPath(Strict, frozen=True, kw_only=True):
    code: str
    name: Localised
    summary: Localised


class Written(Strict, frozen=True, kw_only=True):
    path: WrittenPath
    level: list[WrittenLevel]


class WrittenExamItems(Strict, frozen=True, kw_only=True):
    item: list[WrittenItem]


class WrittenStudyItems(Strict, frozen=True, kw_only=True):
    item: list[WrittenStudyItem]


def read_path() -> Written:
    return msgspec.convert(tomllib.loads(_text("ai_fluency.toml")), Written)


def read_exam_items(name: str) -> list[WrittenItem]:
    return msgspec.convert(tomllib.loads(_text(name)), WrittenExamItems).item


def read_study_items(name: str) -> list[WrittenStudyItem]:
    return msgspec.convert(tomllib.loads(_text(name)), WrittenStudyItems).item


def _text(name: str) -> str:
    return (CONTENT / name).read_text(encoding="utf-8")


async def seed_path(tx: TenantTransaction) -> None:
    """Gives the bound tenant the path with its achievement, exam and study. Again, it changes
    nothing but what the files changed. Needs the taxonomy's skills."""
    written = read_path()
    levels = [await _level(tx, level) for level in written.level]
    path = written.path
    await define_path(
        tx, NewPath(code=path.code, name=path.name, summary=path.summary, levels=levels)
    )


async def _level(tx: TenantTransaction, level: WrittenLevel) -> NewLevel:
    achievement_id = None
    form_id = None
    if level.achievement is not None:
        achievement_id = await _achievement(tx, level.code, level.achievement)
        if level.exam is not None:
            form_id = await _exam(tx, level.exam, achievement_id)
    return NewLevel(
        code=level.code,
        name=level.name,
        summary=level.summary,
        achievement_id=achievement_id,
        form_id=form_id,
        modules=[_module(module) for module in level.module],
    )


async def _achievement(tx: TenantTransaction, code: str, written: WrittenAchievement) -> UUID:
    return await credentials.save_achievement(
        tx,
        NewAchievement(
            code=code,
            name=written.name,
            description=written.description,
            criteria=written.criteria,
            skills=[ProvenSkill(skill.id, skill.level) for skill in written.skill],
        ),
    )


async def _exam(tx: TenantTransaction, exam: WrittenExam, achievement_id: UUID) -> UUID:
    bank_id = await exams.define_bank(tx, exam.bank, exam.title)
    items = [
        await exams.define_item(
            tx,
            bank_id,
            ItemText(
                code=item.code,
                skill_id=item.skill,
                stem=item.stem,
                options=item.options.localised(),
                key=item.key,
            ),
        )
        for item in read_exam_items(exam.items)
    ]
    rules = FormRules(
        code=exam.code,
        title=exam.title,
        achievement_id=achievement_id,
        cut_score=exam.cut_score,
        time_limit_minutes=exam.minutes,
        attempts_allowed=exam.attempts,
    )
    return await exams.define_form(tx, rules, items)


def _module(module: WrittenModule) -> NewModule:
    return NewModule(
        code=module.code,
        title=module.title,
        summary=module.summary,
        minutes=module.minutes,
        items=[
            StudyText(
                code=item.code,
                skill_id=item.skill,
                stem=item.stem,
                options=item.options.localised(),
                key=item.key,
                rationale=item.rationale,
            )
            for item in read_study_items(module.study)
        ],
    )
