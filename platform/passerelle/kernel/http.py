"""The guard for every address a tenant supplies: no private network, a size and a time limit.

The host is resolved once, each resolved address is checked, and the connection goes to that very
address (no second look-up that could answer otherwise). Redirects are not followed.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from passerelle.kernel.errors import Problem
from passerelle.kernel.language import N_
from passerelle.kernel.settings import Settings


class AddressRefused(Problem):
    """An address that a tenant supplied leads where it must not: a private network, another
    scheme, a name that does not resolve."""

    status = 422
    title = N_("This address can't be used")
    mend = N_("Give an https address that is reachable from the public internet.")


class OutsideFailure(Problem):
    """The other side answered badly, too slowly or with too much."""

    status = 502
    title = N_("The other system did not answer as it should")
    mend = N_("Check that the other system is up and the address is right, then try again.")


class Reply(msgspec.Struct, frozen=True):
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        """Raises OutsideFailure where the content is not JSON."""
        try:
            return msgspec.json.decode(self.content)
        except msgspec.DecodeError as error:
            raise OutsideFailure(f"not JSON: {error}") from None


class GuardedClient:
    """Requests to addresses that tenants supply. Close it when done."""

    def __init__(self, settings: Settings) -> None:
        self._allowed = settings.allowed_private_addresses
        self._limit_bytes = settings.outbound_response_limit_bytes
        self._timeout_s = settings.outbound_timeout_s
        self._client = httpx.AsyncClient(
            timeout=settings.outbound_timeout_s,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        """One request. Raises AddressRefused or OutsideFailure; any status code is returned."""
        try:
            async with asyncio.timeout(self._timeout_s):
                address = await self._resolve(url)
                return await self._send(method, url, address, dict(headers or {}), content)
        except (TimeoutError, httpx.TimeoutException):
            raise OutsideFailure(f"no answer within {self._timeout_s:g} s") from None
        except httpx.HTTPError as error:
            raise OutsideFailure(f"{type(error).__name__}") from None

    async def get_json(self, url: str, *, headers: Mapping[str, str] | None = None) -> Any:
        reply = await self.request(
            "GET", url, headers={"accept": "application/json", **(headers or {})}
        )
        if reply.status != 200:
            raise OutsideFailure(f"answered {reply.status}", status_seen=reply.status)
        return reply.json()

    async def post_form(
        self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        content = str(httpx.QueryParams(dict(form))).encode()
        return await self.request(
            "POST",
            url,
            headers={"content-type": "application/x-www-form-urlencoded", **(headers or {})},
            content=content,
        )

    async def post_json(
        self, url: str, value: object, *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        return await self.request(
            "POST",
            url,
            headers={"content-type": "application/json", **(headers or {})},
            content=msgspec.json.encode(value),
        )

    async def _resolve(self, url: str) -> str:
        parts = urlsplit(url)
        host, port = parts.hostname, _port(parts.scheme, url)
        if host is None or parts.username or parts.password:
            raise AddressRefused("the address has no host, or carries a user name")
        if f"{host}:{port}" not in self._allowed and parts.scheme != "https":
            raise AddressRefused("the address must start with https://")
        return await public_address(host, port, self._allowed)

    async def _send(
        self, method: str, url: str, address: str, headers: dict[str, str], content: bytes | None
    ) -> Reply:
        parts = urlsplit(url)
        target = httpx.URL(url).copy_with(host=address)
        request = self._client.build_request(
            method,
            target,
            headers={**headers, "host": parts.netloc.rpartition("@")[2]},
            content=content,
            extensions={"sni_hostname": parts.hostname},
        )
        reply = await self._client.send(request, stream=True)
        try:
            body = await self._body(reply)
        finally:
            await reply.aclose()
        return Reply(reply.status_code, dict(reply.headers), body)

    async def _body(self, reply: httpx.Response) -> bytes:
        chunks: list[bytes] = []
        size_bytes = 0
        async for chunk in reply.aiter_bytes():
            size_bytes += len(chunk)
            if size_bytes > self._limit_bytes:
                raise OutsideFailure(f"answered with more than {self._limit_bytes} bytes")
            chunks.append(chunk)
        return b"".join(chunks)


async def public_address(host: str, port: int, allowed: frozenset[str]) -> str:
    """The address to connect to for a host that a tenant named. Raises AddressRefused.

    Every address that the name resolves to is checked; connect to the one returned and to no other
    (no second look-up). `allowed` are the host:port pairs that may be private.
    """
    if f"{host}:{port}" in allowed:
        return "127.0.0.1" if host.endswith("localhost") else host
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused(f"the name {host} does not resolve") from None
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not is_public(address):
            raise AddressRefused(f"{host} leads into a private network")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet's."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        embedded = parsed.ipv4_mapped or parsed.sixtofour
        if embedded is not None or parsed.teredo is not None:
            return embedded is not None and is_public(str(embedded))
        if parsed in ipaddress.ip_network("64:ff9b::/96"):
            return False
    return parsed.is_global and not parsed.is_multicast


def _port(scheme: str, url: str) -> int:
    try:
        port = urlsplit(url).port
    except ValueError:
        raise AddressRefused("the address has a bad port") from None
    if scheme not in {"http", "https"}:
        raise AddressRefused("the address must start with https://")
    return port or (443 if scheme == "https" else 80)
