"""A small world to match in: the starter taxonomy, a model of it, and people who have proven."""

from functools import lru_cache
from uuid import UUID

from ml import registry
from ml.artefact import Artefact
from ml.data import TrainingData, of_taxonomies
from ml.registry import NewVersion
from ml.training_settings import TrainingSettings
from passerelle.kernel.database import Database
from tests.skills.factories import starter

QUICK = TrainingSettings(steps=60, pairs=128, hard_negatives=16, threads=1)


@lru_cache(maxsize=1)
def starter_data() -> TrainingData:
    return of_taxonomies(starter())


@lru_cache(maxsize=1)
def starter_model() -> Artefact:
    from ml.training import train

    return train(starter_data(), QUICK)


async def put_in_service(database: Database) -> UUID:
    """The quick model of the starter taxonomy, which the database must hold; returns its id."""
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
    return version.id
