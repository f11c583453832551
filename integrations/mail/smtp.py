"""One conversation with a mail server (RFC 5321): one message, one recipient.

A password travels over TLS only. Where the server is a tenant's, its address is resolved once and
held to the public internet (kernel.http), and the connection goes to that very address.
"""

import asyncio
import socket
from email.message import EmailMessage
from typing import Any, Final, Literal

import aiosmtplib
import msgspec

from passerelle.kernel.errors import Invalid, Unavailable
from passerelle.kernel.http import public_address
from passerelle.kernel.language import N_

TIMEOUT_S: Final = 15
#: Submission with TLS from the first byte (RFC 8314, 3.3).
IMPLICIT_TLS_PORT: Final = 465
#: From here on a reply is permanent (RFC 5321, 4.2.1): trying again changes nothing.
PERMANENT: Final = 500
REPLY_LIMIT_CHARACTERS: Final = 300

#: `tls` from the first byte; `starttls` before anything is said; `none`: TLS where it is offered.
Security = Literal["tls", "starttls", "none"]
START_TLS: Final[dict[Security, bool | None]] = {"starttls": True, "tls": False, "none": None}


class MailUnavailable(Unavailable):
    """The server can't be reached, or takes nothing now: the outbox tries again."""

    title = N_("The mail server is not taking messages")
    mend = N_("Check the mail server and its settings. What waits is sent when it answers.")


class MessageRefused(Invalid):
    """This message will never be taken as it is: its address, its size, or the server's rules."""

    title = N_("The mail can't be sent")
    mend = N_("Check the person's e-mail address.")


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A mail server, and in whose name messages go out by it."""

    host: str
    port: int
    security: Security
    user: str | None
    password: str | None
    sender: str
    sender_name: str
    # Of a tenant's choosing: held to the public internet, but for these host:port pairs.
    guarded: bool = False
    allowed: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("host", self.host), ("port", self.port)]


async def hand_over(server: Server, content: EmailMessage, to: str) -> str:
    """Gives the message to the server; returns its reply, such as `250 queued as 4F2`.

    Raises MailUnavailable, MessageRefused for what no repeat would mend, or AddressRefused.
    """
    try:
        async with asyncio.timeout(2 * TIMEOUT_S):
            _, said = await aiosmtplib.send(
                content,
                sender=server.sender,
                recipients=[to],
                username=server.user,
                password=server.password,
                use_tls=server.security == "tls",
                start_tls=START_TLS[server.security],
                timeout=TIMEOUT_S,
                **await _way_to(server),
            )
            return _shortened(said)
    except aiosmtplib.SMTPRecipientsRefused as refused:
        said = _shortened("; ".join(f"{each.code} {each.message}" for each in refused.recipients))
        if all(each.code >= PERMANENT for each in refused.recipients):
            raise MessageRefused(said) from None
        raise MailUnavailable(said) from None
    except aiosmtplib.SMTPAuthenticationError as refused:
        raise MailUnavailable(f"it refused our user name ({refused.code})") from None
    except aiosmtplib.SMTPResponseException as refused:
        said = _shortened(f"{refused.code} {refused.message}")
        if refused.code >= PERMANENT and isinstance(refused, aiosmtplib.SMTPDataError):
            raise MessageRefused(said) from None
        raise MailUnavailable(said) from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise MailUnavailable(type(error).__name__) from None


async def _way_to(server: Server) -> dict[str, Any]:
    if not server.guarded:
        return {"hostname": server.host, "port": server.port}
    address = await public_address(server.host, server.port, server.allowed)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connected = socket.socket(family, socket.SOCK_STREAM)
    connected.setblocking(False)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.get_running_loop().sock_connect(connected, (address, server.port))
    except BaseException:
        connected.close()
        raise
    # The name is what the server's certificate is held to.
    return {"hostname": server.host, "sock": connected}


def _shortened(said: str) -> str:
    return " ".join(said.split())[:REPLY_LIMIT_CHARACTERS]
