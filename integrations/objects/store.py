"""The SQL of objects: one statement for each of the two owners."""

from uuid import UUID

import msgspec

from passerelle.kernel.database import Lookup, Scope, TenantTransaction
from passerelle.kernel.ports import BoundRead, BoundTransaction, StoredObject

COLUMNS = "id, name, content_type, size_bytes, digest, written_at"


def scope_of(bound: BoundRead | BoundTransaction) -> Scope:
    return "tenant" if hasattr(bound, "tenant_id") else "person"


def owner_of(bound: BoundRead | BoundTransaction) -> UUID:
    return UUID(str(getattr(bound, f"{scope_of(bound)}_id")))


class _Id(msgspec.Struct):
    id: UUID


def _remove(scope: Scope) -> str:
    return f"delete from {scope}_object where {scope}_id = $1 and name = $2 returning id"  # noqa: S608


REMOVE = _remove("tenant")
PERSON_REMOVE = _remove("person")


async def remove(tx: BoundTransaction, name: str) -> UUID | None:
    """Takes the name away from what has it, and returns that; None where nothing has."""
    sql = REMOVE if isinstance(tx, TenantTransaction) else PERSON_REMOVE
    row = await tx.fetch_one(_Id, sql, owner_of(tx), name)
    return row.id if row else None


def _insert(scope: Scope) -> str:
    return f"""
insert into {scope}_object
  ({scope}_id, id, name, content_type, size_bytes, digest, written_by)
values ($1, $2, $3, $4, $5, $6, $7)
returning {COLUMNS}
"""  # noqa: S608


INSERT = _insert("tenant")
PERSON_INSERT = _insert("person")


async def insert(
    tx: BoundTransaction,
    object_id: UUID,
    name: str,
    content_type: str,
    size_bytes: int,
    digest: str,
) -> StoredObject:
    sql = INSERT if isinstance(tx, TenantTransaction) else PERSON_INSERT
    values = (object_id, name, content_type, size_bytes, digest, tx.actor.display_name)
    written = await tx.fetch_one(StoredObject, sql, owner_of(tx), *values)
    assert written is not None  # noqa: S101  an insert returns its row
    return written


def _by_name(scope: Scope) -> str:
    return f"""
select {COLUMNS} from {scope}_object where {scope}_id = $1 and name = $2
"""  # noqa: S608


BY_NAME = _by_name("tenant")
PERSON_BY_NAME = _by_name("person")


async def by_name(read: BoundRead, name: str) -> StoredObject | None:
    sql = BY_NAME if scope_of(read) == "tenant" else PERSON_BY_NAME
    return await read.fetch_one(StoredObject, sql, owner_of(read), name)


def _by_id(scope: Scope) -> str:
    return f"""
select {COLUMNS} from {scope}_object where {scope}_id = $1 and id = $2
"""  # noqa: S608


BY_ID = _by_id("tenant")
PERSON_BY_ID = _by_id("person")


async def by_id(read: BoundRead, object_id: UUID) -> StoredObject | None:
    sql = BY_ID if scope_of(read) == "tenant" else PERSON_BY_ID
    return await read.fetch_one(StoredObject, sql, owner_of(read), object_id)


def _listed(scope: Scope) -> str:
    return f"""
select {COLUMNS} from {scope}_object
where {scope}_id = $1 and starts_with(name, $2) and name > $3
order by name limit $4
"""  # noqa: S608


LISTED = _listed("tenant")
PERSON_LISTED = _listed("person")


async def listed(read: BoundRead, prefix: str, after: str, limit: int) -> list[StoredObject]:
    sql = LISTED if scope_of(read) == "tenant" else PERSON_LISTED
    return await read.fetch(StoredObject, sql, owner_of(read), prefix, after, limit)


def _used(scope: Scope) -> str:
    return f"""
select coalesce(sum(size_bytes), 0)::bigint from {scope}_object
where {scope}_id = $1
"""  # noqa: S608


USED = _used("tenant")
PERSON_USED = _used("person")


async def used_bytes(read: BoundRead) -> int:
    sql = USED if scope_of(read) == "tenant" else PERSON_USED
    return int(await read.fetch_value(sql, owner_of(read)))


UNKNOWN_LOOKUP = "select unknown as id from app.unknown_objects($1) as unknown"


async def unknown(lookup: Lookup, ids: list[UUID]) -> set[UUID]:
    """Which of these no row names."""
    return {row.id for row in await lookup.fetch(_Id, UNKNOWN_LOOKUP, ids)}
