"""The starter taxonomy, which requisitions ask for skills of."""

import asyncpg
import pytest

from passerelle.skills.loading import load_taxonomy


@pytest.fixture(scope="module")
async def taxonomy(superuser: asyncpg.Connection) -> None:
    await load_taxonomy(superuser)
