"""`session`: the learner's home page, signed in, against the same page without authentication.

The page is the real one: its queries through the walls, its template. Ours finds the session in
Valkey (rights, rate limits, renewal of the token); the baseline is the same application with the
actor put in place without a look-up. One uvicorn process a side, asked in turn.

Then sessions are ended and asked for once more each: what is kept anywhere would serve them.
"""

import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
from redis.asyncio import Redis

from infra.servers.process import ServerProcess, free_port
from passerelle.academy import service as academy
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantReader
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import Settings
from tenants.access.roles import permissions_of
from tenants.access.sessions import COOKIE, Sessions
from tests.benchmarks.harness import Result, compare
from tests.benchmarks.load import requests_per_second
from tests.benchmarks.session_server import ACTOR_VARIABLE
from tests.conftest import ROOT, create_people, schema_digest
from tests.running import servers, with_starter_path

DIRECTORY = ROOT / ".passerelle" / "bench" / "session"
SLUG = "bench"
PATH = f"/t/{SLUG}/learn"
REQUESTS_A_ROUND = 240
ENDED = 100
LIMIT_RATIO = 0.85
LEARNER = """
select member.tenant_id, member.person_id from member
join tenant on tenant.id = member.tenant_id
join member_role on member_role.tenant_id = tenant.id and member_role.person_id = member.person_id
where tenant.slug = $1 and member_role.role = 'learner'
"""


async def prepare(superuser_dsn: str, settings: Settings) -> Actor:
    """A learner on the starter path, kept from run to run."""
    connection = await asyncpg.connect(superuser_dsn)
    database = Database(settings)
    await database.open("worker", also=("web_tenant", "web_person", "web_operator"))
    try:
        row = await connection.fetchrow(LEARNER, SLUG)
        if row is None:
            people = await create_people(database, SLUG)
            await with_starter_path(connection, database, people.tenant_id)
            row = await connection.fetchrow(LEARNER, SLUG)
            await connection.execute("analyze")
        learner = _actor(row["tenant_id"], row["person_id"])
        async with database.tenant(row["tenant_id"], actors.system("bench")) as tx:
            await academy.enrol(tx, row["person_id"], "ai-fluency")
        return learner
    finally:
        await database.close()
        await connection.close()


def _actor(tenant_id: UUID, person_id: UUID) -> Actor:
    return Actor(
        kind="person",
        display_name="Bench",
        person_id=person_id,
        tenant_id=tenant_id,
        tenant_slug=SLUG,
        tenant_name=Localised(SLUG, SLUG, SLUG),
        permissions=permissions_of(["learner"]),
        origin="keycloak",
    )


class Side:
    """One uvicorn process of one of the two applications."""

    def __init__(self, factory: str, variables: dict[str, str]) -> None:
        self.port = free_port()
        self._process = ServerProcess(factory, DIRECTORY / factory)
        self._process.start(
            [
                *(sys.executable, "-m", "uvicorn", f"tests.benchmarks.session_server:{factory}"),
                *("--factory", "--host", "127.0.0.1", "--port", str(self.port)),
                *("--no-access-log", "--log-level", "warning"),
            ],
            ports={"web": self.port},
            environment={**os.environ, **variables},
            working_directory=Path(__file__).parents[2],
        )
        self._process.wait_until(lambda: free_port(self.port) != self.port, 60)

    def stop(self) -> None:
        self._process.kill()


async def queries_of_the_page(settings: Settings, cookie: str) -> int:
    """How many statements the page sends, counted in this process."""
    from infra.web import create_app, opened

    sent: list[str] = []
    records = TenantReader._records

    async def counted(self: TenantReader, sql: str, arguments: Any) -> Any:
        sent.append(sql)
        return await records(self, sql, arguments)

    app = create_app(settings)
    async with opened(settings)(app):
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
            headers = {"cookie": cookie, "accept": "text/html"}
            (await client.get(PATH, headers=headers)).raise_for_status()
            TenantReader._records = counted  # type: ignore[method-assign, assignment]
            try:
                (await client.get(PATH, headers=headers)).raise_for_status()
            finally:
                TenantReader._records = records  # type: ignore[method-assign]
    return len(sent)


async def served_after_the_end(port: int, sessions: Sessions, actor: Actor) -> int:
    """Of so many sessions, each used, ended and asked for at once: how many were served still."""
    served = 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        for _ in range(ENDED):
            cookie = (await sessions.open(actor)).split(";", 1)[0]
            headers = {"cookie": cookie, "accept": "application/json"}
            (await client.get(PATH, headers=headers)).raise_for_status()
            found = await sessions.find(cookie.removeprefix(f"{COOKIE}="))
            if found is None or found.session_id is None:
                raise RuntimeError("a session that was just opened is not found")
            await sessions.close(found.session_id)
            served += (await client.get(PATH, headers=headers)).status_code != 401
    return served


async def run() -> Result:
    name = f"bench_session_{schema_digest()}"
    async with servers(DIRECTORY, name) as (postgres, _, variables, settings):
        actor = await prepare(postgres.superuser_dsn(name), settings)
        valkey = Redis.from_url(settings.valkey_url)
        sessions = Sessions(valkey, settings)
        cookie = (await sessions.open(actor)).split(";", 1)[0]
        queries = await queries_of_the_page(settings, cookie)
        known = {ACTOR_VARIABLE: msgspec.json.encode(actor).decode()}
        ours = Side("with_session", variables)
        baseline = Side("without_session", {**variables, **known})
        try:
            result = await compare(
                bench="session",
                metric="throughput of the learner's home page, signed in",
                unit="requests/s",
                ours=lambda: requests_per_second(ours.port, PATH, cookie, REQUESTS_A_ROUND),
                baseline=lambda: requests_per_second(baseline.port, PATH, cookie, REQUESTS_A_ROUND),
                baseline_name="the same page, the actor put in place without a look-up",
                limit=LIMIT_RATIO,
                rounds=15,
            )
            served = await served_after_the_end(ours.port, sessions, actor)
        finally:
            ours.stop()
            baseline.stop()
            await valkey.aclose()
        result.met = result.met and served == 0
        result.extra = {
            "queries": queries,
            "ended_sessions": ENDED,
            "served_after_the_end": served,
        }
        return result
