"""The sign-in realm as code: what Keycloak imports at its first start, and how it is kept true.

`passerelle-realm.json` is the realm without a secret and without an address; `write_realm` fills
this instance's values in, `reconcile` brings a realm that already exists to the same values.
"""

import os
import re
from pathlib import Path
from typing import Any, Protocol

import msgspec

ROOM = Path(__file__).resolve().parent
TEMPLATE = ROOM / "passerelle-realm.json"
#: For Keycloak's option `--spi-theme--folder--dir`.
THEMES = ROOM / "theme"
PLACEHOLDER = re.compile(r"\$\{([a-z_]+)\}")


class InstanceSettings(Protocol):
    """The fields of the kernel's settings that a realm is made from."""

    @property
    def public_url(self) -> str: ...
    @property
    def keycloak_realm(self) -> str: ...
    @property
    def keycloak_client_id(self) -> str: ...
    @property
    def keycloak_client_secret(self) -> str: ...
    @property
    def keycloak_admin_client_id(self) -> str: ...
    @property
    def keycloak_admin_client_secret(self) -> str: ...
    @property
    def smtp_host(self) -> str: ...
    @property
    def smtp_port(self) -> int: ...
    @property
    def smtp_user(self) -> str: ...
    @property
    def smtp_password(self) -> str: ...
    @property
    def mail_from(self) -> str: ...


class RealmValues(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two instances; each field is a placeholder of the template."""

    realm: str
    public_url: str
    web_client_id: str
    web_client_secret: str
    admin_client_id: str
    admin_client_secret: str
    smtp_host: str
    smtp_port: int
    smtp_user: str
    smtp_password: str
    mail_from: str

    def placeholders(self) -> dict[str, str]:
        """Placeholder → text. A mail password travels over TLS only, so it asks for STARTTLS."""
        signed_in = "true" if self.smtp_user else "false"
        return {
            **{name: str(getattr(self, name)) for name in self.__struct_fields__},
            "smtp_auth": signed_in,
            "smtp_starttls": signed_in,
        }


def values_of(settings: InstanceSettings) -> RealmValues:
    """The realm's values of this instance. Raises ValueError where a client has no secret."""
    for name in ("keycloak_client_secret", "keycloak_admin_client_secret"):
        if not getattr(settings, name):
            raise ValueError(f"{name} is empty: the realm's clients need a generated secret")
    return RealmValues(
        realm=settings.keycloak_realm,
        public_url=settings.public_url,
        web_client_id=settings.keycloak_client_id,
        web_client_secret=settings.keycloak_client_secret,
        admin_client_id=settings.keycloak_admin_client_id,
        admin_client_secret=settings.keycloak_admin_client_secret,
        smtp_host=settings.smtp_host,
        smtp_port=settings.smtp_port,
        smtp_user=settings.smtp_user,
        smtp_password=settings.smtp_password,
        mail_from=settings.mail_from,
    )


def filled(values: RealmValues) -> dict[str, Any]:
    """The realm's representation (Keycloak's RealmRepresentation) for this instance.

    Only our own placeholders are filled: `${client_id}` and its like are Keycloak's.
    """
    placeholders = values.placeholders()

    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: fill(value) for key, value in node.items()}
        if isinstance(node, list):
            return [fill(value) for value in node]
        if isinstance(node, str):
            return PLACEHOLDER.sub(lambda found: placeholders.get(found[1], found[0]), node)
        return node

    realm: dict[str, Any] = fill(msgspec.json.decode(TEMPLATE.read_bytes()))
    return realm


def write_realm(directory: Path, values: RealmValues) -> Path:
    """Writes the file for `--import-realm` and returns its path; only its owner can read it.

    Keycloak's import takes `<realm>-realm.json` alone, and leaves a realm that exists as it is:
    see `reconcile` for that one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{values.realm}-realm.json"
    unfinished = path.with_suffix(".json.part")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(filled(values)), indent=2))
    unfinished.replace(path)
    return path
