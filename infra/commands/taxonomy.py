"""`passerelle taxonomy`: the skills and occupations that everything is told in."""

import asyncpg
from cyclopts import App

from infra.commands.context import console, operator_database_url, run, settings
from passerelle.skills.loading import Loaded, load_taxonomy

app = App(name="taxonomy", help="The skills and occupations that everything is told in.")


@app.command
def load() -> int:
    """Load ESCO from PASSERELLE_ESCO_DIRECTORY, or the starter taxonomy where that is not set.

    Needs PASSERELLE_OPERATOR_DATABASE_URL. May be run again; evidence keeps its skills.
    """
    for one in run(_load(operator_database_url(), settings().esco_directory)):
        console.print(
            f"{one.id}: {one.skills} skills, {one.occupations} occupations, {one.links} links"
            f"{'' if one.anew else ' (held already)'}",
            highlight=False,
        )
    return 0


async def _load(url: str, esco_directory: str | None) -> list[Loaded]:
    owner = await asyncpg.connect(url)
    try:
        return await load_taxonomy(owner, esco_directory)
    finally:
        await owner.close()
