"""The guard of tenant-supplied addresses, against a real server on this machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest

from passerelle.kernel.http import AddressRefused, GuardedClient, OutsideFailure, is_public
from passerelle.kernel.settings import Settings

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[bytes, float], Awaitable[int]]]:
    """Starts a server that answers every request with these bytes after this delay in seconds."""
    servers: list[asyncio.Server] = []

    async def start(answer: bytes, delay_s: float = 0.0) -> int:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(delay_s)
            writer.write(answer)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    yield start
    for server in servers:
        server.close()


def http(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{more}\r\n"
    return head.encode() + body


def guarded(settings: Settings, *allowed: str, **limits: float) -> GuardedClient:
    return GuardedClient(
        msgspec.structs.replace(settings, allowed_private_addresses=frozenset(allowed), **limits)
    )


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/x",
        "https://127.0.0.1:9/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/x",
        "https://2130706433/x",
        "https://user:secret@127.0.0.1/x",
        "https://host.invalid/x",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https://",
        "https://127.0.0.1:bad/",
    ],
)
async def test_private_networks_and_other_schemes_are_refused(
    settings: Settings, address: str
) -> None:
    client = guarded(settings)
    with pytest.raises(AddressRefused):
        await client.request("GET", address)
    await client.close()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.1.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_what_counts_as_public(address: str, public: bool) -> None:
    assert is_public(address) is public


async def test_an_operators_exception_is_reached_and_only_that_port(
    settings: Settings, serve: Callable[..., Awaitable[int]]
) -> None:
    port, other = await serve(http(b'{"a": 1}')), await serve(http(b"{}"))
    client = guarded(settings, f"127.0.0.1:{port}")
    assert await client.get_json(f"http://127.0.0.1:{port}/keys") == {"a": 1}
    with pytest.raises(AddressRefused):
        await client.get_json(f"http://127.0.0.1:{other}/keys")
    await client.close()


async def test_an_answer_that_is_too_long_is_cut_off(
    settings: Settings, serve: Callable[..., Awaitable[int]]
) -> None:
    port = await serve(http(b"x" * 5_000))
    client = guarded(settings, f"127.0.0.1:{port}", outbound_response_limit_bytes=4_096)
    with pytest.raises(OutsideFailure, match="4096 bytes"):
        await client.request("GET", f"http://127.0.0.1:{port}/")
    await client.close()


async def test_an_answer_that_is_too_slow_is_not_waited_for(
    settings: Settings, serve: Callable[..., Awaitable[int]]
) -> None:
    port = await serve(http(b"late"), 5.0)
    client = guarded(settings, f"127.0.0.1:{port}", outbound_timeout_s=0.2)
    with pytest.raises(OutsideFailure, match=r"0\.2 s"):
        await client.request("GET", f"http://127.0.0.1:{port}/")
    await client.close()


async def test_a_redirect_is_not_followed(
    settings: Settings, serve: Callable[..., Awaitable[int]]
) -> None:
    port = await serve(http(b"", "302 Found", "location: http://127.0.0.1:1/\r\n"))
    client = guarded(settings, f"127.0.0.1:{port}")
    with pytest.raises(OutsideFailure, match="302"):
        await client.get_json(f"http://127.0.0.1:{port}/")
    await client.close()


async def test_an_answer_that_is_not_json_says_so(
    settings: Settings, serve: Callable[..., Awaitable[int]]
) -> None:
    port = await serve(http(b"<html>"))
    client = guarded(settings, f"127.0.0.1:{port}")
    with pytest.raises(OutsideFailure, match="not JSON"):
        await client.get_json(f"http://127.0.0.1:{port}/")
    await client.close()
