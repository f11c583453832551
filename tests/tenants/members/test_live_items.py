"""Live exam items: no session but the one that sits the exam, and no database role but live_exam,
reads a question or its key."""

import re

import asyncpg
import httpx
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from passerelle.kernel.database import Database
from tests.exams.factories import CANARY, SKILLS, make_form
from tests.tenants.members.conftest import SYSTEM, House, enter
from tests.tenants.test_access import routes

COLUMNS = ("stem", "options", "key", "*")


@pytest.fixture(scope="module")
async def skills(superuser: asyncpg.Connection) -> None:
    for skill_id in SKILLS:
        await superuser.execute(
            "insert into skill (id, uri, kind) values ($1, $2, 'skill')",
            skill_id,
            f"http://data.europa.eu/esco/skill/{skill_id}",
        )


@pytest.fixture
async def live(database: Database, house: House, skills: None) -> House:
    async with database.live_exam(house.tenant_id, SYSTEM) as tx:
        await make_form(tx)
    return house


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("role", ["web_tenant", "web_person", "web_lookup", "worker_relay"])
async def test_no_other_role_of_the_database_reads_an_items_content(
    database: Database, live: House, role: str, column: str
) -> None:
    async with database.pool(role).acquire() as connection, connection.transaction():
        await connection.execute(
            "select set_config('app.tenant', $1, true), set_config('app.person', $1, true)",
            str(live.tenant_id),
        )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"select {column} from exam_item")


@pytest.mark.parametrize(
    "statement",
    [
        "select stem from exam_item",
        "select item.key from exam_item item join form_item on form_item.item_id = item.id",
        "select to_jsonb(exam_item) from exam_item",
        "select exam_item from exam_item",
        "update exam_item set key = 0 returning stem",
        "insert into exam_item (tenant_id, bank_id, code, skill_id, stem, options, key)"
        " select tenant_id, bank_id, 'x', skill_id, stem, options, key from exam_item",
        "delete from exam_item returning key",
        "create table stolen as select stem from exam_item",
        "copy exam_item (stem) to stdout",
    ],
)
async def test_no_statement_of_the_webs_role_gets_at_a_question(
    database: Database, live: House, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(live.tenant_id, SYSTEM) as tx:
            await tx.connection.execute(statement)


async def test_the_role_for_live_exams_reads_its_own_organisation_alone(
    database: Database, live: House
) -> None:
    from tests.tenants.members.conftest import make_house

    other = await make_house(database, f"live-{live.slug[-6:]}")
    count = "select count(*) from exam_item where stem is not null"
    async with database.live_exam(live.tenant_id, SYSTEM) as tx:
        assert await tx.fetch_value(count) == 4
    async with database.live_exam(other.tenant_id, SYSTEM) as tx:
        assert await tx.fetch_value(count) == 0


def filled(path: str, live: House, items: dict[str, str]) -> str:
    path = path.replace("{slug:str}", live.slug).replace("{code:str}", "fluency")
    path = path.replace("{item_id:uuid}", items["item"]).replace("{form_id:uuid}", items["form"])
    path = re.sub(r"\{[a-z_]+:uuid\}", items["item"], path)
    return re.sub(r"\{[^:}]+:(?:str|path)\}", "fluency", re.sub(r"\{[^:}]+:int\}", "1", path))


@pytest.mark.parametrize("who", ["trainer", "admin", "owner", "manager", "assessor"])
async def test_no_route_shows_a_trainer_or_an_administrator_a_live_question(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    live: House,
    who: str,
) -> None:
    row = await superuser.fetchrow(
        "select item_id::text as item, form_id::text as form from form_item where tenant_id = $1",
        live.tenant_id,
    )
    await enter(client, app, database, live, who)
    reading: list[tuple[str, HTTPRouteHandler]] = [
        (path, handler) for path, method, handler in routes(app) if method == "GET"
    ]
    asked = 0
    for path, _ in reading:
        answer = await client.get(filled(path, live, dict(row)), headers={"accept": "text/html"})
        assert CANARY not in answer.text, path
        asked += 1
    assert asked > 40
