"""A sync that is cut anywhere, and run again, ends as one that was never cut.

The web process is killed, or the client's connection is dropped, at seeded points of a sync; the
client then begins again from its first user, as a directory does. What stands afterwards is held
against an organisation whose sync ran through.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from infra.servers.application import WebServer
from infra.servers.postgres import PostgresServer
from infra.servers.process import free_port
from infra.servers.valkey import ValkeyServer
from passerelle.kernel.database import Database
from tests.integrations.scim.conftest import MEDIA, Directory, create_directory
from tests.integrations.scim.payloads import bulk, group, patch, replace, user
from tests.running import environment

USERS = 30
CUTS = 4
#: What must not differ: who is who's member, as what, by which name, in which group; and that each
#: thing is on record once.
STANDING = """
select r.name, r.external_id, r.attributes ->> 'title' as title,
  r.attributes ->> 'active' as active,
  member.status, member.display_name, member.email,
  (select array_agg(role order by role) from member_role as held
   where held.tenant_id = $1 and held.person_id = r.person_id) as roles,
  (select array_agg(key_kind || ' ' || key order by 1) from member_expected as expected
   where expected.tenant_id = $1 and expected.person_id = r.person_id) as keys,
  (select array_agg(g.name order by g.name) from scim_group_member as held
   join scim_resource as g on g.tenant_id = $1 and g.id = held.group_id
   where held.tenant_id = $1 and held.user_id = r.id) as groups,
  (select array_agg(event.name order by event.name) from tenant_event as event
   where event.tenant_id = $1 and event.person_id = r.person_id) as events,
  (select array_agg(log.action order by log.action) from scim_log as log
   where log.tenant_id = $1 and log.resource_id = r.id::text and log.status < 400) as log
from scim_resource as r left join member using (tenant_id, person_id)
where r.tenant_id = $1 order by r.kind, r.name
"""
LEFT_OVER = """
select (select count(*) from member where tenant_id = $1),
  (select count(*) from member_expected where tenant_id = $1),
  (select count(*) from person where person_id in
    (select person_id from member where tenant_id = $1))
"""


class Cut(Exception):
    """The client's line went dead, or the server did."""


