"""The starter path: what the files hold, and what the seed makes of them."""

from collections import Counter

import asyncpg
import pytest

from infra.seed.ai_fluency import read_exam_items, read_path, read_study_items, seed_path
from passerelle.exams import store as exams
from passerelle.exams.model import ItemText, flaws
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.language import LOCALES
from tests.conftest import People

STUDY = "ai_fluency_1_study.toml"
EXAM = "ai_fluency_1_exam.toml"
COUNTED = (
    "path",
    "level",
    "module",
    "study_item",
    "item_bank",
    "exam_item",
    "exam_form",
    "form_item",
    "achievement",
    "achievement_skill",
)


def test_every_item_is_whole_in_the_three_languages() -> None:
    for item in [*read_exam_items(EXAM), *read_study_items(STUDY)]:
        text = ItemText(
            code=item.code,
            skill_id=item.skill,
            stem=item.stem,
            options=item.options.localised(),
            key=item.key,
        )
        assert flaws(text) == {}, item.code
        assert len(text.options) == 4, item.code
    for item in read_study_items(STUDY):
        assert all(item.rationale.in_(locale) for locale in LOCALES)


def test_no_live_item_stands_among_those_to_study_from() -> None:
    live, study = read_exam_items(EXAM), read_study_items(STUDY)
    for locale in LOCALES:
        studied = {item.stem.in_(locale) for item in study}
        assert not studied & {item.stem.in_(locale) for item in live}


@pytest.mark.parametrize("locale", LOCALES)
def test_the_longest_option_does_not_give_the_key_away(locale: str) -> None:
    for items in (read_exam_items(EXAM), read_study_items(STUDY)):
        longest = 0
        for item in items:
            options = [text.in_(locale) for text in item.options.localised()]
            longest += len(options[item.key]) == max(map(len, options))
        assert longest <= len(items) / 2


def test_keys_stand_at_every_place_about_as_often() -> None:
    for items in (read_exam_items(EXAM), read_study_items(STUDY)):
        places = Counter(item.key for item in items)
        assert {places[place] for place in range(4)} == {len(items) // 4}


def test_the_exam_measures_what_the_achievement_proves() -> None:
    level = read_path().level[0]
    assert level.achievement is not None
    proven = {skill.id for skill in level.achievement.skill}
    assert {item.skill for item in read_exam_items(EXAM)} == proven
    assert {item.skill for item in read_study_items(STUDY)} == proven


async def counts(superuser: asyncpg.Connection) -> dict[str, int]:
    return {name: await superuser.fetchval(f"select count(*) from {name}") for name in COUNTED}


async def test_seeding_again_changes_nothing(
    starter: tuple[People, People], database: Database, superuser: asyncpg.Connection
) -> None:
    before = await counts(superuser)
    assert before["exam_item"] == 2 * 8
    assert before["study_item"] == 2 * 12
    for people in starter:
        async with database.live_exam(people.tenant_id, actors.system("tests")) as tx:
            await seed_path(tx)
    assert await counts(superuser) == before


async def test_the_form_has_the_rules_that_the_criteria_promise(
    starter: tuple[People, People], database: Database
) -> None:
    people = starter[0]
    async with database.live_exam(people.tenant_id, actors.system("tests")) as tx:
        form = await exams.form_by_code(tx, "ai-fluency-1")
    assert form is not None
    rules = (form.items, form.cut_score, form.time_limit_minutes, form.attempts_allowed)
    assert rules == (8, 6, 20, 2)
