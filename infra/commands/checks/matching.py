"""What matching needs: a taxonomy, and a model that is served and whole."""

from pathlib import Path

import asyncpg

from infra.commands.checks.finding import Context, Finding, ok, problem, warning
from infra.commands.context import connect_as

TAXONOMY = "select id, version, skills, occupations from taxonomy order by loaded_at desc limit 1"
SERVED = """
select number, artefact, skills, created_at,
  (select count(*) from skill_vector where model_version = model_version.id) as vectors
from model_version where status = 'served'
"""


async def check(context: Context) -> list[Finding]:
    try:
        connection = await connect_as("worker_relay")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return []  # said by the check of the database
    try:
        taxonomy = await connection.fetchrow(TAXONOMY)
        served = await connection.fetchrow(SERVED)
    except asyncpg.UndefinedTableError:
        return []  # said by the check of migrations
    finally:
        await connection.close()
    return [_taxonomy(taxonomy), _model(served, Path(context.settings.objects_directory))]


def _taxonomy(row: asyncpg.Record | None) -> Finding:
    if row is None:
        return warning(
            "taxonomy",
            "No skills and occupations are loaded.",
            "Nothing can be proven, asked for or matched without them.",
            "`passerelle taxonomy load`",
        )
    return ok(
        "taxonomy",
        f"{row['id']} {row['version']}: {row['skills']} skills, {row['occupations']} occupations",
    )


def _model(row: asyncpg.Record | None, objects: Path) -> Finding:
    if row is None:
        return warning(
            "model",
            "No model is served.",
            "Shortlists cannot be ranked yet; everything else works.",
            "`passerelle model train`, with a worker running.",
        )
    name = f"model {row['number']} of {row['created_at']:%Y-%m-%d}"
    if row["vectors"] != row["skills"]:
        return problem(
            "model",
            f"The {name} has vectors for {row['vectors']} of {row['skills']} skills.",
            "Shortlists would miss what was proven.",
            "`passerelle model train`",
        )
    if not (objects / row["artefact"]).exists():
        return problem(
            "model",
            f"The file of {name} is not in {objects}.",
            "New evidence cannot be embedded.",
            "Put the objects folder's backup back, or `passerelle model train`.",
        )
    return ok("model", f"{name}, {row['vectors']} skills")
