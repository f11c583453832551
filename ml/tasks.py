"""The training task: hears the request, trains apart, puts the model in service, says so."""

import time

import msgspec

from ml.pipeline import train_and_serve
from ml.requests import ModelTrained, TrainingRequested
from ml.training_settings import Progress, TrainingSettings
from passerelle.kernel import actor as actors
from passerelle.kernel.events import TRAINING_QUEUE, Event, emit, worker_listener
from passerelle.kernel.log import logger
from passerelle.kernel.tasks import Work

log = logger(__name__)

TIME_LIMIT_S = 3_600
# Handed out again after this long: another worker then finds the training's lock taken, or free.
LEASE_S = 60
TELL_EVERY_S = 5.0


@worker_listener(
    "model.training_requested",
    TrainingRequested,
    queue=TRAINING_QUEUE,
    time_limit_s=TIME_LIMIT_S,
    lease_s=LEASE_S,
)
async def train_model(work: Work, event: Event[TrainingRequested]) -> None:
    settings = TrainingSettings()
    if event.payload.steps is not None:
        settings = msgspec.structs.replace(settings, steps=event.payload.steps)
    began = time.monotonic()
    version = await train_and_serve(
        work.database,
        work.settings,
        settings,
        requested_by=event.payload.request_id,
        watch=_Log(),
    )
    duration_s = round(time.monotonic() - began, 3)
    trained = ModelTrained(version.id, version.number, version.metrics, duration_s)
    async with work.database.tenant(
        event.tenant_id, actors.system("train model", event.tenant_id)
    ) as tx:
        await emit(tx, "model.trained", trained, subject=version.id)


class _Log:
    """Writes progress to the log, now and then."""

    def __init__(self) -> None:
        self._told_at = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._told_at >= TELL_EVERY_S or progress.step == progress.steps:
            self._told_at = now
            log.info("training", **msgspec.structs.asdict(progress))
