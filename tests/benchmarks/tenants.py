"""`tenants`: a tenant's request among 10,000 tenants, against the same among 10.

Two databases of one server, alike but for the number of tenants: 100 members each, with their
roles and words. One web process a side lists and searches members over HTTP, each request another
tenant's, so that nothing of the large side stays warm that would not in production.
"""

import os
import random
import statistics
import sys
import time
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
from redis.asyncio import Redis

from infra import database as databases
from infra.servers.postgres import PostgresServer
from infra.servers.process import ServerProcess, free_port
from infra.servers.valkey import ValkeyServer
from passerelle.kernel.actor import Actor
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import load
from tenants.access.roles import permissions_of
from tenants.access.sessions import Sessions
from tests.benchmarks.harness import Result, compare
from tests.conftest import ROLE_PASSWORDS, ROOT, schema_digest
from tests.running import environment

DIRECTORY = ROOT / ".passerelle" / "bench" / "tenants"
TENANTS = {"small": 10, "large": 10_000}
MEMBERS = 100
#: Tenants that are asked in a run; of ten, all ten.
ASKED = 400
REQUESTS_A_ROUND = 300
LIMIT_RATIO = 1.3
NAME = "bench_tenants_"

TENANTS_OF_ALL = """
insert into tenant (id, slug, name, default_locale)
select uuidv7(), 'bench' || number, '{"en": "Bench", "fr": "Banc", "ar": "منصة"}', 'en'
from generate_series(1, $1::int) as number
"""
MEMBERS_OF_ALL = """
insert into member (tenant_id, person_id, display_name, email, locale)
select tenant.id, gen_random_uuid(), 'Amina ' || number, 'amina' || number || '@' || tenant.slug,
  'en'
from tenant cross join generate_series(1, $1::int) as number
"""
ROLES = """
insert into member_role (tenant_id, person_id, role)
select tenant_id, person_id, 'learner' from member
"""
# As the trigger writes them for these names: no two of a member's words are alike.
WORDS = """
insert into member_word (tenant_id, word, person_id)
select tenant_id, word, person_id from member,
  unnest(string_to_array(folded_name || ' ' || replace(folded_email, '@', ' '), ' ')) as word
"""


async def prepare(postgres: PostgresServer, name: str, tenants: int) -> None:
    """A migrated database with so many tenants, kept from run to run."""
    await databases.create_database(postgres.superuser_dsn(), name)
    await databases.migrate(postgres.superuser_dsn(name))
    connection = await asyncpg.connect(postgres.superuser_dsn(name))
    try:
        if await connection.fetchval("select count(*) from tenant") == tenants:
            return
        print(f"preparing {tenants} tenants of {MEMBERS} members …", file=sys.stderr)
        await connection.execute("set session_replication_role = replica")
        # One transaction: an interrupted preparation leaves nothing behind.
        async with connection.transaction():
            await connection.execute(TENANTS_OF_ALL, tenants)
            await connection.execute(MEMBERS_OF_ALL, MEMBERS)
            await connection.execute(ROLES)
            await connection.execute(WORDS)
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


async def drop_those_of_other_schemas(postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres.superuser_dsn())
    try:
        rows = await connection.fetch(
            "select datname from pg_database where starts_with(datname, $1)"
            " and right(datname, 12) <> $2",
            NAME,
            schema_digest(),
        )
        for row in rows:
            await connection.execute(f'drop database "{row["datname"]}" with (force)')
    finally:
        await connection.close()


