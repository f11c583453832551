"""`passerelle ml`: train, look at, measure and try out the matching model."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from cyclopts import App
from rich.console import Console
from rich.table import Table

from ml import artefact, registry
from ml.data import TrainingData, of_taxonomies, without_held_out
from ml.pipeline import code_hash, train_and_serve, train_apart
from ml.problems import NoModelServed
from ml.training_settings import Progress, TrainingSettings
from passerelle.kernel import settings as kernel_settings
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from passerelle.skills import taxonomy

app = App(name="ml", help="The matching model: train it, look at it, measure it.")
console, talk = Console(), Console(stderr=True)

Outcome = TypeVar("Outcome")
LINES_LIMIT = 1_000_000


@app.command
def train(*, steps: int | None = None, seed: int = 1) -> int:
    """Train on the taxonomy of the database, here and now, and put the model in service.

    Parameters
    ----------
    steps
        How many steps; more take longer and learn more.
    seed
        Of all that is random; the same gives the same model.
    """
    training = _training(steps, seed)

    async def work(database: Database, settings: Settings) -> registry.ModelVersion:
        return await train_and_serve(database, settings, training, watch=_tell)

    version = _with_database(work)
    console.print(f"Model {version.number} serves: {version.skills} skills. {version.metrics}")
    return 0


@app.command
def status() -> int:
    """Show the models on record, the latest first. Exit status 1 where none serves."""

    async def work(database: Database, settings: Settings) -> list[registry.ModelVersion]:
        return await registry.versions(database.pool("worker_relay"))

    table = Table("model", "status", "skills", "trained at", "accuracy", "untrained", "file")
    found = _with_database(work)
    for one in found:
        accuracy = (f"{one.metrics.get(key, 0):.3f}" for key in ("accuracy", "accuracy_untrained"))
        row = (str(one.number), one.status, str(one.skills), f"{one.created_at:%Y-%m-%d %H:%M}")
        table.add_row(*row, *accuracy, one.artefact)
    console.print(table)
    return 0 if any(one.status == "served" for one in found) else 1


@app.command
def evaluate(*, steps: int | None = None, seeds: int = 1) -> int:
    """Train without the held-out concepts, and measure on them beside simple methods.

    Parameters
    ----------
    steps
        How many training steps.
    seeds
        How many times, each with other draws; the table shows mean and spread.
    """
    from ml import evaluation

    settings = kernel_settings.load()
    full, of = _files_data(settings)
    results: dict[str, list[evaluation.Quality]] = {}
    for seed in range(1, seeds + 1):
        model = _measured_model(settings, full, _training(steps, seed))
        for one in evaluation.compare(full, {"two towers": model}, seed):
            results.setdefault(one.method, []).append(one)
    table = Table("method", "R@10 overlapping", "R@10 disjoint", title=f"{of}, {seeds} seed(s)")
    for method, rows in results.items():
        spread = (
            _mean_and_spread([row.overlapping_recall_at_10 for row in rows]),
            _mean_and_spread([row.disjoint_recall_at_10 for row in rows]),
        )
        table.add_row(method, *spread)
    console.print(table)
    console.print(
        "Synthetic: both sides come from the same occupation's list of skills; this compares "
        "methods and says nothing of hiring. What leaks: an occupation that is not held out may "
        "need nearly the same skills as one that is; where it needs the very same, it is left out "
        "of that requisition's candidates."
    )
    return 0


@app.command
def embed(
    *,
    kind: Literal["skill", "occupation", "text"] = "text",
    language: Literal["en", "fr", "ar"] = "en",
    evaluation: bool = False,
) -> int:
    """Read texts, one a line, and write their vectors as .npy: float32, one unit row a line.

    Parameters
    ----------
    kind
        What the lines are. This encoder treats all alike.
    language
        Of the lines. This encoder needs no telling.
    evaluation
        With the model that never saw the held-out concepts, which is trained where missing.
    """
    lines = [line.rstrip("\n") for line in sys.stdin]
    if len(lines) > LINES_LIMIT:
        talk.print(f"More than {LINES_LIMIT:,} lines: split them.")
        return 1
    settings = kernel_settings.load()
    if evaluation:
        model = _measured_model(settings, _files_data(settings)[0], TrainingSettings())
    else:
        model = _with_database(_served_model)
    np.save(sys.stdout.buffer, model.encode_texts(lines))
    return 0


async def _served_model(database: Database, settings: Settings) -> artefact.Artefact:
    version = await registry.served(database.pool("worker_relay"))
    if version is None:
        raise NoModelServed()
    path = Path(settings.objects_directory) / version.artefact
    return artefact.load(path, version.artefact_sha256)


def _files_data(settings: Settings) -> tuple[TrainingData, str]:
    """All of ESCO where its files are, else the starter taxonomy; and which it is, in words."""
    if settings.esco_directory is None:
        return of_taxonomies(taxonomy.starter()), "Starter taxonomy (too small to compare with)"
    return of_taxonomies(taxonomy.esco(Path(settings.esco_directory))), "All of ESCO"


def _measured_model(
    settings: Settings, full: TrainingData, training: TrainingSettings
) -> artefact.Artefact:
    """The model trained without the held-out concepts; kept in the objects folder."""
    name = f"{full.hash()[:12]}-{code_hash()[:12]}-{training.steps}-{training.seed}"
    folder = Path(settings.objects_directory) / "evaluation" / name
    seen = without_held_out(full)
    return asyncio.run(train_apart(folder, seen, training, _tell, served_texts=full.texts))


def _training(steps: int | None, seed: int) -> TrainingSettings:
    return (
        TrainingSettings(seed=seed) if steps is None else TrainingSettings(seed=seed, steps=steps)
    )


def _with_database(work: Callable[[Database, Settings], Coroutine[Any, Any, Outcome]]) -> Outcome:
    async def run() -> Outcome:
        settings = kernel_settings.load()
        database = Database(settings)
        await database.open("worker")
        try:
            return await work(database, settings)
        finally:
            await database.close()

    return asyncio.run(run())


def _tell(progress: Progress) -> None:
    if progress.step % 20 == 0 or progress.step == progress.steps:
        talk.print(
            f"step {progress.step} of {progress.steps}, loss {progress.loss:.3f},"
            f" {progress.pairs_per_second:,.0f} pairs a second"
        )


def _mean_and_spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values):.3f}"
