"""An organisation's own mail server: what is set, what is wrong with it, and a test that sends."""

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from integrations.mail.composing import ADDRESS, NAME_LIMIT_CHARACTERS
from integrations.mail.smtp import Security
from passerelle.kernel.language import N_
from passerelle.kernel.tenant_settings import SealedText

NAME: Final = "mail"
HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
PORT_MOST: Final = 65_535


class MailSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Without a host, mail goes out by the operator's server."""

    host: Annotated[
        str,
        Meta(
            title=N_("Mail server"),
            description=N_("Such as mail.example.org. Empty: the operator’s server."),
        ),
    ] = ""
    port: Annotated[
        int,
        Meta(
            title=N_("Port"),
            description=N_("587 with STARTTLS, 465 with TLS, mostly"),
            ge=1,
            le=PORT_MOST,
        ),
    ] = 587
    security: Annotated[
        Security,
        Meta(
            title=N_("Encryption"),
            extra={
                "labels": {
                    "tls": N_("TLS from the start"),
                    "starttls": N_("STARTTLS"),
                    "none": N_("None"),
                }
            },
        ),
    ] = "starttls"
    user: Annotated[str, Meta(title=N_("User name"))] = ""
    password: Annotated[str, SealedText, Meta(title=N_("Password"))] = ""
    from_address: Annotated[
        str,
        Meta(
            title=N_("Sender’s address"),
            description=N_("The address that the mails come from"),
            extra={"kind": "email"},
        ),
    ] = ""
    from_name: Annotated[
        str,
        Meta(title=N_("Sender’s name"), description=N_("Empty: Passerelle"), max_length=100),
    ] = ""


def problems(value: MailSettings) -> dict[str, str]:
    """What is wrong, by field; nothing is wrong with no server of one's own."""
    wrong: dict[str, str] = {}
    if len(value.from_name) > NAME_LIMIT_CHARACTERS or not value.from_name.isprintable():
        wrong["from_name"] = N_("Give a name of at most 100 characters, on one line")
    if not value.host:
        if value.user or value.password or value.from_address:
            wrong["host"] = N_("Give the server, or leave everything but the name empty")
        return wrong
    if not HOST.fullmatch(value.host):
        wrong["host"] = N_("Give a host name, such as mail.example.org")
    if not 1 <= value.port <= PORT_MOST:
        wrong["port"] = N_("Give a port between 1 and 65535; mostly 587 or 465")
    if not ADDRESS.fullmatch(value.from_address):
        wrong["from_address"] = N_("Give the address that the mails come from")
    if value.password and not value.user:
        wrong["user"] = N_("Give the user name that goes with the password")
    if value.user and value.security == "none":
        wrong["security"] = N_("A password travels encrypted only: choose TLS or STARTTLS")
    return wrong
