"""A host name that an organisation claims, and how it proves that the name is its own."""

import ipaddress
import re
import secrets
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from passerelle.kernel.language import N_

HOSTS_LIMIT = 10
HOST_LIMIT_CHARACTERS = 253
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
#: They lead nowhere in public (RFC 6761, RFC 6762, RFC 8375).
NOWHERE = frozenset({"local", "localhost", "internal", "invalid", "test", "onion", "arpa"})
WELL_KNOWN = "/.well-known/passerelle-host"
RECORD_PREFIX = "_passerelle."
VALUE_PREFIX = "passerelle="
ANSWER_LIMIT_BYTES = 1_000

HOST_WRONG = N_("Give a whole host name in small Latin letters, such as academy.example.org")
OURS = N_("This host name belongs to the service itself")


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """`proved_at` is null until a check found the token, and again once checks kept failing."""

    host: str
    token: str
    claimed_at: datetime
    claimed_by: str
    proved_at: datetime | None
    checked_at: datetime | None
    check_ok: bool | None
    detail: str | None
    failures: int

    @property
    def address(self) -> str:
        """Where the token is looked for over HTTPS."""
        return f"https://{self.host}{WELL_KNOWN}"

    @property
    def record(self) -> str:
        """The TXT record in which the token is looked for."""
        return RECORD_PREFIX + self.host

    @property
    def value(self) -> str:
        return VALUE_PREFIX + self.token


class HostOnRecord(msgspec.Struct, frozen=True):
    """`host.claimed`, `host.proved`, `host.lost`, `host.released`."""

    host: str


def new_token() -> str:
    return secrets.token_urlsafe(32)


def host_problem(host: str, public_url: str) -> str | None:
    """What is wrong with a host name, whoever has it; None where nothing is."""
    labels = host.split(".")
    if len(host) > HOST_LIMIT_CHARACTERS or len(labels) < 2:
        return HOST_WRONG
    if not all(LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        return HOST_WRONG
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return HOST_WRONG
    ours = urlsplit(public_url).hostname or ""
    if host == ours or host.endswith("." + ours) or ours.endswith("." + host):
        return OURS
    return HOST_WRONG if labels[-1] in NOWHERE else None


def host_of(header: str) -> str:
    """The host name of a Host header, without its port, in small letters."""
    name = header.strip().lower()
    if name.startswith("["):
        return ""
    return name.partition(":")[0].rstrip(".")
