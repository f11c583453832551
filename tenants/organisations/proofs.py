"""Looking for an organisation's token where only whoever has the host name can put it."""

from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

import dns.asyncresolver
import dns.exception

from passerelle.kernel.errors import Problem
from passerelle.kernel.http import GuardedClient
from tenants.organisations.host_model import ANSWER_LIMIT_BYTES, Host

DNS_LIMIT_S = 5.0
RECORDS_LIMIT = 50


@runtime_checkable
class Proofs(Protocol):
    async def shows(self, host: Host) -> bool:
        """Whether the host's token stands at its well-known address or in its TXT record."""
        ...


Texts = Callable[[str], Awaitable[list[str]]]


class PublicProofs:
    """Over HTTPS (guarded: no private network) and DNS."""

    def __init__(self, http: GuardedClient, texts: Texts | None = None) -> None:
        self._http = http
        self._texts = texts or texts_of

    async def shows(self, host: Host) -> bool:
        if host.value in await self._texts(host.record):
            return True
        try:
            reply = await self._http.request("GET", host.address)
        except Problem:
            return False
        content = reply.content[:ANSWER_LIMIT_BYTES].strip()
        return reply.status == 200 and content == host.token.encode()


async def texts_of(name: str, resolver: "dns.asyncresolver.Resolver | None" = None) -> list[str]:
    """The TXT records of a name; none where nobody answers in DNS_LIMIT_S."""
    try:
        resolver = resolver or dns.asyncresolver.Resolver()
        answer = await resolver.resolve(name, "TXT", lifetime=DNS_LIMIT_S, search=False)
    except (dns.exception.DNSException, OSError):
        return []
    return [
        b"".join(record.strings).decode("utf-8", "replace")
        for record in list(answer)[:RECORDS_LIMIT]
    ]
