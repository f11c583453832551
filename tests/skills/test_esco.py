"""All of ESCO, where its files are at hand."""

import time

import asyncpg

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.skills import store
from passerelle.skills.loading import load_taxonomy
from tests.conftest import People
from tests.skills.factories import ESCO_DIRECTORY, needs_esco, skill

Tenants = tuple[People, People]


@needs_esco
async def test_all_of_esco_is_loaded_in_seconds_and_its_labels_win(
    superuser: asyncpg.Connection, database: Database, two_tenants: Tenants
) -> None:
    began = time.perf_counter()
    _, esco = await load_taxonomy(superuser, ESCO_DIRECTORY)
    assert time.perf_counter() - began < 30
    assert esco.anew
    assert (esco.skills, esco.occupations) == (13_896, 3_007)
    reader = database.tenant_reader(two_tenants[0].tenant_id, actors.system("tests"))
    wanted = skill("computer forensics")
    assert await store.labels(reader, [wanted], "fr") == {wanted: "informatique légale"}
    # What only the starter holds stays.
    assert await store.known_skills(reader, [skill("data ethics")])
    starter_again, esco_again = await load_taxonomy(superuser, ESCO_DIRECTORY)
    assert not starter_again.anew
    assert not esco_again.anew
