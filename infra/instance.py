"""An instance: a folder of `.passerelle` with its secrets, its ports and its servers' data.

`demo` is one and `test` another; they run side by side. Its servers start in the order of need,
Keycloak (by far the slowest) behind everything else.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import asyncpg
import msgspec

from infra import database as databases
from infra import realm
from infra.instance_secrets import Secrets, kept_secrets
from infra.problem import ServerProblem
from infra.realm import reconcile
from infra.servers.keycloak import KeycloakDatabase, KeycloakServer
from infra.servers.mail import MailCatcher
from infra.servers.postgres import PostgresServer
from infra.servers.process import free_port, hold_lock, write_private
from infra.servers.valkey import ValkeyServer
from infra.setup.places import CHECKOUT, MADE
from passerelle.kernel import settings as kernel_settings

DATABASE = "passerelle"
KEYCLOAK_DATABASE = "keycloak"
OPERATOR_DATABASE_URL = "PASSERELLE_OPERATOR_DATABASE_URL"
USUAL_WEB_PORT, USUAL_KEYCLOAK_PORT, USUAL_MAIL_PORT = 8000, 8080, 8025
SHARED_DATA = CHECKOUT.parent / "shared" / "data"
"""Where the whole of ESCO may lie beside a checkout; PASSERELLE_ESCO_DIRECTORY says otherwise."""


class Progress(msgspec.Struct, frozen=True):
    """One thing that was started. `apart`: Keycloak's time, which is reported by itself."""

    what: str
    seconds: float
    apart: bool = False


