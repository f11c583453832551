"""Transactions bound to a tenant or to a person, and one-statement reads.

Each binding has a database role of its own, whose row-level policies compare every row with the
bound identifier. Where nothing is bound the database raises (42501): it fails closed. Only this
module begins, commits and rolls back.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Literal, Protocol, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from pgvector import Vector

from passerelle.kernel.actor import Actor
from passerelle.kernel.errors import Conflict, Problem
from passerelle.kernel.settings import Settings

Model = TypeVar("Model", bound=msgspec.Struct)
Scope = Literal["tenant", "person"]


class TransactionAborted(Problem):
    """A statement failed inside the transaction and its error was swallowed: nothing is kept."""


class Read(Protocol):
    """What readers and transactions share."""

    @property
    def actor(self) -> Actor: ...

    async def fetch(self, model: type[Model], sql: str, *arguments: object) -> list[Model]: ...

    async def fetch_one(self, model: type[Model], sql: str, *arguments: object) -> Model | None: ...

    async def fetch_value(self, sql: str, *arguments: object) -> Any: ...


class TenantRead(Read, Protocol):
    @property
    def tenant_id(self) -> UUID: ...


class PersonRead(Read, Protocol):
    @property
    def person_id(self) -> UUID: ...


@lru_cache(maxsize=4096)
def bound_statement(sql: str, setting: str) -> str:
    """`sql`, whose $1 is the bound identifier, as one statement that binds it first.

    The lateral reference makes the planner evaluate the binding before the inner statement.
    """
    return (
        f"with bound as materialized (select set_config('{setting}', ($1::uuid)::text, true) as id)"
        " select statement.* from bound cross join lateral"
        f" (select * from ({sql.rstrip().rstrip(';')}) as inner_statement"
        " where bound.id is not null offset 0) as statement"
    )


def _rows(model: type[Model], records: Sequence[asyncpg.Record]) -> list[Model]:
    rows: list[Model] = [msgspec.convert(dict(record), model) for record in records]
    return rows


class _Reader:
    """One statement a round trip; each binds, reads and forgets."""

    setting = ""

    def __init__(self, pool: asyncpg.Pool, bound_id: UUID, actor: Actor) -> None:
        self._pool = pool
        self._bound_id = bound_id
        self.actor = actor

    async def _records(self, sql: str, arguments: tuple[object, ...]) -> list[asyncpg.Record]:
        if not arguments or arguments[0] != self._bound_id:
            raise ValueError("a bound read takes its tenant's or person's id as first argument")
        records: list[asyncpg.Record] = await self._pool.fetch(
            bound_statement(sql, self.setting), *arguments
        )
        return records

    async def fetch(self, model: type[Model], sql: str, *arguments: object) -> list[Model]:
        return _rows(model, await self._records(sql, arguments))

    async def fetch_one(self, model: type[Model], sql: str, *arguments: object) -> Model | None:
        rows = _rows(model, await self._records(sql, arguments))
        return rows[0] if rows else None

    async def fetch_value(self, sql: str, *arguments: object) -> Any:
        records = await self._records(sql, arguments)
        return records[0][0] if records else None


class TenantReader(_Reader):
    setting = "app.tenant"

    @property
    def tenant_id(self) -> UUID:
        return self._bound_id


class PersonReader(_Reader):
    setting = "app.person"

    @property
    def person_id(self) -> UUID:
        return self._bound_id


class _Transaction:
    setting = ""

    def __init__(self, connection: asyncpg.Connection, bound_id: UUID, actor: Actor) -> None:
        self.connection = connection
        self._bound_id = bound_id
        self.actor = actor

    async def begin(self) -> None:
        # A UUID's text is safe to write out; the simple protocol makes this one round trip.
        await self.connection.execute(
            f"begin; select set_config('{self.setting}', '{UUID(str(self._bound_id))}', true)"
        )

    async def commit(self) -> None:
        if await self.connection.execute("commit") != "COMMIT":
            raise TransactionAborted()

    async def roll_back(self) -> None:
        if not self.connection.is_closed():
            await self.connection.execute("rollback")

    async def fetch(self, model: type[Model], sql: str, *arguments: object) -> list[Model]:
        return _rows(model, await self.connection.fetch(sql, *arguments))

    async def fetch_one(self, model: type[Model], sql: str, *arguments: object) -> Model | None:
        rows = await self.fetch(model, sql, *arguments)
        return rows[0] if rows else None

    async def fetch_value(self, sql: str, *arguments: object) -> Any:
        return await self.connection.fetchval(sql, *arguments)

    async def execute(self, sql: str, *arguments: object) -> int:
        """Rows touched."""
        tag = await self.connection.execute(sql, *arguments)
        count = tag.rsplit(" ", 1)[-1]
        return int(count) if count.isdigit() else 0

    async def execute_many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        await self.connection.executemany(sql, rows)


class TenantTransaction(_Transaction):
    setting = "app.tenant"

    @property
    def tenant_id(self) -> UUID:
        return self._bound_id


class PersonTransaction(_Transaction):
    setting = "app.person"

    @property
    def person_id(self) -> UUID:
        return self._bound_id


class Lookup:
    """What may be asked before anything is bound: SECURITY DEFINER functions, identifiers only."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def fetch(self, model: type[Model], sql: str, *arguments: object) -> list[Model]:
        return _rows(model, await self._pool.fetch(sql, *arguments))

    async def fetch_one(self, model: type[Model], sql: str, *arguments: object) -> Model | None:
        rows = await self.fetch(model, sql, *arguments)
        return rows[0] if rows else None

    async def fetch_value(self, sql: str, *arguments: object) -> Any:
        return await self._pool.fetchval(sql, *arguments)


