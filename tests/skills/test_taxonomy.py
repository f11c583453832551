"""The taxonomy is loaded once, and found in three languages."""

import asyncpg
import httpx
import pytest
from litestar import Litestar

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.skills import service, store
from passerelle.skills.loading import load_taxonomy
from tests.conftest import People, sign_in
from tests.skills.factories import load_starter, skill, starter

Tenants = tuple[People, People]


@pytest.fixture(scope="module", autouse=True)
async def taxonomy(superuser: asyncpg.Connection) -> None:
    await load_starter(superuser)


async def test_loading_again_changes_nothing(superuser: asyncpg.Connection) -> None:
    (again,) = await load_taxonomy(superuser)
    assert not again.anew
    assert again.skills == len(starter().skills)
    assert await superuser.fetchval("select count(*) from skill") == again.skills
    assert await superuser.fetchval("select count(*) from occupation_skill") == again.links


@pytest.mark.parametrize(
    ("text", "locale", "found"),
    [
        ("ARTIFICIAL intel", "en", "principles of artificial intelligence"),
        ("données personnelles", "fr", None),
        ("donnees a caractere personnel", "fr", "protect personal data and privacy"),
        ("معالجه البيانات", "ar", "process data"),
        ("الذكاء الإصطناعي", "ar", "principles of artificial intelligence"),
        ("%", "en", None),
        ("a_", "en", None),
    ],
)
async def test_a_search_forgives_accents_case_and_alike_letters(
    database: Database, two_tenants: Tenants, text: str, locale: str, found: str | None
) -> None:
    reader = database.tenant_reader(two_tenants[0].tenant_id, actors.system("tests"))
    ids = [one.id for one in await service.search(reader, text, locale)]
    assert (skill(found) in ids) if found else not ids


async def test_the_skill_that_is_named_exactly_stands_first(
    database: Database, two_tenants: Tenants
) -> None:
    reader = database.tenant_reader(two_tenants[0].tenant_id, actors.system("tests"))
    found = await service.search(reader, "Database", "en")
    assert found[0].id == skill("database")


async def test_labels_come_in_the_language_asked_for(
    database: Database, two_tenants: Tenants
) -> None:
    reader = database.tenant_reader(two_tenants[0].tenant_id, actors.system("tests"))
    wanted = skill("data ethics")
    assert await store.labels(reader, [wanted], "fr") == {wanted: "éthique des données"}
    assert await store.labels(reader, [wanted], "xx") == {wanted: "data ethics"}


async def test_a_recruiter_searches_by_the_api_in_their_own_language(
    client: httpx.AsyncClient, app: Litestar, two_tenants: Tenants
) -> None:
    await sign_in(client, app, two_tenants[0], "recruiter", locale="fr")
    answer = await client.get("/t/region/api/skills", params={"text": "ethique"})
    assert answer.status_code == 200, answer.text
    assert {"id": str(skill("data ethics")), "label": "éthique des données"} in answer.json()


async def test_a_learner_may_not_search(
    client: httpx.AsyncClient, app: Litestar, two_tenants: Tenants
) -> None:
    await sign_in(client, app, two_tenants[0], "learner")
    assert (await client.get("/t/region/api/skills?text=data")).status_code == 403