class Side:
    """A web process over one of the databases, and sessions of the tenants that are asked."""

    def __init__(self, name: str, variables: dict[str, str]) -> None:
        self.port = free_port()
        self._variables = variables
        self._asked: list[tuple[str, str]] = []
        self._process = ServerProcess(name, DIRECTORY / name)
        self._process.start(
            [
                *(sys.executable, "-m", "uvicorn", "infra.web:application", "--factory"),
                *("--host", "127.0.0.1", "--port", str(self.port)),
                *("--no-access-log", "--log-level", "warning"),
            ],
            ports={"web": self.port},
            environment={**os.environ, **variables},
            working_directory=Path(__file__).parents[2],
        )
        self._process.wait_until(lambda: free_port(self.port) != self.port, 60)

    async def sign_in(self, superuser_dsn: str) -> None:
        """A session in each of the tenants that are asked, chosen by chance."""
        connection = await asyncpg.connect(superuser_dsn)
        try:
            rows = await connection.fetch(
                "select id, slug from tenant order by md5(slug) limit $1", ASKED
            )
        finally:
            await connection.close()
        settings = load(self._variables)
        valkey = Redis.from_url(settings.valkey_url)
        sessions = Sessions(valkey, settings)
        for row in rows:
            header = await sessions.open(administrator(row["id"], row["slug"]))
            self._asked.append((row["slug"], header.split(";", 1)[0]))
        await valkey.aclose()

    async def request_ms(self, client: httpx.AsyncClient, number: int) -> float:
        """How long one took: a page of the members' list, or a search."""
        slug, cookie = random.choice(self._asked)
        query = "?q=amina7" if number % 2 else ""
        started = time.perf_counter()
        answer = await client.get(
            f"http://127.0.0.1:{self.port}/t/{slug}/api/members{query}",
            headers={"cookie": cookie, "accept": "application/json"},
        )
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code}: {answer.text[:300]}")
        return (time.perf_counter() - started) * 1000

    def stop(self) -> None:
        self._process.kill()


class Rounds:
    """p95 of both sides, whose requests alternate one by one: a slow spell touches both."""

    def __init__(self, large: Side, small: Side) -> None:
        self._sides = {"large": large, "small": small}
        self._measured: dict[str, list[float]] = {"large": [], "small": []}

    async def p95_ms(self, size: str) -> float:
        """The side's figure of the round; who asks first has both measured."""
        if not self._measured[size]:
            await self._measure()
        return self._measured[size].pop(0)

    async def _measure(self) -> None:
        taken: dict[str, list[float]] = {"large": [], "small": []}
        async with httpx.AsyncClient(trust_env=False) as client:
            for number in range(REQUESTS_A_ROUND):
                for size in ("large", "small") if number % 4 < 2 else ("small", "large"):
                    taken[size].append(await self._sides[size].request_ms(client, number))
        for size, figures in taken.items():
            self._measured[size].append(statistics.quantiles(figures, n=20)[-1])


def administrator(tenant_id: UUID, slug: str) -> Actor:
    return Actor(
        kind="person",
        display_name="Bench",
        person_id=tenant_id,
        tenant_id=tenant_id,
        tenant_slug=slug,
        tenant_name=Localised(slug, slug, slug),
        permissions=permissions_of(["tenant_admin"]),
        origin="keycloak",
    )


async def run() -> Result:
    with (
        PostgresServer(DIRECTORY / "postgres") as postgres,
        ValkeyServer(DIRECTORY / "valkey") as valkey,
    ):
        await databases.create_roles(postgres.superuser_dsn(), ROLE_PASSWORDS)
        await drop_those_of_other_schemas(postgres)
        sides: dict[str, Side] = {}
        try:
            for size, tenants in TENANTS.items():
                name = f"{NAME}{size}_{schema_digest()}"
                await prepare(postgres, name, tenants)
                variables = environment(postgres, valkey, name, DIRECTORY)
                sides[size] = Side(size, variables)
                await sides[size].sign_in(postgres.superuser_dsn(name))
            return await measure(Rounds(sides["large"], sides["small"]))
        finally:
            for side in sides.values():
                side.stop()


async def measure(rounds: Rounds) -> Result:
    return await compare(
        bench="tenants",
        metric="p95 of a tenant's request among 10,000 tenants",
        unit="ms",
        ours=lambda: rounds.p95_ms("large"),
        baseline=lambda: rounds.p95_ms("small"),
        baseline_name="the same among 10 tenants of the same size",
        limit=LIMIT_RATIO,
        better="lower",
        extra={
            "tenants": TENANTS["large"],
            "members": TENANTS["large"] * MEMBERS,
            "baseline_tenants": TENANTS["small"],
            "requests_a_round": REQUESTS_A_ROUND,
        },
    )
