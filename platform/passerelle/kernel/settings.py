"""Everything that can be set, read once from the environment into one typed structure.

A variable is the field's name in capitals after `PASSERELLE_`. Secrets have no default: the
process that starts the servers generates them. `repr` never shows one.
"""

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

PREFIX = "PASSERELLE_"
OPERATOR_TOKEN_CHARACTERS = 32
SECRET_FIELDS = frozenset(
    {
        "master_key",
        "database_password_web_tenant",
        "database_password_web_person",
        "database_password_web_lookup",
        "database_password_web_operator",
        "database_password_worker_tenant",
        "database_password_worker_person",
        "database_password_worker_relay",
        "database_password_live_exam",
        "database_password_audit_keeper",
        "valkey_url",
        "operator_token",
        "keycloak_client_secret",
        "keycloak_admin_client_secret",
        "smtp_password",
        "objects_secret_access_key",
    }
)


class SettingsError(Exception):
    """A variable of the environment is missing or can't be read; the message names it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units stand last in each name. Durations are seconds unless the name says otherwise."""

    # Where people reach us; no trailing slash. Cookies, LTI, DID and OIDC addresses follow from it.
    public_url: str
    web_host: str = "127.0.0.1"
    web_port: int = 8000
    log_level: str = "info"

    # 32 random bytes, base64: seals the tenants' private keys (kernel.secrets).
    master_key: str

    # postgresql://host:port/name, without user: each role signs in with a password of its own. A
    # process needs those of its own kind alone (kernel.database.ROLES).
    database_url: str
    database_password_web_tenant: str = ""
    database_password_web_person: str = ""
    database_password_web_lookup: str
    database_password_web_operator: str = ""
    database_password_worker_tenant: str = ""
    database_password_worker_person: str = ""
    database_password_worker_relay: str = ""
    database_password_live_exam: str = ""
    database_password_audit_keeper: str = ""
    database_connections_per_role: int = 10
    statement_timeout_ms: int = 15_000

    valkey_url: str

    # The bearer token of the operator's API, 32 characters or more; empty: that API is closed.
    operator_token: str = ""
    # Whether anyone may make an organisation by proving an e-mail address.
    sign_up_open: bool = True
    # How long an organisation that is to be deleted can still be restored.
    deletion_grace_days: int = 30

    # Proxies whose X-Forwarded-For is believed, addresses or networks; none: the socket's address.
    trusted_proxies: frozenset[str] = frozenset()
    # Requests a second of one session, and how many at once; an organisation's stand in its plan,
    # and it may send so many seconds' worth at once.
    session_requests_per_s: int = 20
    session_requests_burst: int = 200
    tenant_burst_s: int = 10
    # Changes to the limits of single doors: name=requests a second/burst, as in verify=5/50.
    rate_limits: frozenset[str] = frozenset()
    # Every limit is multiplied by this; 0 switches them off.
    rate_limit_scale: int = 1

    session_idle_minutes: int = 60
    session_absolute_minutes: int = 600
    # A browser that goes on being used is given a new token after so long.
    session_renewal_minutes: int = 15

    keycloak_url: str = ""
    keycloak_realm: str = "passerelle"
    keycloak_client_id: str = "passerelle-web"
    keycloak_client_secret: str = ""
    keycloak_admin_client_id: str = "passerelle-admin"
    keycloak_admin_client_secret: str = ""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 25
    smtp_user: str = ""
    smtp_password: str = ""
    mail_from: str = "no-reply@passerelle.invalid"

    # host:port pairs on private networks that tenants' addresses may name; none in production.
    allowed_private_addresses: frozenset[str] = frozenset()
    # host:port of the name server that proofs of domains are asked of; empty: the machine's own.
    dns_server: str = ""
    outbound_timeout_s: float = 10.0
    outbound_response_limit_bytes: int = 1_048_576
    request_body_limit_bytes: int = 2_097_152

    # Model artefacts, in this folder; and files of tenants and persons, where no bucket is named.
    objects_directory: str
    # s3://bucket or s3://bucket/prefix; without a key the machine's own identity serves.
    objects_url: str = ""
    objects_endpoint: str = ""
    objects_region: str = ""
    objects_access_key_id: str = ""
    objects_secret_access_key: str = ""
    # Where the heads of the audit records are written down: out of the database's reach, best on
    # another machine. A folder, a mailbox (one mail a day), either, both or none.
    audit_anchor_directory: str | None = None
    audit_anchor_mailbox: str = ""
    audit_anchor_minutes: int = 60

    # The whole ESCO classification as parquet files; without it the starter taxonomy serves.
    esco_directory: str | None = None

    # How often the outbox is looked at: while nothing comes, and while there is work.
    relay_interval_ms: int = 100
    relay_busy_interval_ms: int = 10
    relay_batch_rows: int = 100
    # A queue of the broker holds no more than so many messages a thread: what comes next waits
    # for these, whoever's they are. All else waits in the outbox, where turns are taken.
    relay_window_messages_per_thread: int = 1
    delivery_attempts: int = 12
    worker_threads: int = 8
    # Of these threads, bulk work takes no more than so many percent, and training so many threads.
    worker_bulk_percent: int = 50
    worker_training_threads: int = 1

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """What a traceback that prints local variables shows: msgspec's own shows every field."""
        return [
            (name, "<secret>" if name in SECRET_FIELDS else getattr(self, name))
            for name in self.__struct_fields__
        ]


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises SettingsError, naming the variable and the mend."""
    environment = os.environ if environment is None else environment
    types = get_type_hints(Settings)
    known = {PREFIX + name.upper(): name for name in Settings.__struct_fields__}
    values: dict[str, object] = {}
    for variable, name in known.items():
        text = environment.get(variable)
        if text is None:
            continue
        values[name] = _converted(variable, text, types[name])
    defaults = msgspec.structs.fields(Settings)
    for field in defaults:
        if field.required and field.name not in values:
            variable = PREFIX + field.name.upper()
            raise SettingsError(f"{variable} is not set. Give it a value and start again.")
    settings = msgspec.convert(values, Settings)
    _check(settings)
    return settings


def _converted(variable: str, text: str, expected: object) -> object:
    if expected == frozenset[str]:
        return frozenset(part.strip() for part in text.split(",") if part.strip())
    if expected == str | None:
        return text or None
    try:
        return msgspec.convert(text, expected, strict=False)
    except msgspec.ValidationError:
        kind = getattr(expected, "__name__", str(expected))
        raise SettingsError(f"{variable} is {text!r}, which is not of kind {kind}.") from None


def _check(settings: Settings) -> None:
    if not settings.public_url.startswith(("http://", "https://")) or settings.public_url.endswith(
        "/"
    ):
        raise SettingsError(
            f"{PREFIX}PUBLIC_URL is {settings.public_url!r}: it starts with https:// "
            "(http:// on this machine alone) and ends without a slash."
        )
    try:
        key_bytes = len(base64.b64decode(settings.master_key, validate=True))
    except ValueError:
        key_bytes = 0
    if key_bytes != 32:
        raise SettingsError(f"{PREFIX}MASTER_KEY is not 32 random bytes in base64.")
    if not Path(settings.objects_directory).is_absolute():
        raise SettingsError(
            f"{PREFIX}OBJECTS_DIRECTORY is {settings.objects_directory!r}: give a whole path."
        )
    if settings.audit_anchor_directory and not Path(settings.audit_anchor_directory).is_absolute():
        raise SettingsError(
            f"{PREFIX}AUDIT_ANCHOR_DIRECTORY is {settings.audit_anchor_directory!r}: "
            "give a whole path."
        )
    if settings.operator_token and len(settings.operator_token) < OPERATOR_TOKEN_CHARACTERS:
        raise SettingsError(
            f"{PREFIX}OPERATOR_TOKEN is shorter than {OPERATOR_TOKEN_CHARACTERS} characters: make "
            "one at random, or leave it empty."
        )
    if settings.log_level not in {"debug", "info", "warning", "error"}:
        raise SettingsError(
            f"{PREFIX}LOG_LEVEL is {settings.log_level!r}: debug, info, warning or error."
        )
