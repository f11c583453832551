"""The clocks of persons' own rows: nobody but the map sets their days.

Nothing of it goes on a person's record: the line there would outlive the row it tells of.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.personal_data import REGISTRY, PersonalTable
from tenants.privacy import registered_own as registered_own
from tenants.privacy import relay_store as store
from tenants.privacy.retention import TASK, delete_hanging, delete_old

#: Of the oldest rows so many are looked at in one question; each of their persons is then served.
PAGE_ROWS: Final = 500
PAGES_A_TURN: Final = 20


def clocked() -> list[PersonalTable]:
    """What of persons' own has a clock, by the table's name."""
    found = [entry for entry in REGISTRY.values() if entry.retention and entry.owner == "person"]
    return sorted(found, key=lambda entry: entry.table)


async def apply(database: Database) -> int:
    """A turn: at most PAGES_A_TURN pages of each clock; answers how many rows went."""
    gone = 0
    for entry in clocked():
        assert entry.retention is not None  # noqa: S101  only what has a clock comes here
        age = timedelta(days=entry.retention.days)
        for _ in range(PAGES_A_TURN):
            page = await store.persons_with_rows_over(
                database, entry.table, entry.retention.column, age, PAGE_ROWS
            )
            for person_id in page:
                gone += await _of_person(database, entry, person_id, age)
            if not page:
                break
    return gone


async def _of_person(
    database: Database, entry: PersonalTable, person_id: UUID, age: timedelta
) -> int:
    async with database.person(person_id, actors.system(TASK)) as tx:
        for sql in delete_hanging(entry):
            await tx.execute(sql, tx.person_id, age)
        return await tx.execute(delete_old(entry), tx.person_id, age)
