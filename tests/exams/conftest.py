"""The two skills that tests' items stand for."""

import asyncpg
import pytest

from tests.exams.factories import SKILLS


@pytest.fixture(scope="module", autouse=True)
async def skills(superuser: asyncpg.Connection) -> None:
    for skill_id in SKILLS:
        uri = f"http://data.europa.eu/esco/skill/{skill_id}"
        await superuser.execute(
            "insert into skill (id, uri, kind) values ($1, $2, 'skill')", skill_id, uri
        )
        for locale in ("en", "fr", "ar"):
            label = f"skill {str(skill_id)[:4]} {locale}"
            await superuser.execute(
                "insert into skill_label values ($1, $2, $3, $3)", skill_id, locale, label
            )
