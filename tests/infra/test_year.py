"""The seed of a year: what it leaves behind is whole, in the past, and the same for all who ask."""

import asyncpg
import msgspec
import pytest

from infra.seed.year.telling import tell
from lms import registrations
from lms.model import NewRegistration
from passerelle.credentials import checking
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from tests.conftest import People
from tests.running import with_starter_path


@pytest.fixture(scope="module")
async def told(
    superuser: asyncpg.Connection,
    database: Database,
    settings: Settings,
    two_tenants: tuple[People, People],
) -> People:
    region = two_tenants[0]
    await with_starter_path(superuser, database, region.tenant_id)
    async with database.tenant(region.tenant_id, actors.system("tests")) as tx:
        new = NewRegistration(
            name="Campus",
            issuer="https://campus.invalid",
            client_id="client",
            deployment_ids=["1"],
            authorization_url="https://campus.invalid/authorize",
            token_url="https://campus.invalid/token",
            jwks_url="https://campus.invalid/jwks",
        )
        await registrations.connect(tx, settings, Vault(settings.master_key), new)
    rows = await tell(superuser, database, settings, region.tenant_id, "region.example")
    assert rows > 50_000
    assert await tell(superuser, database, settings, region.tenant_id, "region.example") == 0
    return region


async def test_the_year_has_its_people_cohorts_leavers_and_failures(
    superuser: asyncpg.Connection, told: People
) -> None:
    counts = await superuser.fetchrow(
        """
        select
          (select count(*) from member where tenant_id = $1 and email like 'agent%') as people,
          (select count(*) from member where tenant_id = $1 and status = 'removed') as leavers,
          (select count(*) from lti_line_item where tenant_id = $1) as cohorts,
          (select count(*) from attempt where tenant_id = $1 and not passed) as failures,
          (select count(*) from attempt where tenant_id = $1 and passed) as passes,
          (select count(*) from issued_credential where tenant_id = $1) as credentials,
          (select count(*) from requisition where tenant_id = $1) as posts,
          (select count(*) from decision where tenant_id = $1) as decisions
        """,
        told.tenant_id,
    )
    assert (counts["people"], counts["cohorts"]) == (2_000, 40)
    assert counts["leavers"] > 50
    assert counts["failures"] > 300
    assert counts["passes"] == counts["credentials"] > 1_000
    assert counts["posts"] == 36
    assert counts["decisions"] > 100


async def test_every_pass_has_its_event_and_nothing_lies_in_the_future(
    superuser: asyncpg.Connection, told: People
) -> None:
    lost = await superuser.fetchval(
        """
        select count(*) from attempt where tenant_id = $1 and passed and not exists (
          select from tenant_event event where event.tenant_id = $1
            and event.subject = attempt.id and event.name = 'exam.passed')
        """,
        told.tenant_id,
    )
    future = await superuser.fetchval(
        "select count(*) from tenant_event where tenant_id = $1 and occurred_at > now()",
        told.tenant_id,
    )
    assert (lost, future) == (0, 0)


async def test_a_credential_of_the_year_verifies(
    superuser: asyncpg.Connection, database: Database, settings: Settings, told: People
) -> None:
    document = await superuser.fetchval(
        "select document from issued_credential where tenant_id = $1 and revoked_at is null"
        " order by issued_at limit 1",
        told.tenant_id,
    )
    verdict = await checking.check_document(
        database, settings.public_url, msgspec.json.decode(document)
    )
    assert verdict.outcome == "valid", verdict.steps
