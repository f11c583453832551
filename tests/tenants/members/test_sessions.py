"""Open sessions follow roles and standing at once; looking as someone else changes nothing."""

from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.events import LISTENERS, Event
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import Settings
from tenants.access.sessions import Sessions
from tenants.members import role_service, service, tasks
from tenants.members.model import Change, Held
from tenants.members.role_model import RoleText
from tests.conftest import csrf_headers
from tests.tenants.members.conftest import House, actor_of, add_member, enter, events

HTML = {"accept": "text/html"}


async def change(
    app: Litestar, database: Database, house: House, whom: str, wanted: Change
) -> None:
    outcome = await service.at_once(
        database,
        app.state.sessions,
        await actor_of(database, house, "owner"),
        [house.people[whom]],
        wanted,
        "A reason",
    )
    assert outcome.changed


async def status(client: httpx.AsyncClient, house: House, path: str) -> int:
    return (await client.get(f"/t/{house.slug}{path}", headers=HTML)).status_code


async def test_a_role_counts_in_open_sessions_from_the_next_request_on(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "amina")
    assert await status(client, house, "/hiring") == 403
    await change(app, database, house, "amina", Change("grant", held=Held("recruiter")))
    assert await status(client, house, "/hiring") == 200
    await change(app, database, house, "amina", Change("revoke", held=Held("recruiter")))
    assert await status(client, house, "/hiring") == 403


@pytest.mark.parametrize("kind", ["suspend", "remove"])
async def test_who_is_suspended_or_removed_is_out_at_the_next_request(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House, kind: str
) -> None:
    await enter(client, app, database, house, "amina")
    assert await status(client, house, "/learn") == 200
    await change(app, database, house, "amina", Change(kind))  # type: ignore[arg-type]
    out = await client.get(f"/t/{house.slug}/learn", headers=HTML)
    assert out.status_code == 303
    assert "/sign-in" in out.headers["location"]
    if kind == "suspend":
        await change(app, database, house, "amina", Change("reinstate"))
        assert await status(client, house, "/learn") == 303, "an ended session stays ended"


async def test_a_limit_to_a_unit_reaches_open_sessions_too(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "manager")
    person = f"/members/{house.people['bilal']}"
    assert await status(client, house, person) == 404
    south = house.units["south"]
    await change(app, database, house, "manager", Change("grant", held=Held("auditor", south)))
    assert await status(client, house, person) == 200


async def test_a_role_that_is_retired_allows_nothing_from_the_next_request_on(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "owner")
    headers = await csrf_headers(client)
    made = await client.post(
        f"/t/{house.slug}/members/role",
        data={"name_en": "Desk", "permissions": ["hiring.read"]},
        headers=headers,
    )
    assert made.status_code == 303, made.text
    code = made.headers["location"].split("/")[-1].split("?")[0]
    await change(app, database, house, "amina", Change("grant", held=Held(code)))
    client.cookies.clear()
    await enter(client, app, database, house, "amina")
    assert await status(client, house, "/hiring") == 200
    client.cookies.clear()
    await enter(client, app, database, house, "owner")
    headers = await csrf_headers(client)
    retire = f"/t/{house.slug}/members/roles/{code}/retire"
    await client.post(retire, data={"version": "1", "retired": "yes"}, headers=headers)
    client.cookies.clear()
    await enter(client, app, database, house, "amina")
    assert await status(client, house, "/hiring") == 403


async def test_every_other_way_of_changing_a_member_reaches_sessions_by_the_worker(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    valkey: Redis,
    settings: Settings,
    house: House,
) -> None:
    """The web's own step left out, as after a crash between commit and Valkey."""
    await enter(client, app, database, house, "amina")
    async with database.tenant(house.tenant_id, actors.system("tests")) as tx:
        await service.change(tx, [house.people["amina"]], Change("suspend"), "By a program")
    assert await status(client, house, "/learn") == 200
    names = {listener.event for listener in LISTENERS.values() if "follow" in listener.name}
    assert names == set(tasks.FOLLOWED)

    class Work(msgspec.Struct):
        valkey: Redis
        settings: Settings

    listener = next(one for one in LISTENERS.values() if one.event == "member.suspended")
    event: Event[dict[str, object]] = Event(
        id=house.tenant_id,
        name="member.suspended",
        payload={},
        occurred_at=None,  # type: ignore[arg-type]
        owner_scope="tenant",
        owner_id=house.tenant_id,
        person_id=None,
        actor_name="",
    )
    await listener.handler(Work(valkey, settings), event)
    assert await status(client, house, "/learn") == 303


async def test_a_change_in_one_organisation_reads_nobody_anew_in_another(
    settings: Settings, valkey: Redis, database: Database, house: House
) -> None:
    sessions = Sessions(valkey, settings)
    header = await sessions.open(await actor_of(database, house, "amina"))
    token = header.split(";", 1)[0].split("=", 1)[1]
    await sessions.changed(UUID(int=7))
    found = await sessions.look(token)
    assert found is not None
    assert found.fresh
    await sessions.changed(house.tenant_id)
    stale = await sessions.look(token)
    assert stale is not None
    assert not stale.fresh


