"""Keycloak on PostgreSQL: the distribution that `make setup` built, in a home of this instance.

Each instance has its own folder of hard links to the built distribution, since Keycloak looks for
the realm to import inside its home; its data is in PostgreSQL alone.
"""

import os
import secrets
import shutil
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

import msgspec

from infra.problem import ServerProblem, require_free_space
from infra.servers.process import free_port, locked, read_record, write_private
from infra.servers.server import Server
from infra.setup.java import java_home
from infra.setup.keycloak import HOME, QUICK_START, REMOVED_VARIABLES
from infra.setup.places import STAMPS

START_DEADLINE_S = 240.0
"""Its first start makes its tables: about 15 s alone, and several times that on a busy machine."""
FREE_SPACE_MIB = 300
ADMIN_USERNAME = "operator"
ADMIN_CLIENT_ID = "operator-service"


class KeycloakDatabase(msgspec.Struct, frozen=True):
    """An empty database, or the one that Keycloak filled before, and its owner."""

    port: int
    name: str
    user: str
    password: str
    host: str = "127.0.0.1"


class Secrets(msgspec.Struct, frozen=True):
    """Of Keycloak's first administrators, made by its first start; people and programs apart."""

    admin_password: str
    admin_client_secret: str


class KeycloakServer(Server):
    """One server; `begin` and `wait` are `start` in two parts, for work in between."""

    name = "Keycloak"
    stop_steps = ((signal.SIGTERM, 30.0),)

    def __init__(
        self,
        directory: Path,
        database: KeycloakDatabase,
        realm_directory: Path,
        *,
        themes: Path | None = None,
        port: int | None = None,
    ) -> None:
        """`realm_directory` holds `<realm>-realm.json` files, imported where not there yet."""
        super().__init__(directory)
        self._database = database
        self._realm_directory = realm_directory
        self._themes = themes
        self._preferred_port = port

    def start(self) -> Self:
        self.begin()
        self.wait()
        return self

    def begin(self) -> None:
        """Starts without waiting, or joins the server of this directory that already runs."""
        with locked(self.directory):
            if self._process.adopt():
                if self._process.owned and not self._is_ready():
                    self._process.stop(*self.stop_steps)
                else:
                    return
            require_free_space(self.directory, FREE_SPACE_MIB)
            self._launch()

    def wait(self) -> None:
        """Returns when Keycloak itself says that it is ready."""
        for _ in range(8):
            try:
                return self._process.wait_until(self._is_ready, START_DEADLINE_S)
            except ServerProblem:
                said = self._process.log_since_start()
                self.stop()
                if "Address already in use" not in said and "already bound" not in said:
                    raise self._explained(said) from None
                with locked(self.directory):
                    self._launch()
        raise ServerProblem("Keycloak found no free port in 8 tries.", "Try again.")

    @property
    def url(self) -> str:
        """The issuer's beginning; `localhost`, where browsers allow Secure cookies over http."""
        return f"http://localhost:{self._process.ports['http']}"

    @property
    def admin_username(self) -> str:
        """Of the console's first administrator, in the realm `master`."""
        return ADMIN_USERNAME

    @property
    def admin_password(self) -> str:
        return self._secrets().admin_password

    @property
    def admin_client_id(self) -> str:
        """Of the service account with which a program administers realms."""
        return ADMIN_CLIENT_ID

    @property
    def admin_client_secret(self) -> str:
        return self._secrets().admin_client_secret

    def _launch(self) -> None:
        record = read_record(self.directory)
        kept = {} if record is None else record.ports
        http = free_port(kept.get("http"), self._preferred_port)
        management = free_port(kept.get("management"), but_not=[http])
        home = self._home()
        imported = home / "data" / "import"
        shutil.rmtree(imported, ignore_errors=True)
        imported.mkdir(parents=True)
        for realm in self._realm_directory.glob("*-realm.json"):
            write_private(imported / realm.name, realm.read_bytes())
        themes = [] if self._themes is None else [f"--spi-theme--folder--dir={self._themes}"]
        self._process.start(
            [
                *(home / "bin" / "kc.sh", "start", "--optimized", "--import-realm"),
                *("--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={http}"),
                f"--hostname=http://localhost:{http}",
                *("--http-management-host=127.0.0.1", f"--http-management-port={management}"),
                *("--cache=local", "--log-level=info", *themes),
            ],
            ports={"http": http, "management": management},
            environment=self._environment(),
        )

    def _home(self) -> Path:
        """Hard links to what setup built, made anew when that changed; no further disk space."""
        stamp = STAMPS / "keycloak"
        if not stamp.exists() or not HOME.exists():
            raise ServerProblem("Keycloak is not installed.", "Run `make setup`.")
        home, mark = self.directory / "home", self.directory / "home.stamp"
        built = stamp.read_text()
        if home.exists() and mark.exists() and mark.read_text() == built:
            return home
        mark.unlink(missing_ok=True)
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(
            HOME, home, copy_function=_link, ignore=shutil.ignore_patterns("data"), symlinks=True
        )
        mark.write_text(built)
        return home

    def _environment(self) -> dict[str, str]:
        """Ours without what would change the start; secrets here, where `ps` doesn't show them."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(REMOVED_VARIABLES)
        }
        database, own = self._database, self._secrets()
        return kept | {
            "JAVA_HOME": str(java_home()),
            "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
            "JAVA_OPTS_APPEND": QUICK_START,
            "KC_DB_URL_HOST": database.host,
            "KC_DB_URL_PORT": str(database.port),
            "KC_DB_URL_DATABASE": database.name,
            "KC_DB_USERNAME": database.user,
            "KC_DB_PASSWORD": database.password,
            "KC_DB_POOL_MAX_SIZE": "20",
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN_USERNAME,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": own.admin_password,
            "KC_BOOTSTRAP_ADMIN_CLIENT_ID": ADMIN_CLIENT_ID,
            "KC_BOOTSTRAP_ADMIN_CLIENT_SECRET": own.admin_client_secret,
        }

    def _secrets(self) -> Secrets:
        path = self.directory / "secrets.json"
        if not path.exists():
            made = Secrets(secrets.token_urlsafe(24), secrets.token_urlsafe(32))
            self.directory.mkdir(parents=True, exist_ok=True)
            write_private(path, msgspec.json.encode(made))
        return msgspec.json.decode(path.read_bytes(), type=Secrets)

    def _is_ready(self) -> bool:
        """Its health page, and every realm: it is called ready while realms are imported."""
        ports = self._process.ports
        imported = (path.name for path in self._realm_directory.glob("*-realm.json"))
        realms = ("master", *(name.removesuffix("-realm.json") for name in imported))
        return _answers(f"http://127.0.0.1:{ports['management']}/health/ready") and all(
            _answers(f"http://127.0.0.1:{ports['http']}/realms/{realm}") for realm in realms
        )

    def _explained(self, said: str) -> ServerProblem:
        log = f"Its log is {self._process.log_path}."
        if "OutOfMemoryError" in said or "insufficient memory" in said:
            return ServerProblem(
                "Keycloak found too little memory (it takes about 700 MB).",
                "End other programs, and try again.",
            )
        if "No space left on device" in said:
            return ServerProblem(
                f"The disk that holds {self.directory} is full.",
                "Free some space there, and try again.",
            )
        errors = [line for line in said.splitlines() if "ERROR" in line or "Caused by" in line]
        last = errors[-1].strip()[:300] if errors else self._process.last_words()
        return ServerProblem(f"Keycloak did not start: {last}", log)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without hard links
        shutil.copy2(source, target)


def _answers(address: str) -> bool:
    try:
        answer = urllib.request.urlopen(address, timeout=5)
    except (OSError, urllib.error.URLError):
        return False
    with answer:
        return bool(answer.status == 200)
