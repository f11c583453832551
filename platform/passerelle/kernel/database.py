"""Transactions bound to a tenant or to a person, and one-statement reads.

Each binding has database roles of its own, whose row-level policies compare every row with the
bound identifier. Where nothing is bound the database raises (42501): it fails closed; a suspended
tenant can't be bound. Only this module begins, commits and rolls back.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from typing import Any, Literal, Protocol, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from passerelle.kernel.actor import Actor
from passerelle.kernel.errors import Conflict, NotFound, Problem, TenantSuspended
from passerelle.kernel.pools import create_pool
from passerelle.kernel.settings import Settings

Model = TypeVar("Model", bound=msgspec.Struct)
Scope = Literal["tenant", "person"]
Process = Literal["web", "worker"]

#: The database roles of a kind of process. `live_exam` alone reads live exam items.
ROLES: dict[Process, tuple[str, ...]] = {
    "web": ("web_tenant", "web_person", "web_lookup", "web_operator", "live_exam"),
    "worker": (
        "worker_tenant",
        "worker_person",
        "web_lookup",
        "worker_relay",
        "live_exam",
        "audit_keeper",
    ),
}
#: How a statement binds $1; what `app.bind_tenant` refuses comes back by these SQLSTATEs.
STANDING_TENANT = "app.bind_tenant({})"
ANY_TENANT = "set_config('app.tenant', ({})::text, true)"
ANY_PERSON = "set_config('app.person', ({})::text, true)"
REFUSALS: dict[str, type[Problem]] = {"PT403": TenantSuspended, "PT404": NotFound}


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
def bound_statement(sql: str, binding: str) -> str:
    """`sql`, whose $1 is the bound identifier, as one statement that binds it first.

    The lateral reference makes the planner evaluate the binding before the inner statement.
    """
    return (
        f"with bound as materialized (select {binding.format('$1::uuid')} as id)"
        " select statement.* from bound cross join lateral"
        f" (select * from ({sql.rstrip().rstrip(';')}) as inner_statement"
        " where bound.id is not null offset 0) as statement"
    )


@contextmanager
def _refusals_named() -> Iterator[None]:
    try:
        yield
    except asyncpg.PostgresError as error:
        refusal = REFUSALS.get(error.sqlstate or "")
        if refusal is None:
            raise
        raise refusal() from None


def _rows(model: type[Model], records: Sequence[asyncpg.Record]) -> list[Model]:
    rows: list[Model] = [msgspec.convert(dict(record), model) for record in records]
    return rows


class _Reader:
    """One statement a round trip; each binds, reads and forgets."""

    def __init__(self, pool: asyncpg.Pool, bound_id: UUID, actor: Actor, binding: str) -> None:
        self._pool = pool
        self._bound_id = bound_id
        self._binding = binding
        self.actor = actor

    async def _records(self, sql: str, arguments: tuple[object, ...]) -> list[asyncpg.Record]:
        if not arguments or arguments[0] != self._bound_id:
            raise ValueError("a bound read takes its tenant's or person's id as first argument")
        with _refusals_named():
            records: list[asyncpg.Record] = await self._pool.fetch(
                bound_statement(sql, self._binding), *arguments
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
    @property
    def tenant_id(self) -> UUID:
        return self._bound_id


class PersonReader(_Reader):
    @property
    def person_id(self) -> UUID:
        return self._bound_id


class _Transaction:
    opening = "begin"

    def __init__(
        self, connection: asyncpg.Connection, bound_id: UUID, actor: Actor, binding: str
    ) -> None:
        self.connection = connection
        self._bound_id = bound_id
        self._binding = binding
        self.actor = actor

    async def begin(self) -> None:
        # A UUID's text is safe to write out; the simple protocol makes this one round trip.
        binding = self._binding.format(f"'{UUID(str(self._bound_id))}'::uuid")
        with _refusals_named():
            await self.connection.execute(f"{self.opening}; select {binding}")

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
    @property
    def tenant_id(self) -> UUID:
        return self._bound_id


class CarrierTransaction(TenantTransaction):
    """Every row of one tenant, as of one moment, however long it takes."""

    opening = (
        "begin isolation level repeatable read; set local role tenant_carrier;"
        " set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0"
    )

    async def put_down(self) -> None:
        """From here on, the rights of the worker again."""
        await self.connection.execute("set local role none")


class OperatorTransaction(TenantTransaction):
    """What the operator does to one tenant: by the functions for it, and on its record. No row of
    the tenant can be read here."""


class PersonTransaction(_Transaction):
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


class OperatorLookup(Lookup):
    """What the operator of the installation may ask about every tenant: names and standing."""


class Database:
    """A pool for each role. Open it in the event loop that uses it, and close it there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pools: dict[str, asyncpg.Pool] = {}
        self._process: Process = "web"

    async def open(self, process: Process = "web", *, also: tuple[str, ...] = ()) -> None:
        """Opens the pools of this kind of process, and of the roles that a test asks for."""
        self._process = process
        for role in (*ROLES[process], *also):
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

    @property
    def operator_lookup(self) -> OperatorLookup:
        """The web process's alone, as `operator` is."""
        return OperatorLookup(self._pools["web_operator"])

    def tenant_reader(
        self, tenant_id: UUID, actor: Actor, *, standing: bool = True
    ) -> TenantReader:
        """Reads of a tenant. They raise TenantSuspended, or NotFound where there is none; with
        `standing=False` a suspended tenant is read as well: for what outlives its suspension."""
        return TenantReader(self._pool_of("tenant"), tenant_id, actor, _binding(standing))

    def live_exam_reader(self, tenant_id: UUID, actor: Actor) -> TenantReader:
        """Reads of a tenant that reach live exam items."""
        return TenantReader(self._pools["live_exam"], tenant_id, actor, STANDING_TENANT)

    def person_reader(self, person_id: UUID, actor: Actor) -> PersonReader:
        return PersonReader(self._pool_of("person"), person_id, actor, ANY_PERSON)

    @asynccontextmanager
    async def tenant(
        self, tenant_id: UUID, actor: Actor, *, standing: bool = True
    ) -> AsyncIterator[TenantTransaction]:
        """A transaction bound to a tenant: committed at the end, rolled back on any exception.

        Raises TenantSuspended, or NotFound where there is no such tenant; `standing=False` doesn't
        ask: for making a tenant.
        """
        async with (
            self._pool_of("tenant").acquire() as connection,
            _run(TenantTransaction(connection, tenant_id, actor, _binding(standing))) as running,
        ):
            yield running

    @asynccontextmanager
    async def live_exam(self, tenant_id: UUID, actor: Actor) -> AsyncIterator[TenantTransaction]:
        """The same, with live exam items in reach."""
        async with (
            self._pools["live_exam"].acquire() as connection,
            _run(TenantTransaction(connection, tenant_id, actor, STANDING_TENANT)) as running,
        ):
            yield running

    @asynccontextmanager
    async def audit(self, tenant_id: UUID, actor: Actor) -> AsyncIterator[TenantTransaction]:
        """Bound to a tenant of whatever standing, as the keeper of its audit record."""
        async with (
            self._pools["audit_keeper"].acquire() as connection,
            _run(TenantTransaction(connection, tenant_id, actor, ANY_TENANT)) as running,
        ):
            yield running

    @asynccontextmanager
    async def operator(self, tenant_id: UUID, actor: Actor) -> AsyncIterator[OperatorTransaction]:
        """What the operator does to a tenant of whatever standing: its plan, its standing."""
        async with (
            self._pools["web_operator"].acquire() as connection,
            _run(OperatorTransaction(connection, tenant_id, actor, ANY_TENANT)) as running,
        ):
            yield running

    @asynccontextmanager
    async def carrier(self, tenant_id: UUID, actor: Actor) -> AsyncIterator[CarrierTransaction]:
        """Bound to a tenant of whatever standing, to take it out whole or to bring it in."""
        async with (
            self._pools["worker_tenant"].acquire() as connection,
            _run(CarrierTransaction(connection, tenant_id, actor, ANY_TENANT)) as running,
        ):
            yield running

    @asynccontextmanager
    async def person(self, person_id: UUID, actor: Actor) -> AsyncIterator[PersonTransaction]:
        """Bound to a person."""
        async with (
            self._pool_of("person").acquire() as connection,
            _run(PersonTransaction(connection, person_id, actor, ANY_PERSON)) as running,
        ):
            yield running

    def _pool_of(self, scope: Scope) -> asyncpg.Pool:
        return self._pools[f"{self._process}_{scope}"]

    async def _create_pool(self, role: str, user: str | None = None) -> asyncpg.Pool:
        return await create_pool(self._settings, role, user)


def _binding(standing: bool) -> str:
    return STANDING_TENANT if standing else ANY_TENANT


BoundTransaction = TypeVar("BoundTransaction", bound=TenantTransaction | PersonTransaction)


@asynccontextmanager
async def _run(transaction: BoundTransaction) -> AsyncIterator[BoundTransaction]:
    try:
        await transaction.begin()
        yield transaction
    except asyncpg.SerializationError as error:
        await transaction.roll_back()
        raise Conflict() from error
    except BaseException:
        await transaction.roll_back()
        raise
    else:
        await transaction.commit()