class Instance:
    """The servers of one instance. `start` may be called again; `stop` ends what it started."""

    def __init__(
        self, name: str, *, progress: Callable[[Progress], None] | None = None, made: Path = MADE
    ) -> None:
        self.directory = made / name
        self._progress = progress or (lambda _: None)
        self.postgres = PostgresServer(self.directory / "postgres")
        self.valkey = ValkeyServer(self.directory / "valkey")
        self.mail = MailCatcher(self.directory / "mail", page_port=USUAL_MAIL_PORT)
        self.keycloak: KeycloakServer | None = None
        self._web_port = 0
        self._lock: BinaryIO | None = None
        self._stopping = False

    def start(self, *, keycloak: bool = True, wait_for_keycloak: bool = True) -> Self:
        """Starts the servers, makes databases and roles, applies migrations. Returns itself.

        Raises ServerProblem (what is wrong, how to mend it); what had started is stopped first.
        """
        if self._lock is not None:
            return self
        try:
            self._start(keycloak, wait_for_keycloak)
        except BaseException:
            self.stop()
            raise
        return self

    def wait_for_keycloak(self) -> None:
        """Returns when Keycloak is ready and its realm is what this instance needs."""
        if self.keycloak is None:
            return
        begun = time.monotonic()
        self.keycloak.wait()
        self._reconcile_realm(self.keycloak)
        self._progress(Progress("Keycloak", time.monotonic() - begun, apart=True))

    def stop(self) -> None:
        """Ends the servers that this object started, the last one first.

        May be called while another thread is in `start`, which then gives up.
        """
        self._stopping = True
        for server in (self.keycloak, self.mail, self.valkey, self.postgres):
            if server is not None:
                server.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def environment(self) -> dict[str, str]:
        """The PASSERELLE_ variables for processes over these servers, secrets among them."""
        own = self.secrets()
        variables = {
            "PUBLIC_URL": f"http://localhost:{self.web_port}",
            "WEB_PORT": str(self.web_port),
            "MASTER_KEY": own.master_key,
            "DATABASE_URL": f"postgresql://127.0.0.1:{self.postgres.port}/{DATABASE}",
            "VALKEY_URL": self.valkey.url,
            "KEYCLOAK_CLIENT_SECRET": own.keycloak_client_secret,
            "KEYCLOAK_ADMIN_CLIENT_SECRET": own.keycloak_admin_client_secret,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.mail.smtp_port),
            "OBJECTS_DIRECTORY": str(self.objects_directory),
            "AUDIT_ANCHOR_DIRECTORY": str(self.directory / "audit-heads"),
        }
        for role, password in own.database_passwords.items():
            variables[f"DATABASE_PASSWORD_{role.upper()}"] = password
        if self.keycloak is not None:
            variables["KEYCLOAK_URL"] = self.keycloak.url
        esco = os.environ.get("PASSERELLE_ESCO_DIRECTORY", _shared_esco())
        if esco:
            variables["ESCO_DIRECTORY"] = esco
        return {kernel_settings.PREFIX + name: value for name, value in variables.items()}

    def write_settings(self, further: Mapping[str, str] | None = None) -> Path:
        """Writes what `passerelle --instance NAME` reads, the operator's address among it."""
        variables = self.environment() | dict(further or {})
        variables[OPERATOR_DATABASE_URL] = self.database_dsn
        lines = [f"{name}={value}\n" for name, value in sorted(variables.items())]
        path = self.directory / "settings.env"
        write_private(path, "".join(lines).encode())
        return path

    @property
    def web_port(self) -> int:
        return self._web_port

    @property
    def objects_directory(self) -> Path:
        return self.directory / "objects"

    @property
    def database_dsn(self) -> str:
        """The superuser's, for migrations and seeds; no request uses it."""
        return self.postgres.superuser_dsn(DATABASE)

    def secrets(self) -> Secrets:
        """Read from the instance's folder, or made where the instance is new."""
        return kept_secrets(self.directory)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self, keycloak: bool, wait_for_keycloak: bool) -> None:
        self._lock = hold_lock(self.directory)
        if self._lock is None:
            raise ServerProblem(
                f"The servers of {self.directory} are in use by another run.",
                "Use that one, or end it with Ctrl-C where it was started.",
            )
        self._stopping = False
        own = self.secrets()
        self._web_port = self._kept_web_port()
        self.objects_directory.mkdir(exist_ok=True)
        self._timed("PostgreSQL", self.postgres.start)
        self._timed("Mail catcher", self.mail.start)
        if keycloak:
            asyncio.run(self._prepare_keycloak_database(own))
            self._timed("Keycloak's process", lambda: self._begin_keycloak(own), apart=True)
        self._timed("Valkey", self.valkey.start)
        self._timed("Roles, database, migrations", lambda: asyncio.run(self._migrate(own)))
        self.write_settings()
        if keycloak and wait_for_keycloak:
            self.wait_for_keycloak()

    def _timed(self, what: str, work: Callable[[], object], *, apart: bool = False) -> None:
        if self._stopping:
            raise ServerProblem(f"{what} was not started: the run was ended.", "Start it again.")
        begun = time.monotonic()
        work()
        self._progress(Progress(what, time.monotonic() - begun, apart))

    def _kept_web_port(self) -> int:
        """The port of last time, or the usual one, or any: addresses depend on it."""
        path = self.directory / "web-port"
        port = free_port(int(path.read_text()) if path.exists() else None, USUAL_WEB_PORT)
        write_private(path, str(port).encode())
        return port

    async def _prepare_keycloak_database(self, own: Secrets) -> None:
        """A role and a database of its own: it sees none of ours, and our roles none of its."""
        connection = await asyncpg.connect(self.postgres.superuser_dsn())
        try:
            role = KEYCLOAK_DATABASE
            if not await connection.fetchval("select 1 from pg_roles where rolname = $1", role):
                await connection.execute(f"create role {role} login nosuperuser nocreaterole")
            password = await connection.fetchval(
                "select quote_literal($1)", own.keycloak_database_password
            )
            await connection.execute(f"alter role {role} password {password}")
            exists = "select 1 from pg_database where datname = $1"
            if not await connection.fetchval(exists, role):
                await connection.execute(f"create database {role} owner {role}")
            await connection.execute(f"revoke connect on database {role} from public")
        finally:
            await connection.close()

    def _begin_keycloak(self, own: Secrets) -> None:
        imported = self.directory / "keycloak" / "realm"
        realm.write_realm(imported, self._realm_values(own))
        database = KeycloakDatabase(
            port=self.postgres.port,
            name=KEYCLOAK_DATABASE,
            user=KEYCLOAK_DATABASE,
            password=own.keycloak_database_password,
        )
        self.keycloak = KeycloakServer(
            self.directory / "keycloak",
            database,
            imported,
            themes=realm.THEMES,
            port=USUAL_KEYCLOAK_PORT,
        )
        self.keycloak.begin()

    async def _migrate(self, own: Secrets) -> None:
        superuser = self.postgres.superuser_dsn()
        try:
            await databases.create_roles(superuser, own.database_passwords)
            await databases.create_database(superuser, DATABASE)
            await databases.migrate(self.database_dsn)
        except (databases.MigrationChanged, databases.MigrationFailed) as problem:
            raise ServerProblem(
                f"The database of {self.directory} cannot be brought up to date: {problem}.",
                "Run `make reset` to begin again with empty data.",
            ) from problem

    def _realm_values(self, own: Secrets) -> realm.RealmValues:
        defaults = {field.name: field.default for field in _setting_fields()}
        return realm.RealmValues(
            realm=defaults["keycloak_realm"],
            public_url=f"http://localhost:{self.web_port}",
            web_client_id=defaults["keycloak_client_id"],
            web_client_secret=own.keycloak_client_secret,
            admin_client_id=defaults["keycloak_admin_client_id"],
            admin_client_secret=own.keycloak_admin_client_secret,
            smtp_host="127.0.0.1",
            smtp_port=self.mail.smtp_port,
            smtp_user="",
            smtp_password="",
            mail_from=defaults["mail_from"],
        )

    def _reconcile_realm(self, keycloak: KeycloakServer) -> None:
        """Keycloak imports a realm once; where ports or the realm's file changed, it is told."""
        values = self._realm_values(self.secrets())
        wanted = hashlib.sha256(
            msgspec.json.encode(values) + realm.TEMPLATE.read_bytes()
        ).hexdigest()
        mark = self.directory / "keycloak" / "realm.stamp"
        if mark.exists() and mark.read_text() == wanted:
            return
        operator = reconcile.Operator(keycloak.admin_client_id, keycloak.admin_client_secret)
        asyncio.run(reconcile.reconcile(keycloak.url, operator, values))
        mark.write_text(wanted)


def _setting_fields() -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kernel_settings.Settings)


def _shared_esco() -> str | None:
    return str(SHARED_DATA) if (SHARED_DATA / "esco_skills.parquet").exists() else None
