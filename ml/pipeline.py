"""From a request to a model in service: train, register, embed everyone, switch.

At any moment the model that served before goes on serving; the switch is one statement, made when
every candidate has a vector of the new model. Killed anywhere, the same request goes on.
"""

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import msgspec

import ml
import passerelle
from ml import artefact, registry
from ml.data import TrainingData
from ml.problems import TrainingFailed, TrainingInProgress
from ml.registry import ModelVersion, NewVersion
from ml.serving.embedding import embed_some
from ml.training_job import Job
from ml.training_settings import Progress, TrainingSettings
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.settings import PREFIX, Settings

TRAINING_LOCK = 7_283_070
ERROR_LIMIT_CHARACTERS = 400
#: What decides a model besides its data and settings.
CODE = ("features", "text_base", "data", "sampling", "towers", "adam", "training")

Watcher = Callable[[Progress], None]


async def train_and_serve(
    database: Database,
    settings: Settings,
    training: TrainingSettings,
    *,
    requested_by: UUID | None = None,
    watch: Watcher | None = None,
) -> ModelVersion:
    """Trains on the database's taxonomy and puts the model in service; returns it.

    A request that was carried out already changes nothing. Raises TrainingInProgress,
    TrainingDataInvalid, TrainingFailed, ModelArtefactCorrupt.
    """
    pool = database.pool("worker_relay")
    async with _alone(database):
        version = await registry.by_request(pool, requested_by) if requested_by else None
        if version is None:
            version = await _train(database, settings, training, requested_by, watch)
        if version.status == "ready":
            await embed_everyone(database)
            await registry.serve(pool, version.id)
            # Whoever was embedded by an event in between has both vectors; whoever began to
            # share while the switch was made is caught up with here.
            await embed_everyone(database)
        forgotten = await registry.prune(pool, version.id)
        await asyncio.to_thread(_clear, Path(settings.objects_directory), forgotten)
    return await registry.require(pool, version.id)


async def embed_everyone(database: Database) -> None:
    """Stored vectors of all candidates of all tenants, under every model in service or ready."""
    for tenant_id in await registry.every_tenant(database.pool("worker_relay")):
        actor = actors.system("embed candidates", tenant_id)
        last: UUID | None = None
        more = True
        while more:
            async with database.tenant(tenant_id, actor) as tx:
                last = await embed_some(tx, last)
            more = last is not None


def code_hash() -> str:
    """Of the code that decides what a model becomes."""
    folder = Path(ml.__file__).parent
    paths = [folder / f"{name}.py" for name in CODE]
    paths.append(Path(passerelle.__file__).parent / "skills" / "folding.py")
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


async def _train(
    database: Database,
    settings: Settings,
    training: TrainingSettings,
    requested_by: UUID | None,
    watch: Watcher | None,
) -> ModelVersion:
    pool = database.pool("worker_relay")
    data = await registry.read_training_data(pool)
    objects = Path(settings.objects_directory)
    key = hashlib.sha256(data.hash().encode() + code_hash().encode() + repr(training).encode())
    folder = objects / "training" / key.hexdigest()[:16]
    model = await train_apart(folder, data, training, watch)
    version_id = registry.new_version_id()
    name = f"models/{version_id}.npz"
    sha256 = artefact.save(model, objects / name)
    new = NewVersion(
        id=version_id,
        requested_by=requested_by,
        data_hash=await registry.data_hash(pool),
        code_hash=code_hash(),
        settings=training,
        artefact=name,
        artefact_sha256=sha256,
    )
    return await registry.add(pool, new, model)


def _clear(objects: Path, forgotten: Sequence[str]) -> None:
    """Removes the files of forgotten models, and what trainings left on their way."""
    for name in forgotten:
        (objects / name).unlink(missing_ok=True)
    shutil.rmtree(objects / "training", ignore_errors=True)


async def train_apart(
    folder: Path,
    data: TrainingData,
    training: TrainingSettings,
    watch: Watcher | None,
    *,
    served_texts: list[str] | None = None,
) -> artefact.Artefact:
    """Trains in a process of its own, so that neither torch nor the load is in this one.

    What is in `folder` from a training of the same, broken off or whole, is used. `served_texts`:
    see ml.training.train. Raises TrainingFailed.
    """
    model_path = folder / Job.MODEL
    if not model_path.is_file():
        await asyncio.to_thread(Job(data, training, served_texts).save, folder)
        await _run(folder, watch)
    return await asyncio.to_thread(artefact.load, model_path)


async def _run(folder: Path, watch: Watcher | None) -> None:
    errors = folder / "errors.log"
    with errors.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ml.training_process",
            str(folder),
            # It ends when this pipe closes: with this process, however it ends.
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
            cwd=folder,
            env=_environment(),
        )
    try:
        async for line in _lines(process):
            if watch:
                watch(msgspec.json.decode(line, type=Progress))
        status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status != 0:
        words = errors.read_text(errors="replace").strip()[-ERROR_LIMIT_CHARACTERS:]
        raise TrainingFailed(f"exit status {status}: {words}")


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    if process.stdout is not None:
        async for line in process.stdout:
            yield line


def _environment() -> dict[str, str]:
    """This process's, without the service's secrets, and with its rooms on the path."""
    rooms = [str(Path(room.__file__ or "").parents[1]) for room in (ml, passerelle)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    path = os.pathsep.join([*rooms, *filter(None, [kept.get("PYTHONPATH")])])
    # Threads that wait must not spin: servers run on the same cores.
    return {**kept, "PYTHONPATH": path, "OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}


@asynccontextmanager
async def _alone(database: Database) -> AsyncIterator[None]:
    """One training at a time in the whole service; a lock of a connection ends with its process."""
    async with database.pool("worker_relay").acquire() as connection:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", TRAINING_LOCK):
            raise TrainingInProgress()
        try:
            yield
        finally:
            await connection.execute("select pg_advisory_unlock($1)", TRAINING_LOCK)
