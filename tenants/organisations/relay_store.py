"""What the worker asks before anything is bound: identifiers of what is due."""

from uuid import UUID

import asyncpg

from passerelle.kernel.database import Database

#: Of one tick of a clock.
AT_ONCE = 100
#: SQLSTATE: there is no such tenant, or not one that may be erased.
NO_TENANT = "PT404"

RELAY_DUE_ERASURES = "select tenant_id from app.due_erasures($1)"


async def due_erasures(database: Database) -> list[UUID]:
    """Organisations that are to be deleted, and whose grace is over."""
    rows = await _relay(database).fetch(RELAY_DUE_ERASURES, AT_ONCE)
    return [row["tenant_id"] for row in rows]


RELAY_ERASE = "select relation, erased from app.erase_tenant($1, $2)"


async def erase(database: Database, tenant_id: UUID, rows_limit: int) -> list[tuple[str, int]]:
    """Erases so many rows, and says how many of which table; nothing: the organisation is gone,
    by this call, by another worker's, or an operator restored it in time."""
    try:
        rows = await _relay(database).fetch(RELAY_ERASE, tenant_id, rows_limit)
    except asyncpg.PostgresError as error:
        if error.sqlstate != NO_TENANT:
            raise
        return []
    return [(row["relation"], row["erased"]) for row in rows]


RELAY_EXPIRED_SIGN_UPS = "select person_id, id from app.expired_sign_ups($1)"


async def expired_sign_ups(database: Database) -> list[tuple[UUID, UUID]]:
    rows = await _relay(database).fetch(RELAY_EXPIRED_SIGN_UPS, AT_ONCE)
    return [(row["person_id"], row["id"]) for row in rows]


RELAY_DUE_HOSTS = "select tenant_id, host from app.due_host_checks($1, $2)"


async def due_hosts(database: Database, every_s: int) -> list[tuple[UUID, str]]:
    """Proved host names that were not looked at for `every_s` seconds."""
    rows = await _relay(database).fetch(RELAY_DUE_HOSTS, every_s, AT_ONCE)
    return [(row["tenant_id"], row["host"]) for row in rows]


def _relay(database: Database) -> asyncpg.Pool:
    return database.pool("worker_relay")
