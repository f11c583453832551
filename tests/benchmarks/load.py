"""A small keep-alive HTTP/1.1 client, cheap enough not to be what is measured.

It talks to loopback only, over a fixed number of connections, for a fixed number of requests.
"""

import asyncio
import time

CONNECTIONS = 8


async def requests_per_second(port: int, path: str, cookie: str, requests: int) -> float:
    """Throughput of `requests` GETs of one path; raises RuntimeError on any status but 200."""
    request = (
        f"GET {path} HTTP/1.1\r\nhost: localhost:{port}\r\ncookie: {cookie}\r\n"
        "accept: application/json\r\n\r\n"
    ).encode()
    started = time.perf_counter()
    shares = [requests // CONNECTIONS] * CONNECTIONS
    await asyncio.gather(*(_connection(port, request, share) for share in shares))
    return sum(shares) / (time.perf_counter() - started)


async def _connection(port: int, request: bytes, count: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for _ in range(count):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.split(b"\r\n", 1)[0].decode())
            await reader.readexactly(_length(head))
    finally:
        writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise RuntimeError("an answer without its length")
