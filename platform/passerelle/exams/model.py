"""What an exam is made of, and its pure rules: the order of options, letters, the score."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from passerelle.kernel import personal_data
from passerelle.kernel.language import Localised

LETTERS: Final = "ABCDEFGH"
Letter = Literal["A", "B", "C", "D", "E", "F", "G", "H"]
EndedBy = Literal["person", "time"]

OPTIONS_LIMIT: Final = len(LETTERS)
ITEMS_PER_FORM_LIMIT: Final = 200
ATTEMPTS_LIMIT: Final = 10
TIME_LIMIT_MINUTES: Final = 600
TEXT_LENGTH_LIMIT: Final = 2_000
REVISION_LIMIT: Final = 1_000_000

#: A skill counts as strong where at least this share of its items was answered right.
STRONG_SHARE: Final = 2 / 3


class ItemText(msgspec.Struct, frozen=True, kw_only=True):
    """An item as its author writes it. `key` is the place of the right option, from 0."""

    code: str
    skill_id: UUID
    stem: Localised
    options: list[Localised]
    key: int


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form of an exam: its rules, not its items."""

    id: UUID
    code: str
    title: Localised
    achievement_id: UUID
    cut_score: int
    time_limit_minutes: int
    attempts_allowed: int
    items: int


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One sitting of a form by one person. `now` is the database's clock at reading."""

    id: UUID
    person_id: UUID
    form_id: UUID
    number: int
    started_at: datetime
    deadline_at: datetime
    now: datetime
    finished_at: datetime | None = None
    ended_by: EndedBy | None = None
    score_given: int | None = None
    score_maximum: int | None = None
    passed: bool | None = None

    @property
    def overdue(self) -> bool:
        return self.finished_at is None and self.now >= self.deadline_at

    @property
    def open(self) -> bool:
        return self.finished_at is None and self.now < self.deadline_at

    @property
    def minutes_left(self) -> int:
        """Whole minutes, rounded up: 1 while a second is left."""
        seconds = (self.deadline_at - self.now).total_seconds()
        return max(0, -int(-seconds // 60))


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """Where a person stands with one form."""

    form: Form
    open: bool
    passed: bool
    attempts_left: int


class Presented(msgspec.Struct, frozen=True, kw_only=True):
    """An item as the person sees it: never with its key. Options in their author's order."""

    item_id: UUID
    position: int
    stem: Localised
    options: list[Localised]
    choice: int | None = None
    later: bool = False
    revision: int = 0
    saved_at: datetime | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a question of an attempt stands: answered, to be looked at again, or untouched."""

    position: int
    answered: bool
    later: bool


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the browser sends: the letter shown, and the revision that orders its sendings.

    Without a revision (a plain form) the server takes the one after the last it holds.
    """

    letter: Letter | None
    later: bool = False
    revision: Annotated[int, Meta(ge=1, le=REVISION_LIMIT)] | None = None


class SavedAnswer(msgspec.Struct, frozen=True):
    """What the server holds now. `accepted` is false where it keeps a newer answer."""

    letter: str | None
    later: bool
    revision: int
    saved_at: datetime
    accepted: bool


class StoredAnswer(msgspec.Struct, frozen=True):
    """A response as stored: the option by its author's place."""

    choice: int | None
    later: bool
    revision: int
    saved_at: datetime


class KeyedItem(msgspec.Struct, frozen=True):
    """What scoring needs of an item and its response. Stays in this room."""

    item_id: UUID
    key: int
    choice: int | None


class Score(msgspec.Struct, frozen=True):
    given: int
    maximum: int
    passed: bool


class SkillOutcome(msgspec.Struct, frozen=True):
    """How a finished attempt went for one skill: items answered right, of how many."""

    skill_id: UUID
    right: int
    total: int

    @property
    def strong(self) -> bool:
        return self.right >= STRONG_SHARE * self.total


class ExamFinished(msgspec.Struct, frozen=True, kw_only=True):
    """Event `exam.finished`: identifiers and figures, nothing of an item."""

    attempt_id: UUID
    person_id: UUID
    form_id: UUID
    achievement_id: UUID
    score_given: int
    score_maximum: int
    passed: bool
    finished_at: datetime


class ExamPassed(msgspec.Struct, frozen=True, kw_only=True):
    """Event `exam.passed`."""

    attempt_id: UUID
    person_id: UUID
    achievement_id: UUID
    score_given: int
    score_maximum: int
    finished_at: datetime


def shown_order(attempt_id: UUID, item_id: UUID, options: int) -> list[int]:
    """The options' order in this attempt, by their author's places: the same each time it is asked,
    another in another attempt."""
    seed = attempt_id.bytes + item_id.bytes
    return sorted(range(options), key=lambda place: hashlib.sha256(seed + bytes([place])).digest())


def letter_of(order: list[int], choice: int | None) -> str | None:
    """The letter under which the option at its author's place `choice` is shown."""
    return None if choice is None else LETTERS[order.index(choice)]


def choice_of(order: list[int], letter: str | None) -> int | None:
    """The author's place of the option shown under `letter`. Raises ValueError for no such one."""
    if letter is None:
        return None
    place = LETTERS.index(letter)
    if place >= len(order):
        raise ValueError(f"{letter} is not among {len(order)} options")
    return order[place]


def score(items: list[KeyedItem], cut_score: int) -> Score:
    """Number right against the cut score; what isn't answered counts as not right."""
    given = sum(1 for item in items if item.choice is not None and item.choice == item.key)
    return Score(given=given, maximum=len(items), passed=given >= cut_score)


def flaws(item: ItemText) -> dict[str, str]:
    """What keeps an item from going live, by field; empty when nothing does."""
    found: dict[str, str] = {}
    texts: Mapping[str, list[Localised]] = {"stem": [item.stem], "options": item.options}
    for field, localised in texts.items():
        written = [text.in_(locale) for text in localised for locale in ("en", "fr", "ar")]
        if not all(0 < len(text.strip()) <= TEXT_LENGTH_LIMIT for text in written):
            found[field] = f"every text has 1 to {TEXT_LENGTH_LIMIT} characters in each language"
    if not 2 <= len(item.options) <= OPTIONS_LIMIT:
        found["options"] = f"an item has 2 to {OPTIONS_LIMIT} options"
    for locale in ("en", "fr", "ar"):
        if len({option.in_(locale).strip() for option in item.options}) < len(item.options):
            found["options"] = f"two options read the same in {locale}"
    if not 0 <= item.key < len(item.options):
        found["key"] = "the key is not one of the options"
    return found


personal_data.register(
    personal_data.PersonalTable(
        table="attempt",
        owner="tenant",
        purpose=Localised(
            en="Your attempts at exams, with time and score",
            fr="Vos tentatives aux examens, avec l’heure et le résultat",
            ar="محاولاتك في الامتحانات مع الوقت والنتيجة",
        ),
        columns=("started_at", "finished_at", "score_given", "score_maximum", "passed"),
        retention=personal_data.Retention(
            column="finished_at", days=1825, least_days=365, most_days=7300
        ),
    ),
    personal_data.PersonalTable(
        table="response",
        owner="tenant",
        through=personal_data.Through(table="attempt", column="attempt_id"),
        purpose=Localised(
            en="Your answers in exams",
            fr="Vos réponses aux examens",
            ar="أجوبتك في الامتحانات",
        ),
        columns=("choice", "later", "saved_at"),
    ),
)
