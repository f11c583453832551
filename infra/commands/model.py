"""`passerelle model`: the matching models on record, and asking for another."""

from cyclopts import App
from rich.table import Table

from infra.commands.context import console, run, settings
from infra.problem import OperatorProblem
from ml import registry
from ml.problems import TrainingDataInvalid
from ml.registry import ModelVersion
from ml.requests import request_training
from passerelle.kernel.database import Database

app = App(name="model", help="The matching models on record, and asking for another.")


@app.command(name="list")
def show() -> int:
    """List the models, the latest first."""
    table = Table("number", "status", "skills", "trained", "measures")
    for version in run(_versions()):
        measures = ", ".join(f"{name} {value:.3f}" for name, value in version.metrics.items())
        table.add_row(
            str(version.number),
            version.status,
            str(version.skills),
            f"{version.created_at:%Y-%m-%d %H:%M}",
            measures,
        )
    console.print(table)
    return 0


@app.command
def train() -> int:
    """Ask the worker to train a model on the taxonomy; it serves when it is done."""
    try:
        request_id = run(_train())
    except TrainingDataInvalid as problem:
        raise OperatorProblem(
            f"No model can be trained: {problem}.",
            "`passerelle taxonomy load`, and create an organisation first.",
        ) from problem
    console.print(f"Asked for ({request_id}). `passerelle model list` shows it when it serves.")
    return 0


async def _versions() -> list[ModelVersion]:
    database = Database(settings())
    await database.open("worker")
    try:
        return await registry.versions(database.pool("worker_relay"))
    finally:
        await database.close()


async def _train() -> object:
    database = Database(settings())
    await database.open("worker")
    try:
        return await request_training(database)
    finally:
        await database.close()
