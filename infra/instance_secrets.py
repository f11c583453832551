"""The secrets of an instance: generated once, kept in one file, lost only with a clear sentence."""

import base64
import secrets
from pathlib import Path

import msgspec

from infra.database import LOGIN_ROLES
from infra.problem import ServerProblem
from infra.servers.process import write_private


class Secrets(msgspec.Struct, frozen=True):
    """Made once for an instance, in a file that only its owner can read."""

    master_key: str
    database_passwords: dict[str, str]
    keycloak_database_password: str
    keycloak_client_secret: str
    keycloak_admin_client_secret: str


def kept_secrets(directory: Path) -> Secrets:
    """Read from the instance's folder, or made where the instance is new. Raises ServerProblem."""
    path = directory / "secrets.json"
    if path.exists():
        return _with_every_role(path, msgspec.json.decode(path.read_bytes(), type=Secrets))
    if (directory / "postgres" / "superuser-password").exists():
        raise ServerProblem(
            f"{path} is missing, and what is sealed in the database cannot be read without it.",
            "Put the file back, or run `make reset` to begin again with empty data.",
        )
    made = Secrets(
        base64.b64encode(secrets.token_bytes(32)).decode(),
        {role: secrets.token_urlsafe(24) for role in LOGIN_ROLES},
        *(secrets.token_urlsafe(24) for _ in range(3)),
    )
    directory.mkdir(parents=True, exist_ok=True)
    write_private(path, msgspec.json.encode(made))
    return made


def _with_every_role(path: Path, kept: Secrets) -> Secrets:
    """A database role that came with a newer version gets its password now."""
    missing = [role for role in LOGIN_ROLES if role not in kept.database_passwords]
    if missing:
        kept.database_passwords.update({role: secrets.token_urlsafe(24) for role in missing})
        write_private(path, msgspec.json.encode(kept))
    return kept
