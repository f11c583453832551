"""Statements that are put together from conditions: each is prepared, as the role that runs it."""

from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import msgspec

from passerelle.kernel.database import STANDING_TENANT, Database, bound_statement
from passerelle.kernel.identifiers import new_id
from tenants.audit import store
from tenants.audit.model import Cursor, Filter

NOW = datetime(2026, 11, 24, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "name": "access.refused",
    "who": new_id(),
    "subject": new_id(),
    "text": "x",
    "since": NOW,
    "until": NOW,
    "as_of": NOW,
}


def filters() -> list[Filter]:
    """None set, each by itself, each pair, and all."""
    chosen = [names for size in (0, 1, 2, len(VALUES)) for names in combinations(VALUES, size)]
    return [Filter(**{name: VALUES[name] for name in names}) for names in chosen]


def test_every_filter_has_a_condition() -> None:
    fields = {field.name for field in msgspec.structs.fields(Filter)}
    assert fields == set(VALUES) == set(store.CONDITIONS)


async def test_every_combination_can_be_prepared(database: Database) -> None:
    cursor = Cursor(NOW, new_id())
    async with database.pool("web_tenant").acquire() as connection:
        for wanted in filters():
            where, _ = store.conditions(wanted)
            statements = [
                store.entries_statement(wanted, 50)[0],
                store.entries_statement(wanted, 50, before=cursor, with_body=True)[0],
                store.entries_statement(wanted, 50, after=cursor)[0],
                store.chained_sql(store.conditions(wanted, first=5)[0]),
                store.days_sql(where),
            ]
            for statement in statements:
                await connection.prepare(bound_statement(statement, STANDING_TENANT))