async def look(
    client: httpx.AsyncClient, house: House, path: str, reason: str = "A question of theirs"
) -> httpx.Response:
    return await client.post(
        f"/t/{house.slug}{path}/look", data={"reason": reason}, headers=await csrf_headers(client)
    )


async def test_an_administrator_sees_what_a_member_sees_and_can_change_nothing(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    await enter(client, app, database, house, "admin")
    path = f"/members/{house.people['amina']}"
    assert (await look(client, house, path, " ")).status_code == 400
    assert (await look(client, house, path)).status_code == 303
    seen = await client.get(f"/t/{house.slug}/learn", headers=HTML)
    assert seen.status_code == 200
    assert "You see this as Amina" in seen.text
    assert await status(client, house, "/members") == 403
    headers = await csrf_headers(client)
    for route in ("/learn/exam/any", "/members/invite", "/hiring/new", path, "/members/filters"):
        written = await client.post(f"/t/{house.slug}{route}", data={}, headers=headers)
        assert written.status_code == 403, route
        assert "You are looking as someone else" in written.text
    record = (await events(superuser, house, "member.looked_as"))[0]
    assert record["person_id"] == house.people["amina"]
    assert record["actor_name"] == "Adil Admin"
    assert record["reason"] == "A question of theirs"
    refused = (await events(superuser, house, "access.refused"))[-1]
    assert refused["actor_person_id"] == house.people["admin"], "the one who looks is on record"
    stopped = await client.post(f"/t/{house.slug}/looking/stop", headers=headers)
    assert stopped.status_code == 303
    shown = await client.get(f"/t/{house.slug}{path}", headers=HTML)
    assert "Someone looked as this member" in shown.text
    assert "You see this as" not in shown.text


async def test_a_look_reaches_no_live_exam_and_no_persons_own_space(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "admin")
    assert (await look(client, house, f"/members/{house.people['amina']}")).status_code == 303
    attempt = "/learn/attempt/01980000-0000-7000-8000-000000000000"
    question = await client.get(f"/t/{house.slug}{attempt}", headers=HTML)
    assert question.status_code == 403
    assert "You are looking as someone else" in question.text
    for path in ("/me", "/me/wallet", "/me/profile"):
        own = await client.get(path, headers={"accept": "application/json"})
        assert own.status_code == 401, path


async def test_a_look_never_shows_more_than_the_looker_may_see_or_give(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "manager")
    assert (await look(client, house, f"/members/{house.people['owner']}")).status_code == 404
    assert (await look(client, house, "/members/roles/auditor")).status_code == 404
    client.cookies.clear()
    await enter(client, app, database, house, "admin")
    assert (await look(client, house, "/members/roles/owner")).status_code == 303
    actor = await app.state.sessions.find(next(iter(client.cookies.jar)).value)
    names = {cookie.name: cookie.value for cookie in client.cookies.jar}
    actor = await app.state.sessions.find(names["passerelle_session"])
    assert "tenant.own" not in actor.permissions
    assert "items.write" not in actor.permissions
    assert "audit.read" in actor.permissions


async def test_a_units_manager_sees_nothing_of_the_whole_organisation_through_a_members_eyes(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    health = house.units["health"]
    recruiter = await add_member(
        database, house.tenant_id, "Rachid", ["recruiter", "learner"], unit=health
    )
    await enter(client, app, database, house, "manager")
    assert await status(client, house, "/hiring") == 403
    assert (await look(client, house, f"/members/{recruiter}")).status_code == 303
    for path in ("/hiring", "/hiring/requisitions.csv", "/hiring/new"):
        assert await status(client, house, path) == 403, path
    assert await status(client, house, "/learn") == 200


async def test_who_gives_no_roles_looks_as_no_role_that_shows_more(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    text = RoleText(
        name=Localised("Desk", "Guichet", "مكتب"),
        purpose="",
        permissions=["members.manage", "members.read"],
    )
    async with database.tenant(house.tenant_id, await actor_of(database, house, "owner")) as tx:
        desk = Held(await role_service.make(tx, text))
    await change(app, database, house, "bilal", Change("grant", held=desk))
    await enter(client, app, database, house, "bilal")
    assert (await look(client, house, "/members/roles/recruiter")).status_code == 303
    assert await status(client, house, "/hiring") == 403


async def test_a_look_ends_by_itself_and_with_a_change_of_ones_roles(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    valkey: Redis,
    house: House,
) -> None:
    await enter(client, app, database, house, "admin")
    await look(client, house, f"/members/{house.people['amina']}")
    assert await status(client, house, "/members") == 403
    await app.state.sessions.changed(house.tenant_id)
    assert await status(client, house, "/members") == 200
    await look(client, house, f"/members/{house.people['amina']}")
    names = {cookie.name: cookie.value for cookie in client.cookies.jar}
    found = await app.state.sessions.look(names["passerelle_session"])
    viewing = found.record.viewing
    over = msgspec.structs.replace(
        viewing, viewer=msgspec.structs.replace(viewing.viewer, ends_at=0.0)
    )
    await app.state.sessions.look_as(viewing.session_id, over)
    assert await status(client, house, "/members") == 200
