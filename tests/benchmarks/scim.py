"""`scim`: 10,000 users created, updated and deactivated over a real web process, with its walls.

Beside it, `scim2-server` over its in-memory storage in a process like ours: the same handler, the
same requests, over the same connections. As Entra ID and Okta do, each request is about one user,
several under way at a time. A second, identical sync then tells how many rows it writes: none.
"""

import asyncio
import itertools
import secrets
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import msgspec

from infra.servers.application import WebServer
from infra.servers.process import free_port
from integrations.scim import clients
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import Settings
from tenants.service import create_tenant
from tests.benchmarks.harness import Result
from tests.conftest import ROOT, schema_digest
from tests.running import servers

DIRECTORY = ROOT / ".passerelle" / "bench" / "scim"
USERS = 10_000
ROUNDS = 10
AT_ONCE = 8
LIMIT = 0.3
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PLAN = """
insert into tenant_plan (tenant_id, name, seats, storage_bytes, requests_per_s,
  training_minutes_per_month, changed_by)
values ($1, 'enterprise', 100000, 1000000000, 10000, 10, 'bench')
"""
TENANTS_TABLES = """
select table_name from information_schema.columns
where table_schema = 'public' and column_name = 'tenant_id' and table_name <> 'scim_token'
  and table_name in (select relname from pg_class where relkind = 'r')
"""


def user(number: int, *, changed: bool = False, active: bool = True) -> dict[str, Any]:
    """What a directory says of someone; afterwards with another title and department."""
    name = f"user{number}@agency.example"
    return {
        "schemas": [CORE, ENTERPRISE],
        "userName": name,
        "externalId": f"external-{number}",
        "displayName": f"User {number}",
        "name": {"givenName": "User", "familyName": str(number)},
        "emails": [{"type": "work", "value": name, "primary": True}],
        "preferredLanguage": "fr",
        "title": "Head of office" if changed else "Agent",
        "active": active,
        ENTERPRISE: {
            "employeeNumber": str(number),
            "department": "Treasury" if changed else "Budget",
        },
    }


