"""What handlers are given by name: transactions and readers already bound, and the actor.

A transaction commits when its handler returns and rolls back on any exception; only the kernel
commits.
"""

from collections.abc import AsyncGenerator
from uuid import UUID

from litestar import Request
from litestar.datastructures import State
from litestar.di import Provide
from redis.asyncio import Redis

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import (
    Database,
    Lookup,
    PersonReader,
    PersonTransaction,
    TenantReader,
    TenantTransaction,
)
from passerelle.kernel.errors import NotSignedIn
from passerelle.kernel.http import GuardedClient
from passerelle.kernel.ports import Objects
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from passerelle.kernel.work import Work
from tenants.access.guard import OnlyLooking
from tenants.access.sessions import Sessions

AnyRequest = Request[None, None, State]


def _actor(request: AnyRequest) -> Actor:
    actor: Actor | None = request.scope["state"].get("actor")
    if actor is None:
        raise NotSignedIn()
    return actor


def _tenant_of(actor: Actor) -> UUID:
    if actor.tenant_id is None:
        raise NotSignedIn()
    return actor.tenant_id


def _person_of(actor: Actor) -> UUID:
    if actor.person_id is None:
        raise NotSignedIn()
    return actor.person_id


def _not_looking(actor: Actor) -> Actor:
    """Raises OnlyLooking where someone looks as another."""
    if actor.viewer is not None:
        raise OnlyLooking()
    return actor


async def provide_transaction(request: AnyRequest) -> AsyncGenerator[TenantTransaction, None]:
    """While someone looks as another, the database itself refuses what would write."""
    actor = _actor(request)
    async with request.app.state.database.tenant(_tenant_of(actor), actor) as tx:
        if actor.viewer is not None:
            await tx.execute("set transaction read only")
        yield tx


async def provide_person_transaction(
    request: AnyRequest,
) -> AsyncGenerator[PersonTransaction, None]:
    actor = _not_looking(_actor(request))
    async with request.app.state.database.person(_person_of(actor), actor) as tx:
        yield tx


async def provide_exam_transaction(request: AnyRequest) -> AsyncGenerator[TenantTransaction, None]:
    actor = _not_looking(_actor(request))
    async with request.app.state.database.live_exam(_tenant_of(actor), actor) as tx:
        yield tx


def provide_exam_reader(request: AnyRequest) -> TenantReader:
    actor = _not_looking(_actor(request))
    database: Database = request.app.state.database
    return database.live_exam_reader(_tenant_of(actor), actor)


def provide_reader(request: AnyRequest) -> TenantReader:
    actor = _actor(request)
    database: Database = request.app.state.database
    return database.tenant_reader(_tenant_of(actor), actor)


def provide_person_reader(request: AnyRequest) -> PersonReader:
    actor = _not_looking(_actor(request))
    database: Database = request.app.state.database
    return database.person_reader(_person_of(actor), actor)


def provide_lookup(request: AnyRequest) -> Lookup:
    database: Database = request.app.state.database
    return database.lookup


def provide_database(request: AnyRequest) -> Database:
    database: Database = request.app.state.database
    return database


def provide_settings(request: AnyRequest) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def provide_sessions(request: AnyRequest) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


def provide_valkey(request: AnyRequest) -> Redis:
    valkey: Redis = request.app.state.valkey
    return valkey


def provide_http(request: AnyRequest) -> GuardedClient:
    client: GuardedClient = request.app.state.http
    return client


def provide_vault(request: AnyRequest) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


def provide_objects(request: AnyRequest) -> Objects:
    objects: Objects = request.app.state.objects
    return objects


def provide_work(request: AnyRequest) -> Work:
    work: Work = request.app.state.work
    return work


DEPENDENCIES: dict[str, Provide] = {
    "actor": Provide(_actor, sync_to_thread=False),
    "tx": Provide(provide_transaction),
    "read": Provide(provide_reader, sync_to_thread=False),
    # These reach live exam items: for sitting an exam and for writing items, nothing else.
    "exam_tx": Provide(provide_exam_transaction),
    "exam_read": Provide(provide_exam_reader, sync_to_thread=False),
    "person_tx": Provide(provide_person_transaction),
    "person_read": Provide(provide_person_reader, sync_to_thread=False),
    "lookup": Provide(provide_lookup, sync_to_thread=False),
    "database": Provide(provide_database, sync_to_thread=False),
    "settings": Provide(provide_settings, sync_to_thread=False),
    "sessions": Provide(provide_sessions, sync_to_thread=False),
    "valkey": Provide(provide_valkey, sync_to_thread=False),
    "http": Provide(provide_http, sync_to_thread=False),
    "vault": Provide(provide_vault, sync_to_thread=False),
    "objects": Provide(provide_objects, sync_to_thread=False),
    "work": Provide(provide_work, sync_to_thread=False),
}
