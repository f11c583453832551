"""Roles that an organisation makes: what they allow, what they may not, their history."""

from collections.abc import Mapping

import asyncpg
import httpx
import pytest
from litestar import Litestar

from passerelle.kernel.database import Database
from tenants.access.permissions import CATALOGUE, SEPARATIONS, conflict
from tenants.access.roles import PERMISSIONS, ROLES
from tests.conftest import csrf_headers
from tests.tenants.members.conftest import House, enter, events


async def send(
    client: httpx.AsyncClient, house: House, path: str, data: Mapping[str, object]
) -> httpx.Response:
    return await client.post(
        f"/t/{house.slug}/members{path}", data=data, headers=await csrf_headers(client)
    )


async def make(
    client: httpx.AsyncClient, house: House, *permissions: str, name: str = "Desk"
) -> httpx.Response:
    return await send(client, house, "/role", {"name_en": name, "permissions": list(permissions)})


def test_every_permission_is_in_the_catalogue_and_no_built_in_role_breaks_a_separation() -> None:
    assert set(PERMISSIONS) == set(CATALOGUE)
    for role, permissions in ROLES.items():
        assert permissions <= CATALOGUE.keys()
        assert conflict(permissions) is None, role
    assert all({one.one, one.other} <= CATALOGUE.keys() for one in SEPARATIONS)


async def test_a_copied_role_is_changed_retired_and_restored_with_its_history(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    await enter(client, app, database, house, "owner")
    form = await client.get(f"/t/{house.slug}/members/role?copy=recruiter")
    assert "Recruiter (copy)" in form.text
    made = await make(client, house, "hiring.read", "hiring.decide")
    path = made.headers["location"].split("/members")[1].split("?")[0]
    code = path.rsplit("/", 1)[1]
    changed = await send(
        client,
        house,
        f"{path}/change",
        {"name_en": "Front desk", "permissions": ["hiring.read"], "version": "1"},
    )
    assert changed.status_code == 303
    stale = await send(
        client,
        house,
        f"{path}/change",
        {"name_en": "Older window", "permissions": ["hiring.read"], "version": "1"},
    )
    assert stale.status_code == 409
    retired = await send(client, house, f"{path}/retire", {"version": "2", "retired": "yes"})
    assert retired.status_code == 303
    shown = await client.get(f"/t/{house.slug}/members{path}")
    assert "Retired" in shown.text
    assert "taken out:" in shown.text
    given = await send(client, house, f"/{house.people['amina']}", {"kind": "grant", "role": code})
    assert given.status_code == 400
    restored = await send(client, house, f"{path}/retire", {"version": "3", "retired": "no"})
    assert restored.status_code == 303
    names = ("role.made", "role.changed", "role.retired", "role.restored")
    assert [len(await events(superuser, house, name)) for name in names] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("who", "permissions", "words"),
    [
        ("owner", ("learning.read", "items.write"), "live exams"),
        ("owner", ("learn", "items.write"), "live exams"),
        ("owner", ("tenant.own",), "Choose from the list"),
        ("owner", ("everything",), "Choose from the list"),
        ("owner", (), "at least one"),
    ],
)
async def test_a_role_that_breaks_a_rule_is_not_made(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    house: House,
    who: str,
    permissions: tuple[str, ...],
    words: str,
) -> None:
    await enter(client, app, database, house, who)
    answer = await make(client, house, *permissions)
    assert answer.status_code == 400
    assert words in answer.text


async def test_nobody_makes_a_role_with_more_authority_than_their_own(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    await enter(client, app, database, house, "owner")
    made = await make(client, house, "roles.manage", "members.read", name="Roles desk")
    code = made.headers["location"].split("/")[-1].split("?")[0]
    await superuser.execute(
        "insert into member_role (tenant_id, person_id, role) values ($1, $2, $3)",
        house.tenant_id,
        house.people["bilal"],
        code,
    )
    client.cookies.clear()
    await enter(client, app, database, house, "bilal")
    beyond = await make(client, house, "audit.read")
    assert beyond.status_code == 400
    assert "powers that you don" in beyond.text
    within = await make(client, house, "members.read", "hiring.decide")
    assert within.status_code == 303
    own = await send(
        client,
        house,
        f"/roles/{code}/change",
        {"name_en": "Roles desk", "permissions": ["roles.manage", "audit.read"], "version": "1"},
    )
    assert own.status_code == 400


async def test_a_units_manager_makes_no_role(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "manager")
    assert (await make(client, house, "members.read")).status_code == 400


async def test_a_role_does_not_grow_into_what_a_holder_may_not_hold_together(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    await enter(client, app, database, house, "owner")
    made = await make(client, house, "hiring.read")
    path = made.headers["location"].split("/members")[1].split("?")[0]
    code = path.rsplit("/", 1)[1]
    given = await send(
        client, house, f"/{house.people['trainer']}", {"kind": "grant", "role": code}
    )
    assert given.status_code == 303
    grown = await send(
        client,
        house,
        f"{path}/change",
        {"name_en": "Desk", "permissions": ["hiring.read", "items.write"], "version": "1"},
    )
    assert grown.status_code == 400
    assert "Tariq Trainer" in grown.text
    assert "items.write" not in await superuser.fetchval(
        "select permissions::text from tenant_role where code = $1", code
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name_en": "", "permissions": "learn"}, "Give the role a name"),
        ({"name_en": "x" * 81, "permissions": "learn"}, "at most 80"),
        ({"name_en": "A", "purpose": "x" * 301, "permissions": "learn"}, "at most 300"),
    ],
    ids=["no-name", "long-name", "long-purpose"],
)
async def test_what_is_typed_wrong_stays_on_screen(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    house: House,
    data: dict[str, str],
    words: str,
) -> None:
    await enter(client, app, database, house, "owner")
    answer = await send(client, house, "/role", data)
    assert answer.status_code == 400
    assert words in answer.text


async def test_built_in_roles_can_not_be_changed(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "owner")
    data = {"name_en": "Mine", "permissions": ["learn"], "version": "1", "retired": "yes"}
    for path in (
        "/roles/learner/change",
        "/roles/learner/retire",
        "/roles/own-000000000000/change",
    ):
        assert (await send(client, house, path, data)).status_code == 404