class Database:
    """A pool for each role. Open it in the event loop that uses it, and close it there."""

    ROLES = ("web_tenant", "web_person", "web_lookup")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pools: dict[str, asyncpg.Pool] = {}

    async def open(self, *, relay: bool = False) -> None:
        for role in (*self.ROLES, "worker_relay") if relay else self.ROLES:
            self._pools[role] = await self._create_pool(role)

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.close()
        self._pools.clear()

    def pool(self, role: str) -> asyncpg.Pool:
        return self._pools[role]

    @property
    def lookup(self) -> Lookup:
        return Lookup(self._pools["web_lookup"])

    def tenant_reader(self, tenant_id: UUID, actor: Actor) -> TenantReader:
        return TenantReader(self._pools["web_tenant"], tenant_id, actor)

    def person_reader(self, person_id: UUID, actor: Actor) -> PersonReader:
        return PersonReader(self._pools["web_person"], person_id, actor)

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID, actor: Actor) -> AsyncIterator[TenantTransaction]:
        """A transaction bound to a tenant: committed at the end, rolled back on any exception."""
        async with (
            self._pools["web_tenant"].acquire() as connection,
            _run(TenantTransaction(connection, tenant_id, actor)) as transaction,
        ):
            yield transaction

    @asynccontextmanager
    async def person(self, person_id: UUID, actor: Actor) -> AsyncIterator[PersonTransaction]:
        """The same, bound to a person."""
        async with (
            self._pools["web_person"].acquire() as connection,
            _run(PersonTransaction(connection, person_id, actor)) as transaction,
        ):
            yield transaction

    async def _create_pool(self, role: str, user: str | None = None) -> asyncpg.Pool:
        settings = self._settings
        return await asyncpg.create_pool(
            settings.database_url,
            user=user or role,
            password=getattr(settings, f"database_password_{role}"),
            min_size=1,
            max_size=settings.database_connections_per_role,
            init=prepare_connection,
            server_settings={
                "application_name": f"passerelle {role}",
                "statement_timeout": str(settings.statement_timeout_ms),
                "idle_in_transaction_session_timeout": str(4 * settings.statement_timeout_ms),
                "timezone": "UTC",
            },
        )


BoundTransaction = TypeVar("BoundTransaction", TenantTransaction, PersonTransaction)


@asynccontextmanager
async def _run(transaction: BoundTransaction) -> AsyncIterator[BoundTransaction]:
    await transaction.begin()
    try:
        yield transaction
    except asyncpg.SerializationError as error:
        await transaction.roll_back()
        raise Conflict() from error
    except BaseException:
        await transaction.roll_back()
        raise
    else:
        await transaction.commit()


async def prepare_connection(connection: asyncpg.Connection) -> None:
    """Teach a connection jsonb (msgspec) and vector (numpy float32)."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
    )
    await connection.set_type_codec(
        "vector",
        schema="public",
        format="binary",
        encoder=lambda value: Vector(value).to_binary(),
        decoder=lambda data: Vector.from_binary(data).to_numpy(),
    )