CHANGE = msgspec.json.encode(
    {
        "schemas": [PATCH],
        "Operations": [
            {"op": "Replace", "path": "title", "value": "Head of office"},
            {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "Treasury"},
        ],
    }
)
LEAVE = msgspec.json.encode(
    {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
)


class Side:
    """One of the two servers, and the users that it was told of."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.ids: dict[int, str] = {}

    async def sync(self, numbers: Sequence[int]) -> float:
        """Users a second, each created, updated and deactivated."""
        started = time.perf_counter()
        for step in (self._create, self._change, self._leave):
            await self._each(numbers, step)
        return len(numbers) / (time.perf_counter() - started)

    async def again(self, numbers: Sequence[int]) -> float:
        """Users a second whose state is sent once more, as it stands."""
        started = time.perf_counter()
        await self._each(numbers, self._put)
        return len(numbers) / (time.perf_counter() - started)

    async def _each(self, numbers: Sequence[int], step: Callable[[int], Awaitable[None]]) -> None:
        waiting = iter(numbers)

        async def one_after_the_other() -> None:
            for number in waiting:
                await step(number)

        await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))

    async def _create(self, number: int) -> None:
        answer = await self._client.post("/Users", content=msgspec.json.encode(user(number)))
        self.ids[number] = _said(answer, 201)["id"]

    async def _change(self, number: int) -> None:
        _said(await self._client.patch(self._path(number), content=CHANGE), 204)

    async def _leave(self, number: int) -> None:
        _said(await self._client.patch(self._path(number), content=LEAVE), 204)

    async def _put(self, number: int) -> None:
        body = msgspec.json.encode(user(number, changed=True, active=False))
        _said(await self._client.put(self._path(number), content=body), 200)

    def _path(self, number: int) -> str:
        return f"/Users/{self.ids[number]}"


def _said(answer: httpx.Response, status: int) -> Any:
    if answer.status_code != status:
        raise RuntimeError(f"{answer.status_code} instead of {status}: {answer.text[:500]}")
    return msgspec.json.decode(answer.content) if answer.content else None


async def measure(ours: Side, baseline: Side, connection: asyncpg.Connection, users: int) -> Result:
    """Round by round in turn; every round its own users, so that the organisation grows."""
    size = users // ROUNDS
    numbers = iter(range(users, 2 * users))
    await ours.sync(list(itertools.islice(numbers, 50)))
    await baseline.sync(list(itertools.islice(numbers, 50)))
    figures: list[tuple[float, float]] = []
    for place in range(ROUNDS):
        of_round = range(place * size, (place + 1) * size)
        if place % 2:
            theirs = await baseline.sync(of_round)
            figures.append((await ours.sync(of_round), theirs))
        else:
            own = await ours.sync(of_round)
            figures.append((own, await baseline.sync(of_round)))
        print(f"  {(place + 1) * size} users: {figures[-1]}", file=sys.stderr)
    before = await _moment(connection)
    again = await ours.again(range(users))
    rewrites = await _written_since(connection, before)
    ratios = [own / theirs for own, theirs in figures]
    ratio = statistics.median(ratios)
    q1, _, q3 = statistics.quantiles(ratios, n=4)
    return Result(
        bench="scim",
        metric="users created, updated and deactivated over SCIM",
        unit="users/s",
        ours=round(statistics.median(own for own, _ in figures), 2),
        baseline_value=round(statistics.median(theirs for _, theirs in figures), 2),
        baseline="scim2-server on its in-memory storage",
        ratio=round(ratio, 3),
        better="higher",
        limit=LIMIT,
        met=ratio >= LIMIT and rewrites == 0,
        rounds=ROUNDS,
        q1=round(q1, 3),
        q3=round(q3, 3),
        extra={
            "users": users,
            "at_once": AT_ONCE,
            "rewrites": rewrites,
            "second_sync_users_per_s": round(again, 1),
        },
    )


async def _moment(connection: asyncpg.Connection) -> tuple[int, int]:
    """The next transaction's number, and how many rows there are."""
    number = await connection.fetchval("select pg_current_xact_id()::text::bigint")
    return number, await _rows(connection, 0)


async def _rows(connection: asyncpg.Connection, since: int) -> int:
    """The rows of all tenants' tables that a transaction from this one on wrote."""
    total = 0
    for record in await connection.fetch(TENANTS_TABLES):
        total += await connection.fetchval(
            f"select count(*) from {record['table_name']}"
            " where xmin::text::bigint >= $1 % 4294967296",
            since,
        )
    return total


async def _written_since(connection: asyncpg.Connection, before: tuple[int, int]) -> int:
    """Rows that were written or are gone. A token's time of last use is no part of a sync."""
    number, rows = before
    return await _rows(connection, number) + abs(await _rows(connection, 0) - rows)


async def _directory(settings: Settings, connection: asyncpg.Connection) -> tuple[str, str]:
    """A new organisation with seats for all, and its client's token."""
    database = Database(settings)
    await database.open("worker")
    try:
        slug = f"b{secrets.token_hex(6)}"
        name = Localised("Agency", "Agence", "وكالة")
        tenant_id = await create_tenant(database, slug, name, "fr", listed=False)
        await connection.execute(PLAN, tenant_id)
        async with database.tenant(tenant_id, actors.system("bench")) as tx:
            made = await clients.create(tx, "Directory", "other")
        return slug, made.token
    finally:
        await database.close()


async def _answers(client: httpx.AsyncClient) -> None:
    for _ in range(200):
        try:
            await client.get("/ServiceProviderConfig")
        except httpx.TransportError:
            await asyncio.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{client.base_url} does not answer")


@asynccontextmanager
async def _baseline(port: int, token: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.scim_baseline", str(port), token), cwd=ROOT
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def _client(base_url: str, token: str) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/scim+json"}
    return httpx.AsyncClient(base_url=base_url, headers=headers, timeout=60)


async def run(users: int = USERS) -> Result:
    name = f"bench_scim_{schema_digest()}"
    async with servers(DIRECTORY, name) as (postgres, _, variables, settings):
        port, other_port, known = free_port(), free_port(), secrets.token_hex(16)
        web = WebServer(
            DIRECTORY / "web",
            {
                **variables,
                "PASSERELLE_PUBLIC_URL": f"http://localhost:{port}",
                "PASSERELLE_WEB_PORT": str(port),
            },
        )
        web.start()
        connection = await asyncpg.connect(postgres.superuser_dsn(name))
        try:
            slug, token = await _directory(settings, connection)
            async with (
                _baseline(other_port, known),
                _client(f"http://127.0.0.1:{port}/t/{slug}/scim/v2", token) as ours,
                _client(f"http://127.0.0.1:{other_port}", known) as theirs,
            ):
                await _answers(ours)
                await _answers(theirs)
                return await measure(Side(ours), Side(theirs), connection, users)
        finally:
            await connection.close()
            web.stop()
