"""The storage follows the contract of `scim2-server`, over the real database."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from scim2_models import ScimFilter, ScimProvider, SearchRequest
from scim2_server.storage import AsyncScimStorage, ScimStorage, SearchPage
from scim2_server.testing import (
    SEARCH_FILTERS,
    SEARCH_SORTS,
    AsyncScimStorageContract,
    BlockingStorage,
    ScimStorageContract,
)

from integrations.scim import clients
from integrations.scim.filters import where
from integrations.scim.model import Caller
from integrations.scim.orders import order_of
from integrations.scim.schema import PROVIDER, USER
from integrations.scim.storage import TenantStorage
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from tests.integrations.scim.conftest import create_directory


class CommittingStorage(AsyncScimStorage):
    """Each call in a transaction of its own, as each request is."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database = database
        self._caller = caller

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[TenantStorage]:
        actor = clients.actor_of(self._caller)
        with PROVIDER:
            async with self._database.tenant(self._caller.tenant_id, actor) as tx:
                yield TenantStorage(tx, self._caller)

    async def get(self, *arguments: Any, response_parameters: Any = None) -> Any:
        async with self._opened() as storage:
            return await storage.get(*arguments, response_parameters=response_parameters)

    async def search(self, *arguments: Any, position: Any = None) -> SearchPage:
        async with self._opened() as storage:
            return await storage.search(*arguments, position=position)

    async def create(self, *arguments: Any) -> Any:
        async with self._opened() as storage:
            return await storage.create(*arguments)

    async def update(self, *arguments: Any, expected_version: str | None = None) -> Any:
        async with self._opened() as storage:
            return await storage.update(*arguments, expected_version=expected_version)

    async def delete(self, *arguments: Any, expected_version: str | None = None) -> None:
        async with self._opened() as storage:
            await storage.delete(*arguments, expected_version=expected_version)


class Runner:
    """Runs a coroutine to its end in a loop of another thread: the contract is not asynchronous."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[tuple[Runner, Database]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner, database = Runner(loop), Database(settings)
    runner.run(database.open())
    yield runner, database
    runner.run(database.close())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


class TestStorage(AsyncScimStorageContract):
    @pytest.fixture
    def provider(self) -> ScimProvider:
        return PROVIDER

    @pytest.fixture
    def storage(self, opened: tuple[Runner, Database]) -> ScimStorage:  # type: ignore[override]
        runner, database = opened
        directory = runner.run(create_directory(database, "contract"))
        caller = Caller(directory.tenant_id, directory.client_id, directory.client_id, "tests")
        return BlockingStorage(CommittingStorage(database, caller), runner)  # type: ignore[arg-type]


# Pages are asked for by index, as Entra ID and Okta do; no cursor is announced.
for name in [name for name in vars(ScimStorageContract) if name.startswith("test_cursor")]:
    setattr(TestStorage, name, None)


def test_every_kind_of_filter_and_order_of_the_contract_is_translated() -> None:
    """None is refused: the contract passes over what a storage refuses, and would prove nothing."""
    for text in SEARCH_FILTERS:
        where(ScimFilter(text), USER, "User", [])
    for by in SEARCH_SORTS:
        assert "r.id" in order_of(SearchRequest[USER](sort_by=by), [("User", USER)])  # type: ignore[valid-type]
