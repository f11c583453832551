"""What the clocks of persons' own rows ask as the relay: identifiers alone."""

from datetime import timedelta
from uuid import UUID

from passerelle.kernel.database import Database

RELAY_PERSONS_OVER = "select app.person_rows_over($1, $2, $3, $4) as person_id"


async def persons_with_rows_over(
    database: Database, table: str, column: str, age: timedelta, most: int
) -> list[UUID]:
    """Whose, among the `most` oldest rows of the table that are older than `age`."""
    rows = await database.pool("worker_relay").fetch(RELAY_PERSONS_OVER, table, column, age, most)
    return [row["person_id"] for row in rows]
