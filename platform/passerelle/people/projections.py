"""Which tables hold what was derived from a person's shared rows.

The room that owns such a table registers it here, with the statement that deletes a person's rows
in one organisation; withdrawing a sharing runs them all in its own transaction. The table grants
that to `web_person` by a policy on its `person_id`.
"""

from msgspec import Struct

from passerelle.people.model import Purpose


class Projection(Struct, frozen=True):
    """`delete_sql` takes the person as $1 and the organisation as $2."""

    table: str
    purpose: Purpose
    delete_sql: str


_registered: dict[str, Projection] = {}


def register(table: str, delete_sql: str, purpose: Purpose = "hiring") -> None:
    """Says that `table` holds rows to be deleted when a sharing for `purpose` is withdrawn."""
    projection = Projection(table, purpose, delete_sql)
    if _registered.setdefault(table, projection) != projection:
        raise ValueError(f"the projection {table} is registered twice, differently")


def for_purpose(purpose: str) -> list[Projection]:
    """What a withdrawal for `purpose` deletes, in the order of the tables' names."""
    return [
        _registered[table] for table in sorted(_registered) if _registered[table].purpose == purpose
    ]
