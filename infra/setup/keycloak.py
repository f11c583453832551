"""Keycloak's distribution, from Maven Central, checked against a pinned hash and built once."""

import hashlib
import os
import shutil
import zipfile
from pathlib import Path

from infra.problem import SetupProblem, require_free_space
from infra.setup.java import java_home
from infra.setup.places import MADE, program
from infra.setup.run import ONLINE, run, step
from infra.setup.stamps import Stamp

VERSION = "26.7.0"
SHA256 = "e63bd0167199c0092b8a4d22cc137e6b7a70e0089070f6f7799b1be504b69a8a"
GROUP, NAME = "org.keycloak", "keycloak-quarkus-dist"
SIZE_MB = 176
BUILD_OPTIONS = ("--db=postgres", "--health-enabled=true")
"""What Keycloak compiles in, so that it starts in seconds. Clusters and metrics are not needed."""

HOME = MADE / f"keycloak-{VERSION}"
QUICK_START = "-XX:TieredStopAtLevel=1"
"""For Java: half the processor time of a start (9 s against 18 s), where nothing runs for long."""
REMOVED_VARIABLES = ("KC_", "QUARKUS_", "JAVA_OPTS", "JAVA_ADD_OPENS", "DEBUG")
"""An operator's own would change the build or the start: `KC_DB_URL=''` breaks both, and
`DEBUG=true` opens a debugger's port."""


def make() -> None:
    stamp = Stamp("keycloak", words=(VERSION, SHA256, *BUILD_OPTIONS, _given_home() or ""))
    if stamp.is_current(HOME / "bin" / "kc.sh"):
        return
    stamp.remove()
    require_free_space(MADE, 600)
    home = java_home()
    _unpack()
    with step("Building Keycloak for PostgreSQL"):
        run(
            [HOME / "bin" / "kc.sh", "build", *BUILD_OPTIONS],
            environment={"JAVA_HOME": str(home), "JAVA_OPTS_APPEND": QUICK_START},
            without=REMOVED_VARIABLES,
            failing="Keycloak could not be built",
            mend=f"Remove {HOME} and run `make setup` again.",
        )
    stamp.set()


def _given_home() -> str | None:
    return os.environ.get("KEYCLOAK_HOME") or None


def _unpack() -> None:
    """Into a folder beside the final one, then one rename: an interrupted one leaves nothing."""
    new = HOME.with_name(f"{HOME.name}.new")
    for folder in (new, HOME):
        shutil.rmtree(folder, ignore_errors=True)
    given = _given_home()
    if given is not None:
        if not Path(given, "bin", "kc.sh").exists():
            raise SetupProblem(
                f"KEYCLOAK_HOME is {given}, and there is no bin/kc.sh in it.",
                "Name the folder of an unpacked Keycloak, or unset KEYCLOAK_HOME.",
            )
        # Copied: the build writes into it, and theirs stays as it is.
        shutil.copytree(given, new, ignore=shutil.ignore_patterns("data"))
    else:
        archive = _download()
        with step("Unpacking Keycloak"), zipfile.ZipFile(archive) as file:
            for member in file.infolist():
                target = file.extract(member, new)
                # zipfile forgets which files are programs.
                Path(target).chmod((member.external_attr >> 16) & 0o777 or 0o755)
        inner = new / HOME.name
        inner.rename(HOME)
        new.rmdir()
        archive.unlink()
        return
    new.rename(HOME)


def _download() -> Path:
    archive = MADE / f"keycloak-{VERSION}.zip"
    archive.parent.mkdir(parents=True, exist_ok=True)
    if _sound(archive):
        return archive

    def so_far() -> str:
        size = archive.stat().st_size if archive.exists() else 0
        return f"{size // 10**6} of {SIZE_MB} MB"

    with step(f"Downloading Keycloak {VERSION} ({SIZE_MB} MB)", so_far):
        _fetch(archive)
    if not _sound(archive):
        archive.unlink()
        raise SetupProblem(
            f"What was downloaded as Keycloak {VERSION} is not the file that was expected (its "
            "SHA-256 differs).",
            "Run `make setup` again; if it stays so, look at what answers for Maven Central.",
        )
    return archive


def _fetch(archive: Path) -> None:
    """By the Python client, else by Maven where it is installed and reaches further."""
    failing = f"Keycloak {VERSION} could not be downloaded"
    try:
        run([program("maven-artifact"), f"{GROUP}:{NAME}:zip:{VERSION}", archive], failing=failing)
    except SetupProblem:
        maven = shutil.which("mvn")
        if maven is None:
            raise SetupProblem(
                f"{failing}.", f"{ONLINE} Or set KEYCLOAK_HOME to an unpacked Keycloak."
            ) from None
        # Java ignores HOME: without this it would write into the user's real home.
        repository = MADE / "maven"
        run(
            [
                *(maven, "--batch-mode", "--quiet", f"-Dmaven.repo.local={repository}"),
                *(
                    "dependency:copy",
                    f"-Dartifact={GROUP}:{NAME}:{VERSION}:zip",
                ),
                *(f"-DoutputDirectory={repository}", "-Dmdep.stripVersion=true"),
            ],
            failing=failing,
        )
        (repository / f"{NAME}.zip").replace(archive)
        shutil.rmtree(repository, ignore_errors=True)


def _sound(archive: Path) -> bool:
    if not archive.exists():
        return False
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == SHA256
