"""Asking for a training: an event, so that it is on record and happens whatever dies."""

from uuid import UUID

from msgspec import Struct

from ml import registry
from ml.pipeline import code_hash
from ml.problems import TrainingDataInvalid
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from tenants.plans.service import require_training


class TrainingRequested(Struct, frozen=True):
    """Event `model.training_requested`. `data_hash` is of the taxonomies as they were then."""

    request_id: UUID
    data_hash: str
    steps: int | None = None


class ModelTrained(Struct, frozen=True):
    """Event `model.trained`: this version serves now."""

    model_version: UUID
    number: int
    metrics: dict[str, float]
    # What the training took: counts against the organisation's plan.
    duration_s: float = 0.0


async def request_training(
    database: Database, *, once: bool = False, steps: int | None = None
) -> UUID | None:
    """Asks for a training; returns the request's id.

    `database` was opened with the relay's role. A model belongs to no organisation, an event does:
    this one is the oldest organisation's. `once`: None, and nothing asked, where a model of the
    same taxonomy and code serves. Raises TrainingDataInvalid where there is no organisation or
    taxonomy, and TrainingSpent where its plan has no training minutes left this month.
    """
    pool = database.pool("worker_relay")
    data_hash = await registry.data_hash(pool)
    serving = await registry.served(pool)
    if once and serving and (serving.data_hash, serving.code_hash) == (data_hash, code_hash()):
        return None
    tenants = await registry.every_tenant(pool)
    if not tenants:
        raise TrainingDataInvalid("there is no organisation yet")
    request_id = new_id()
    async with database.tenant(tenants[0], actors.system("request training", tenants[0])) as tx:
        await require_training(tx)
        payload = TrainingRequested(request_id, data_hash, steps)
        await emit(tx, "model.training_requested", payload, subject=request_id)
    return request_id
