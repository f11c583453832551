"""A credential issued by the running server, judged by other people's verifier over HTTP."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import httpx
import msgspec
import pytest
import uvicorn
from litestar import Litestar

from infra.demo.verifier import verdict, verdicts
from passerelle.kernel.settings import Settings
from tests.conftest import People, eventually
from tests.credentials.conftest import Earn, Worker

DocumentOf = Callable[[People, UUID], Awaitable[bytes]]
FLIPS = 20


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """The issuer's DID names the port at which the server really answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return msgspec.structs.replace(settings, public_url=f"http://127.0.0.1:{port}", web_port=port)


@pytest.fixture(scope="module")
async def server(app: Litestar, settings: Settings) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app, host="127.0.0.1", port=settings.web_port, log_config=None, lifespan="off"
    )
    running = uvicorn.Server(config)
    task = asyncio.create_task(running.serve())

    async def started() -> bool:
        return running.started

    await eventually(started)
    yield
    running.should_exit = True
    await task


@pytest.fixture
async def document(
    earn: Earn,
    run_worker: Worker,
    document_of: DocumentOf,
    two_tenants: tuple[People, People],
    server: None,
) -> bytes:
    credential_id = await earn(two_tenants[0])
    await run_worker()
    return await document_of(two_tenants[0], credential_id)


async def test_an_independent_verifier_agrees(document: bytes) -> None:
    found = await verdict(document)
    assert found.valid, found.reason


async def test_after_any_flipped_byte_both_refuse(
    document: bytes, client: httpx.AsyncClient
) -> None:
    flipped = []
    for position in random.Random(7).sample(range(len(document)), FLIPS):
        changed = bytearray(document)
        changed[position] ^= 1
        flipped.append(bytes(changed))
    for one, theirs in zip(flipped, await verdicts(flipped), strict=True):
        assert not theirs.valid, one
        ours = await client.post("/api/verify", content=one)
        assert ours.status_code == 400 or ours.json()["outcome"] != "valid", one
