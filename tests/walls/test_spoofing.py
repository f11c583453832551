"""What a client says of itself is believed nowhere; and the cheapest account is attacked as the
dearest is.

Host and forwarding headers decided the tenant elsewhere (CVE-2025-59152, CVE-2026-25479), and
breaches began with free accounts.
"""

import asyncpg
import msgspec
import pytest
from litestar import Litestar

from passerelle.kernel.actor import MEMBER, OPERATOR, PERSON, PUBLIC
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from tenants.access.roles import permissions_of
from tests.walls.attack import seen
from tests.walls.test_foreign_identifiers import attack, prepare
from tests.walls.world import World, build, visitor

SPOOFED = (
    "x-forwarded-host",
    "x-forwarded-server",
    "x-host",
    "x-original-host",
    "x-tenant",
    "x-tenant-id",
    "x-original-url",
    "x-rewrite-url",
    "x-forwarded-prefix",
    "x-script-name",
    "x-forwarded-for",
    "x-real-ip",
    "true-client-ip",
    "x-client-ip",
    "cf-connecting-ip",
    "x-http-method-override",
    "x-forwarded-user",
    "x-remote-user",
)


@pytest.fixture(scope="module")
async def world(database: Database, settings: Settings, superuser: asyncpg.Connection) -> World:
    world = await build(database, settings, superuser)
    await superuser.execute(
        "insert into tenant_host (tenant_id, host, token, claimed_by, proved_at)"
        " values ($1, 'theirs.example', repeat('x', 43), 'tests', now())",
        world.theirs.tenant_id,
    )
    return world


def values_of(world: World) -> list[str]:
    theirs = world.theirs
    return [theirs.slug, str(theirs.tenant_id), "theirs.example", f"/t/{theirs.slug}", "DELETE"]


async def test_no_forwarding_header_changes_an_answer(
    app: Litestar, settings: Settings, world: World
) -> None:
    paths = [f"/t/{world.ours.slug}/hiring", "/t/nobody-here/hiring", "/health"]
    async with visitor(app, settings, world.ours.member()) as visiting:
        for path in paths:
            plain = seen(await visiting.send("GET", path), ())
            for header in (*SPOOFED, "forwarded"):
                for value in values_of(world):
                    text = f"for=10.0.0.1;host={value}" if header == "forwarded" else value
                    answer = await visiting.send("GET", path, headers={header: text})
                    assert seen(answer, ()) == plain, (path, header, value)


async def test_another_organisations_host_name_opens_nothing_of_theirs(
    app: Litestar, settings: Settings, world: World
) -> None:
    async with visitor(app, settings, world.ours.member()) as visiting:
        for path in ("/", f"/t/{world.ours.slug}/hiring", f"/t/{world.theirs.slug}/hiring"):
            for host in ("theirs.example", "evil.example", "localhost:8000@evil.example"):
                answer = await visiting.send("GET", path, headers={"host": host})
                assert world.theirs.side.canary not in answer.text
                location = answer.headers.get("location", "")
                assert "evil.example" not in answer.text + location, (path, host)
                assert answer.status_code != 200 or f"/t/{world.theirs.slug}" not in path


async def test_the_address_on_record_is_the_connections(
    app: Litestar, settings: Settings, world: World, superuser: asyncpg.Connection
) -> None:
    actor = msgspec.structs.replace(world.ours.member(), permissions=frozenset())
    spoofed = dict.fromkeys(SPOOFED, "203.0.113.9")
    async with visitor(app, settings, actor) as visiting:
        answer = await visiting.send("GET", f"/t/{world.ours.slug}/hiring", headers=spoofed)
        assert answer.status_code == 403
    address = await superuser.fetchval(
        "select source_address from tenant_event where tenant_id = $1 and name = 'access.refused'"
        " order by id desc limit 1",
        world.ours.tenant_id,
    )
    assert address == "127.0.0.1"


@pytest.mark.parametrize("role", ["learner", "candidate"])
async def test_the_cheapest_account_reaches_no_more_than_its_own(
    role: str, app: Litestar, settings: Settings, world: World, superuser: asyncpg.Connection
) -> None:
    actor = msgspec.structs.replace(world.ours.member(), permissions=permissions_of([role]))
    async with visitor(app, settings, actor) as visiting:
        space = f"/t/{world.ours.slug}"
        begun = await prepare(app, world, visiting, superuser, space, opening=False)
        allowed = {*actor.permissions, MEMBER}
        for target in begun.targets:
            if target.permission in (PUBLIC, PERSON, OPERATOR) or target.permission in allowed:
                continue
            answers = [
                await visiting.send(target.method, target.request("path", name, value)["path"])
                for name in target.values
                if name != "slug"
                for value in (target.values[name], begun.identifiers[0])
            ] or [await visiting.send(target.method, target.request()["path"])]
            assert {answer.status_code for answer in answers} == {403}, target.name
        await attack(begun, [one for one in begun.targets if one.permission in allowed], superuser)
