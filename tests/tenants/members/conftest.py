"""An organisation with units, an owner, an administrator, a unit's manager, and learners."""

from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from tenants import store as tenant_store
from tenants.access.sessions import COOKIE, tenant_actor
from tenants.model import Tenant
from tenants.service import admit, create_tenant, tenant_by_slug
from tests.browser import browser as browser

SYSTEM = actors.system("tests")
INSERT_UNIT = """
insert into unit (tenant_id, id, parent_id, code, name, folded) values ($1, $2, $3, $4, $5, $4)
"""
ROOT_UNIT = "select id from unit where tenant_id = $1 and parent_id is null"


class House(msgspec.Struct):
    """`health` lies below `north`; `manager` manages members of `north`; `amina` stands in
    `health`, `bilal` in `south`."""

    tenant: Tenant
    units: dict[str, UUID]
    people: dict[str, UUID]

    @property
    def slug(self) -> str:
        return self.tenant.slug

    @property
    def tenant_id(self) -> UUID:
        return self.tenant.id


async def add_unit(
    database: Database, tenant_id: UUID, code: str, name: str, parent: UUID | None
) -> UUID:
    unit_id = new_id()
    async with database.tenant(tenant_id, SYSTEM) as tx:
        parent = parent or await tx.fetch_value(ROOT_UNIT, tenant_id)
        if parent is None:
            parent = new_id()
            root = Localised("Everything", "Tout", "الكل")
            await tx.execute(INSERT_UNIT, tenant_id, parent, None, "root", root)
        await tx.execute(INSERT_UNIT, tenant_id, unit_id, parent, code, Localised(name, name, name))
    return unit_id


async def add_member(
    database: Database,
    tenant_id: UUID,
    name: str,
    roles: list[str],
    *,
    unit: UUID | None = None,
    within: UUID | None = None,
    email: str | None = None,
) -> UUID:
    """A member, in a unit, whose roles count everywhere or within a unit."""
    person_id = new_id()
    async with database.person(person_id, SYSTEM) as tx:
        await tx.execute(
            "insert into person (person_id, display_name) values ($1, $2)", person_id, name
        )
    async with database.tenant(tenant_id, SYSTEM) as tx:
        email = email or f"{name.split()[0].lower()}-{person_id.hex[-6:]}@example.org"
        await admit(tx, person_id, name, email, "en", roles if within is None else [])
        await tx.execute(
            "update member set unit_id = $3 where tenant_id = $1 and person_id = $2",
            tenant_id,
            person_id,
            unit,
        )
        for role in roles if within is not None else []:
            await tx.execute(
                "insert into member_role (tenant_id, person_id, role, unit_id)"
                " values ($1, $2, $3, $4)",
                tenant_id,
                person_id,
                role,
                within,
            )
    return person_id


async def make_house(database: Database, slug: str) -> House:
    name = Localised("Regional administration", "Administration régionale", "الإدارة الجهوية")
    tenant_id = await create_tenant(database, slug, name, "en", listed=False)
    north = await add_unit(database, tenant_id, "north", "North", None)
    south = await add_unit(database, tenant_id, "south", "South", None)
    health = await add_unit(database, tenant_id, "health", "Health", north)
    add = add_member
    people = {
        "owner": await add(database, tenant_id, "Olivia Owner", ["owner"]),
        "admin": await add(database, tenant_id, "Adil Admin", ["tenant_admin"]),
        "trainer": await add(database, tenant_id, "Tariq Trainer", ["learning_manager"]),
        "assessor": await add(database, tenant_id, "Asma Assessor", ["assessor"]),
        "manager": await add(
            database, tenant_id, "Mouna Manager", ["tenant_admin"], unit=north, within=north
        ),
        "amina": await add(database, tenant_id, "Amina Élan-Benaïssa", ["learner"], unit=health),
        "bilal": await add(database, tenant_id, "Bilal Batis", ["learner"], unit=south),
    }
    units = {"north": north, "south": south, "health": health}
    return House(await tenant_by_slug(database, slug), units, people)


@pytest.fixture
async def house(database: Database) -> House:
    return await make_house(database, f"house-{new_id().hex[-8:]}")


async def actor_of(database: Database, house: House, who: str) -> Actor:
    """The actor that a sign-in gives this member."""
    person_id = house.people[who]
    read = database.tenant_reader(house.tenant_id, SYSTEM)
    member = await tenant_store.member(read, person_id)
    assert member is not None
    return tenant_actor(house.tenant, member, "keycloak", {"sid": "s"}, None)


async def enter(
    client: httpx.AsyncClient, app: Litestar, database: Database, house: House, who: str
) -> Actor:
    """Gives the client this member's session, by the real session store."""
    actor = await actor_of(database, house, who)
    header = await app.state.sessions.open(actor)
    token = header.split(";", 1)[0].split("=", 1)[1]
    client.cookies.set(COOKIE, token, domain="localhost.local", path=f"/t/{house.slug}")
    return actor


async def events(superuser: asyncpg.Connection, house: House, name: str) -> list[asyncpg.Record]:
    found: list[asyncpg.Record] = await superuser.fetch(
        "select * from tenant_event where tenant_id = $1 and name = $2 order by id",
        house.tenant_id,
        name,
    )
    return found
