"""The starter taxonomy and the starter path, in both tenants; and a browser."""

import asyncpg
import pytest

from infra.seed.ai_fluency import seed_path
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.skills import taxonomy
from passerelle.skills.loading import load
from tests.browser import browser as browser
from tests.conftest import People


@pytest.fixture(scope="module")
async def starter(
    superuser: asyncpg.Connection, database: Database, two_tenants: tuple[People, People]
) -> tuple[People, People]:
    await load(superuser, taxonomy.starter())
    for people in two_tenants:
        async with database.live_exam(people.tenant_id, actors.system("tests")) as tx:
            await seed_path(tx)
    return two_tenants
