"""From a request to a model in service, whatever is asked twice or dies on the way."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import numpy as np
import pytest

from ml import artefact, pipeline, registry
from ml.pipeline import train_and_serve
from ml.problems import TrainingFailed, TrainingInProgress
from ml.requests import TrainingRequested, request_training
from ml.tasks import train_model
from ml.training_job import Job
from ml.training_settings import Progress
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.events import Event
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.settings import Settings
from tests.conftest import ROOT, People
from tests.ml.factories import QUICK, put_in_service, starter_data
from tests.people.factories import create_person, share
from tests.skills.factories import load_starter, proof, prove

Tenants = tuple[People, People]


class Holder(msgspec.Struct):
    """The part of a task's Work that training uses."""

    database: Database
    settings: Settings


TINY = msgspec.structs.replace(QUICK, steps=30, checkpoint_steps=10)


@pytest.fixture(scope="module", autouse=True)
async def taxonomy(superuser: asyncpg.Connection, two_tenants: Tenants) -> None:
    await load_starter(superuser)


async def candidate(database: Database, tenant_id: UUID) -> UUID:
    person_id = await create_person(database, "Salma")
    await prove(database, person_id, proof("think critically"), proof("data ethics"))
    await share(database, person_id, tenant_id)
    return person_id


def files_of(settings: Settings, pattern: str) -> set[str]:
    return {path.stem for path in Path(settings.objects_directory).glob(pattern)}


async def test_a_training_ends_with_one_model_in_service_and_everyone_embedded_under_it(
    database: Database, settings: Settings, superuser: asyncpg.Connection, two_tenants: Tenants
) -> None:
    people = [await candidate(database, one.tenant_id) for one in two_tenants]
    told: list[Progress] = []
    request = new_id()
    version = await train_and_serve(
        database, settings, TINY, requested_by=request, watch=told.append
    )
    assert version.status == "served"
    assert [one.step for one in told] == list(range(1, 31))
    assert version.metrics["accuracy"] > version.metrics["accuracy_untrained"]
    embedded = await superuser.fetch(
        "select person_id from candidate_vector where model_version = $1", version.id
    )
    assert {row["person_id"] for row in embedded} >= set(people)
    file = Path(settings.objects_directory) / version.artefact
    model = artefact.load(file, version.artefact_sha256)
    stored = await superuser.fetchval(
        "select as_evidence::text from skill_vector where model_version = $1 and skill_id = $2",
        version.id,
        model.skill_ids[7],
    )
    assert np.allclose(np.array(msgspec.json.decode(stored)), model.as_evidence[7], atol=1e-6)
    assert not files_of(settings, "training/*")
    again = await train_and_serve(database, settings, TINY, requested_by=request)
    assert again.id == version.id


async def test_the_next_model_takes_over_and_the_one_before_last_is_forgotten(
    database: Database, settings: Settings, superuser: asyncpg.Connection, two_tenants: Tenants
) -> None:
    await candidate(database, two_tenants[0].tenant_id)
    first, second = await put_in_service(database), await put_in_service(database)
    third = (await train_and_serve(database, settings, TINY)).id
    held = await registry.versions(database.pool("worker_relay"))
    assert [(one.id, one.status) for one in held] == [(third, "served"), (second, "retired")]
    assert files_of(settings, "models/*.npz") == {str(third)}
    of_model = "select count(*) from candidate_vector where model_version = $1"
    assert await superuser.fetchval(of_model, third) > 0
    assert await superuser.fetchval(of_model, first) == 0


async def test_two_trainings_at_once_are_one(database: Database, settings: Settings) -> None:
    training = msgspec.structs.replace(TINY, seed=21)
    results = await asyncio.gather(
        *(train_and_serve(database, settings, training) for _ in range(2)), return_exceptions=True
    )
    assert sum(isinstance(one, TrainingInProgress) for one in results) == 1, results
    assert sum(isinstance(one, registry.ModelVersion) for one in results) == 1, results


async def test_a_training_that_fails_leaves_the_model_before_in_service(
    database: Database, settings: Settings
) -> None:
    serving = await put_in_service(database)
    hopeless = msgspec.structs.replace(TINY, steps=1, learning_rate=1e-12)
    with pytest.raises(TrainingFailed, match="before"):
        await train_and_serve(database, settings, hopeless)
    still = await registry.served(database.pool("worker_relay"))
    assert still is not None
    assert still.id == serving


async def test_a_training_process_killed_with_sigkill_is_gone_on_with(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    steps: list[int] = []
    create = asyncio.create_subprocess_exec

    async def remembered(*arguments: str, **options: object) -> asyncio.subprocess.Process:
        process = await create(*arguments, **options)  # type: ignore[arg-type]
        killed.append(process.pid)
        return process

    def kill(progress: Progress) -> None:
        if progress.step == 15:
            os.kill(killed[-1], signal.SIGKILL)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remembered)
    training = msgspec.structs.replace(TINY, seed=41, steps=400)
    with pytest.raises(TrainingFailed, match="exit status"):
        await train_and_serve(database, settings, training, watch=kill)
    version = await train_and_serve(
        database, settings, training, watch=lambda one: steps.append(one.step)
    )
    assert version.status == "served"
    assert steps[0] > 10


def test_a_training_process_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    Job(starter_data(), msgspec.structs.replace(QUICK, steps=100_000)).save(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "ml.training_process", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=pipeline._environment(),
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert msgspec.json.decode(process.stdout.readline(), type=Progress).step == 1
    process.stdin.close()
    assert process.wait(30) == 3
    process.stdout.close()


async def test_a_request_is_an_event_that_the_training_task_carries_out_once(
    database: Database, settings: Settings, superuser: asyncpg.Connection
) -> None:
    request_id = await request_training(database, steps=25)
    row = await superuser.fetchrow(
        "select tenant_id, id, payload, occurred_at from tenant_event where subject = $1",
        request_id,
    )
    event: Event[TrainingRequested] = Event(
        id=row["id"],
        name="model.training_requested",
        payload=msgspec.json.decode(row["payload"], type=TrainingRequested),
        occurred_at=row["occurred_at"],
        owner_scope="tenant",
        owner_id=row["tenant_id"],
        person_id=None,
        actor_name="tests",
    )
    await train_model(Holder(database, settings), event)
    pool = database.pool("worker_relay")
    first = await registry.served(pool)
    assert first is not None
    assert (first.requested_by, first.settings["steps"]) == (request_id, 25)
    await train_model(Holder(database, settings), event)
    second = await registry.served(pool)
    assert second is not None
    assert second.id == first.id
    told = "select count(*) from tenant_event where name = 'model.trained' and subject = $1"
    assert await superuser.fetchval(told, first.id) >= 1
    assert await request_training(database, once=True) is None


async def test_no_web_role_can_write_a_model_or_its_vectors(
    database: Database, two_tenants: Tenants
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(two_tenants[0].tenant_id, actors.system("tests")) as tx:
            await tx.execute("update skill_vector set as_evidence = as_requirement")
    async with database.pool("worker_relay").acquire() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select * from candidate_vector")
