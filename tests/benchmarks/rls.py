"""`rls`: a product's read route over HTTP with walls, against the same route filtered by hand.

50 tenants of 200 requisitions each; one page of 50 is read, by one uvicorn process a side.
"""

import os
import sys
from pathlib import Path
from uuid import UUID

import asyncpg
from redis.asyncio import Redis

from infra.servers.process import ServerProcess, free_port
from passerelle.kernel.actor import Actor
from passerelle.kernel.settings import Settings
from tenants.access.roles import permissions_of
from tenants.access.sessions import Sessions
from tests.benchmarks.harness import Result, compare
from tests.benchmarks.load import requests_per_second
from tests.benchmarks.rls_server import BY_HAND_ROLE
from tests.conftest import ROLE_PASSWORDS, ROOT, schema_digest
from tests.running import servers

DIRECTORY = ROOT / ".passerelle" / "bench"
TENANTS = 50
REQUISITIONS = 200
REQUESTS_A_ROUND = 2_000
LIMIT_RATIO = 0.95

PREPARE = f"""
insert into tenant (id, slug, name, default_locale)
select gen_random_uuid(), 'bench-' || number, '{{"en": "B", "fr": "B", "ar": "B"}}', 'en'
from generate_series(1, {TENANTS}) number;
insert into pipeline (tenant_id, id, name)
select id, uuidv7(), '{{"en": "P", "fr": "P", "ar": "P"}}' from tenant;
insert into requisition (tenant_id, number, title, folded, posts, pipeline_id)
select pipeline.tenant_id, '2026-' || number,
  '{{"en": "Digital services officer", "fr": "Chargé de services", "ar": "مكلف بالخدمات"}}',
  'digital services officer', 2, pipeline.id
from pipeline cross join generate_series(1, {REQUISITIONS}) number;
analyze;
"""


async def prepare(superuser_dsn: str) -> UUID:
    """Fills an empty database; returns the tenant that is asked."""
    connection = await asyncpg.connect(superuser_dsn)
    try:
        if not await connection.fetchval("select 1 from pg_roles where rolname = $1", BY_HAND_ROLE):
            await connection.execute(f"create role {BY_HAND_ROLE} login bypassrls")
        password = ROLE_PASSWORDS["web_tenant"]
        await connection.execute(f"alter role {BY_HAND_ROLE} password '{password}'")
        name = await connection.fetchval("select quote_ident(current_database())")
        await connection.execute(f"grant connect on database {name} to {BY_HAND_ROLE}")
        await connection.execute(f"grant usage on schema public, app to {BY_HAND_ROLE}")
        await connection.execute(f"grant select on all tables in schema public to {BY_HAND_ROLE}")
        if not await connection.fetchval("select count(*) from tenant"):
            await connection.execute(PREPARE)
        tenant_id: UUID = await connection.fetchval("select id from tenant where slug = 'bench-7'")
        return tenant_id
    finally:
        await connection.close()


async def session_cookie(settings: Settings, tenant_id: UUID) -> str:
    valkey = Redis.from_url(settings.valkey_url)
    actor = Actor(
        kind="person",
        display_name="Bench",
        person_id=tenant_id,
        tenant_id=tenant_id,
        tenant_slug="bench-7",
        permissions=permissions_of(["recruiter"]),
        origin="keycloak",
    )
    header = await Sessions(valkey, settings).open(actor)
    await valkey.aclose()
    return header.split(";", 1)[0]


class Side:
    """One uvicorn process of one of the two applications."""

    def __init__(self, factory: str, variables: dict[str, str]) -> None:
        self.port = free_port()
        self._process = ServerProcess(factory, DIRECTORY / factory)
        self._process.start(
            [
                *(sys.executable, "-m", "uvicorn", f"tests.benchmarks.rls_server:{factory}"),
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


async def run() -> Result:
    name = f"bench_rls_{schema_digest()}"
    async with servers(DIRECTORY, name) as (postgres, _, variables, settings):
        tenant_id = await prepare(postgres.superuser_dsn(name))
        cookie = await session_cookie(settings, tenant_id)
        walls, by_hand = Side("ours", variables), Side("by_hand", variables)
        path = "/t/bench-7/api/requisitions"
        try:
            return await compare(
                bench="rls",
                metric="throughput of a read route with walls",
                unit="requests/s",
                ours=lambda: requests_per_second(walls.port, path, cookie, REQUESTS_A_ROUND),
                baseline=lambda: requests_per_second(by_hand.port, path, cookie, REQUESTS_A_ROUND),
                baseline_name="the same route, filtered by hand",
                limit=LIMIT_RATIO,
                rounds=15,
                extra={"tenants": TENANTS, "rows": 50},
            )
        finally:
            walls.stop()
            by_hand.stop()
