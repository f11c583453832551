"""Paths, levels and modules; study items; and the pure rules: what comes next, what comes again."""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from passerelle.exams.model import Stand
from passerelle.kernel import personal_data
from passerelle.kernel.language import Localised

LEVELS_LIMIT: Final = 20
MODULES_LIMIT: Final = 50
ITEMS_LIMIT: Final = 500
OPTIONS_LIMIT: Final = 8
LETTERS: Final = "ABCDEFGH"

#: After so many right answers in a row, a question comes again after so many days. A wrong answer
#: starts over, and brings the question back as soon as another one was answered.
DAYS_UNTIL_AGAIN: Final = (0, 1, 3, 7, 21)

#: A skill counts as close when this share of its questions was answered right at the last try.
CLOSE_SHARE: Final = 0.6

LevelState = Literal["done", "here", "ahead"]
Standing = Literal["proven", "close", "begun", "ahead"]


class Path(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    code: str
    name: Localised
    summary: Localised


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A level; without a form it is announced, and not yet open."""

    id: UUID
    path_id: UUID
    position: int
    code: str
    name: Localised
    summary: Localised
    achievement_id: UUID | None = None
    form_id: UUID | None = None
    form_code: str | None = None


class Module(msgspec.Struct, frozen=True, kw_only=True):
    """A module with how far a person is: `right` of `items` answered right at some time."""

    id: UUID
    level_id: UUID
    code: str
    title: Localised
    summary: Localised
    minutes: int
    items: int = 0
    answered: int = 0
    right: int = 0
    due: int = 0

    @property
    def done(self) -> bool:
        return self.items > 0 and self.right == self.items


class StudyText(msgspec.Struct, frozen=True, kw_only=True):
    """A study item as its author writes it. `key` is the place of the right option, from 0."""

    code: str
    skill_id: UUID
    stem: Localised
    options: Annotated[list[Localised], Meta(min_length=2, max_length=OPTIONS_LIMIT)]
    key: Annotated[int, Meta(ge=0)]
    rationale: Localised


class StudyItem(StudyText, frozen=True, kw_only=True):
    id: UUID
    position: int


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How a person stands with one question; all zero before the first answer."""

    item_id: UUID
    position: int
    times: int = 0
    times_right: int = 0
    streak: int = 0
    last_choice: int | None = None
    answered_at: datetime | None = None
    due_at: datetime | None = None

    @property
    def last_right(self) -> bool:
        return self.streak > 0


class SkillProgress(msgspec.Struct, frozen=True, kw_only=True):
    """The study of one skill: questions right at the last answer, of how many."""

    skill_id: UUID
    right: int
    answered: int
    total: int
    proven: bool

    @property
    def share(self) -> float:
        return 1.0 if self.proven else self.right / self.total

    @property
    def standing(self) -> Standing:
        if self.proven:
            return "proven"
        if self.answered == 0:
            return "ahead"
        return "close" if self.right >= CLOSE_SHARE * self.total else "begun"


class NextStep(msgspec.Struct, frozen=True, kw_only=True):
    """The one thing to do next on a path."""

    kind: Literal["study", "exam", "continue-exam", "ask", "wait", "done"]
    level: Level | None = None
    module: Module | None = None


def option_order(person_id: UUID, item_id: UUID, times: int, options: int) -> list[int]:
    """The order in which a question's options are shown: another at each round, so that it is the
    answer that is learned and not its place."""
    seed = person_id.bytes + item_id.bytes + times.to_bytes(4, "big")
    return sorted(range(options), key=lambda place: hashlib.sha256(seed + bytes([place])).digest())


def answered(progress: Progress, choice: int, key: int, now: datetime) -> Progress:
    """The progress after one more answer."""
    right = choice == key
    streak = progress.streak + 1 if right else 0
    days = DAYS_UNTIL_AGAIN[min(streak, len(DAYS_UNTIL_AGAIN) - 1)]
    return msgspec.structs.replace(
        progress,
        times=progress.times + 1,
        times_right=progress.times_right + right,
        streak=streak,
        last_choice=choice,
        answered_at=now,
        due_at=now + timedelta(days=days),
    )


def next_question(
    items: list[Progress], now: datetime, after: UUID | None = None
) -> Progress | None:
    """The question to ask: wrong ones first, then new ones, then those due again.

    The one just answered (`after`) waits for another to come between, where there is another.
    """
    asked = [one for one in items if one.times > 0]
    wrong = sorted((one for one in asked if not one.last_right), key=_answered_at)
    new = sorted((one for one in items if one.times == 0), key=lambda one: one.position)
    again = [one for one in asked if one.last_right and one.due_at and one.due_at <= now]
    queue = [*wrong, *new, *sorted(again, key=_answered_at)]
    return next((one for one in queue if one.item_id != after), queue[0] if queue else None)


def _answered_at(progress: Progress) -> datetime:
    if progress.answered_at is None:
        raise ValueError("this question was never answered")
    return progress.answered_at


def level_states(levels: list[Level], passed_forms: set[UUID]) -> list[LevelState]:
    """Done where its exam is passed; the first that isn't is where the person stands."""
    states: list[LevelState] = []
    for level in levels:
        if level.form_id in passed_forms:
            states.append("done")
        else:
            states.append("ahead" if "here" in states else "here")
    return states


def next_step(levels: list[Level], modules: list[Module], stands: dict[UUID, Stand]) -> NextStep:
    """What to do next: an exam that runs, what isn't studied yet, the exam, or nothing more."""
    for level in levels:
        if level.form_id is None:
            return NextStep(kind="wait", level=level)
        stand = stands[level.form_id]
        if stand.passed:
            continue
        if stand.open:
            return NextStep(kind="continue-exam", level=level)
        for module in modules:
            if module.level_id == level.id and not module.done:
                return NextStep(kind="study", level=level, module=module)
        kind: Literal["exam", "ask"] = "exam" if stand.attempts_left > 0 else "ask"
        return NextStep(kind=kind, level=level)
    return NextStep(kind="done")


personal_data.register(
    personal_data.PersonalTable(
        table="enrolment",
        owner="tenant",
        purpose=Localised(
            en="The paths you follow, and since when",
            fr="Les parcours que vous suivez, et depuis quand",
            ar="المسارات التي تتابعها ومنذ متى",
        ),
        columns=("path_id", "enrolled_at"),
    ),
    personal_data.PersonalTable(
        table="study_progress",
        owner="tenant",
        purpose=Localised(
            en="Which study questions you answered right, and when they come again",
            fr="Les questions d’étude réussies, et quand elles reviennent",
            ar="أسئلة الدراسة التي أصبت فيها ومتى تعود",
        ),
        columns=("times", "times_right", "streak", "last_choice", "answered_at"),
        retention=personal_data.Retention(column="answered_at", days=730),
    ),
)
