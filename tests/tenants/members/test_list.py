"""The list's statements: pages that fit together, plans that use an index under the walls, and a
fold that the database and Python share."""

from uuid import UUID

import asyncpg
import pytest

from passerelle.kernel.database import STANDING_TENANT, Database, bound_statement
from passerelle.kernel.identifiers import new_id
from passerelle.skills.folding import folded
from tenants.members import directory, list_store, units
from tenants.members.directory import Query
from tests.tenants.members.conftest import House, actor_of, make_house
from tests.tenants.members.crowd import FIRST, LAST, crowd


@pytest.fixture(scope="module")
async def many(database: Database, superuser: asyncpg.Connection) -> House:
    house = await make_house(database, f"many-{new_id().hex[-8:]}")
    await crowd(superuser, house.tenant_id, 6000, list(house.units.values()))
    return house


@pytest.mark.parametrize("given", [{}, {"sort": "newest"}, {"q": "kha"}, {"role": "recruiter"}])
async def test_the_pages_hold_everyone_once(
    database: Database, many: House, given: dict[str, str]
) -> None:
    read = database.tenant_reader(many.tenant_id, await actor_of(database, many, "admin"))
    tree, query = await units.tree(read), Query.of(given)
    everyone = [row.person_id async for row in directory.every(read, query)]
    assert len(everyone) == len(set(everyone)) > 100
    paged: list[UUID] = []
    after: UUID | None = None
    for _ in range(4):
        page = await directory.page(read, query, after, tree)
        paged += [row.person_id for row in page.rows]
        after = page.next_after
        if after is None:
            break
    assert paged == everyone[: len(paged)]


@pytest.mark.parametrize(
    ("statement", "arguments", "index"),
    [
        ("MEMBERS_BY_NAME", ["", UUID(int=0), 51], "member_by_name"),
        ("FEW_NAMED", None, "member_word_pkey"),
        ("FEW_HOLDERS", None, "member_role_holders"),
    ],
)
async def test_under_the_walls_an_index_serves_the_list(
    database: Database, many: House, statement: str, arguments: list[object] | None, index: str
) -> None:
    sql = bound_statement(getattr(list_store, statement), STANDING_TENANT)
    given = {
        "FEW_NAMED": [many.tenant_id, "kha", "kha\U0010ffff", 5001],
        "FEW_HOLDERS": [many.tenant_id, "recruiter", 5001],
    }.get(statement) or [
        many.tenant_id,
        *list_store._filters(list_store.Wanted()),
        *(arguments or []),
    ]
    async with database.pool("web_tenant").acquire() as connection, connection.transaction():
        await connection.execute("set local plan_cache_mode = force_generic_plan")
        plan = await connection.fetch(f"explain {sql}", *given)
    assert index in "\n".join(row[0] for row in plan)


async def test_the_database_folds_as_the_search_does(superuser: asyncpg.Connection) -> None:
    names = ["ŒUVRE d’Ælfric", "أَحْمَد بْنُ مُوسَى", "  Jean-Luc   O'Neil ", "ß", "Ǆ", "x_y"]
    for text in [*FIRST, *LAST, *names]:
        assert await superuser.fetchval("select app.folded($1)", text) == folded(text), text


@pytest.mark.parametrize("text", ["%", "_", "'; drop table member", "\U0010ffff", "a" * 300, "٠"])
async def test_any_text_may_be_searched_for(database: Database, many: House, text: str) -> None:
    read = database.tenant_reader(many.tenant_id, await actor_of(database, many, "admin"))
    page = await directory.page(read, Query.of({"q": text}), None, await units.tree(read))
    assert len(page.rows) <= 50
