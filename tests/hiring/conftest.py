"""The starter taxonomy, and a model trained on it that serves."""

import asyncpg
import pytest

from ml import registry
from ml.registry import NewVersion
from passerelle.kernel.database import Database
from passerelle.skills.loading import load_taxonomy
from tests.ml.factories import QUICK, starter_data, starter_model


@pytest.fixture(scope="module")
async def taxonomy(superuser: asyncpg.Connection) -> None:
    await load_taxonomy(superuser)


@pytest.fixture(scope="module")
async def model(database: Database, taxonomy: None) -> None:
    """The two towers, trained for a few steps and put in service."""
    pool = database.pool("worker_relay")
    new = NewVersion(
        id=registry.new_version_id(),
        requested_by=None,
        data_hash=starter_data().hash(),
        code_hash="tests",
        settings=QUICK,
        artefact="models/none.npz",
        artefact_sha256="none",
    )
    version = await registry.add(pool, new, starter_model())
    await registry.serve(pool, version.id)