class Syncing:
    """A directory's whole sync; `cut_at` counts requests, and the one reached is cut."""

    def __init__(self, client: httpx.AsyncClient, cut_at: int | None, kill: Any) -> None:
        self._client = client
        self._left = cut_at
        self._kill = kill

    async def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        content = None if body is None else msgspec.json.encode(body)
        request = self._client.request(method, path, content=content)
        if self._left is None or self._left > 0:
            if self._left is not None:
                self._left -= 1
            answer = await request
        else:
            asking = asyncio.ensure_future(request)
            await self._kill(asking)
            raise Cut
        assert answer.status_code < 500, answer.text
        said: dict[str, Any] = msgspec.json.decode(answer.content) if answer.content else {}
        return said

    async def one(self, path: str, name: str, value: str) -> str | None:
        """The id of whoever has this name, as a directory asks before it creates."""
        query = httpx.QueryParams({"filter": f'{name} eq "{value}"'})
        said = await self.ask("GET", f"{path}?{query}")
        found = said.get("Resources") or []
        return found[0]["id"] if found else None

    async def run(self) -> None:
        ids: list[str] = []
        for number in range(USERS // 3):
            ids.append(await self.put_user(f"one{number}"))
        missing = [
            name
            for name in (f"bulk{number}" for number in range(USERS // 3 * 2))
            if await self.one("/Users", "userName", f"{name}@agency.example") is None
        ]
        creations = [
            {"method": "POST", "path": "/Users", "bulkId": name, "data": user(name)}
            for name in missing
        ]
        for start in range(0, len(creations), 7):
            await self.ask("POST", "/Bulk", bulk(*creations[start : start + 7]))
        group_id = await self.one("/Groups", "displayName", "Staff")
        if group_id is None:
            group_id = (await self.ask("POST", "/Groups", group("Staff")))["id"]
        for start in range(0, len(ids), 3):
            members = [{"value": one} for one in ids[start : start + 3]]
            body = patch({"op": "Add", "path": "members", "value": members})
            await self.ask("PATCH", f"/Groups/{group_id}", body)
        for one in ids:
            await self.ask("PATCH", f"/Users/{one}", patch(replace("title", "Analyst")))
        for one in ids[::2]:
            await self.ask("PATCH", f"/Users/{one}", patch(replace("active", "False")))

    async def put_user(self, name: str) -> str:
        found = await self.one("/Users", "userName", f"{name}@agency.example")
        if found is None:
            found = (await self.ask("POST", "/Users", user(name)))["id"]
        return found


def requests_at_least() -> int:
    """How many requests every sync sends, however much of it was done before."""
    singles, bulks = USERS // 3, USERS // 3 * 2
    return singles + bulks + 1 + -(-singles // 3) + singles + singles // 2


class Process:
    """A web process that can be killed and started again at the same port."""

    def __init__(self, variables: dict[str, str], directory: Path) -> None:
        self._web = WebServer(directory, variables)
        self.url = variables["PASSERELLE_PUBLIC_URL"]

    async def start(self) -> None:
        await asyncio.to_thread(self._web.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._web.stop)

    def kill(self) -> None:
        os.kill(self._web.process_id, signal.SIGKILL)


@pytest.fixture
async def process(
    postgres: PostgresServer,
    valkey_server: ValkeyServer,
    database_name: str,
    tmp_path: Path,
) -> AsyncIterator[Process]:
    port = free_port()
    variables = environment(postgres, valkey_server, database_name, tmp_path) | {
        "PASSERELLE_PUBLIC_URL": f"http://localhost:{port}",
        "PASSERELLE_WEB_PORT": str(port),
    }
    running = Process(variables, tmp_path / "web")
    await running.start()
    yield running
    await running.stop()


@asynccontextmanager
async def client_of(url: str, directory: Directory) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {directory.token}", "content-type": MEDIA}
    base = f"{url}/t/{directory.slug}/scim/v2"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as client:
        yield client


async def standing(superuser: asyncpg.Connection, tenant_id: UUID) -> list[dict[str, Any]]:
    return [dict(row) for row in await superuser.fetch(STANDING, tenant_id)]


@pytest.mark.parametrize("seed", range(2))
async def test_a_sync_cut_anywhere_and_run_again_ends_the_same(
    process: Process, database: Database, superuser: asyncpg.Connection, seed: int
) -> None:
    chance = random.Random(seed)
    whole = await create_directory(database, "whole")
    async with client_of(process.url, whole) as client:
        await Syncing(client, None, None).run()
    expected = await standing(superuser, whole.tenant_id)
    assert len(expected) == USERS // 3 * 3 + 1
    cut = await create_directory(database, "cut")
    points = [chance.randrange(requests_at_least()) for _ in range(CUTS)]
    killed = dropped = 0
    for place, point in enumerate(points):
        kills = place % 2 == 0

        async def interrupt(asking: "asyncio.Future[Any]", kills: bool = kills) -> None:
            """After a chosen moment of the request: the server dies, or the line does."""
            await asyncio.wait([asking], timeout=chance.uniform(0, 0.02))
            if kills:
                process.kill()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

        async with client_of(process.url, cut) as client:
            try:
                await Syncing(client, point, interrupt).run()
            except Cut:
                killed, dropped = killed + kills, dropped + (not kills)
        if kills:
            await process.stop()
            await process.start()
    async with client_of(process.url, cut) as client:
        await Syncing(client, None, None).run()
    print(f"cut at {points}: {killed} killed, {dropped} dropped")
    assert (killed, dropped) == (CUTS // 2, CUTS // 2)
    assert await standing(superuser, cut.tenant_id) == expected
    left_over = await superuser.fetchrow(LEFT_OVER, cut.tenant_id)
    assert left_over == await superuser.fetchrow(LEFT_OVER, whole.tenant_id)
