"""Banks, items and forms for tests, through the room's own services."""

from uuid import UUID

import msgspec

from passerelle.exams import authoring
from passerelle.exams.authoring_store import FormRules
from passerelle.exams.model import ItemText
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.language import Localised

#: Stands in every text of every live item that tests make: wherever it turns up, an item leaked.
CANARY = "canary-of-a-live-item"

#: Evaluate data, information and digital content; protect personal data and privacy (ESCO).
SKILLS = [
    UUID("1d6c7de4-350e-4868-a47b-333b4b0d9650"),
    UUID("33a82b83-c838-4889-ae62-fae1317481eb"),
]

ACHIEVEMENT = """
insert into achievement (tenant_id, code, name, description, criteria)
values ($1, $2, '{"en": "A", "fr": "A", "ar": "A"}', '{"en": "A", "fr": "A", "ar": "A"}',
        '{"en": "A", "fr": "A", "ar": "A"}')
returning id
"""


def text(words: str) -> Localised:
    return Localised(en=f"{words} en", fr=f"{words} fr", ar=f"{words} ar")


def item(number: int, *, code: str = "item", key: int = 0, skill_id: UUID = SKILLS[0]) -> ItemText:
    return ItemText(
        code=f"{code}-{number}",
        skill_id=skill_id,
        stem=text(f"{CANARY} stem {number}"),
        options=[text(f"{CANARY} option {number}-{option}") for option in range(4)],
        key=key,
    )


class MadeForm(msgspec.Struct):
    """A form and its items in order; the key of every item is its first option (place 0)."""

    id: UUID
    code: str
    items: list[UUID]
    achievement_id: UUID


async def make_form(
    tx: TenantTransaction,
    *,
    code: str = "fluency",
    items: int = 4,
    cut_score: int = 3,
    minutes: int = 20,
    attempts: int = 2,
) -> MadeForm:
    bank_id = await authoring.define_bank(tx, f"{code}-bank", text("Bank"))
    made = [
        await authoring.define_item(
            tx, bank_id, item(number, code=code, skill_id=SKILLS[number % len(SKILLS)])
        )
        for number in range(items)
    ]
    achievement_id: UUID = await tx.fetch_value(ACHIEVEMENT, tx.tenant_id, f"{code}-achievement")
    rules = FormRules(
        code=code,
        title=text(f"Exam {code}"),
        achievement_id=achievement_id,
        cut_score=cut_score,
        time_limit_minutes=minutes,
        attempts_allowed=attempts,
    )
    form_id = await authoring.define_form(tx, rules, made)
    return MadeForm(form_id, code, made, achievement_id)
