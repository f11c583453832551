"""This machine: Python, settings that go together, disk, folders, the built front end."""

import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from infra.commands.checks.finding import Context, Finding, ok, problem, warning
from passerelle.web import assets

OLDEST_PYTHON = (3, 11)
FREE_PROBLEM_MIB, FREE_WARNING_MIB = 500, 5_000
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < OLDEST_PYTHON:
        return problem(
            "python",
            f"This is Python {version}.",
            "The service needs 3.11 or newer.",
            "Install a newer one.",
        )
    return ok("python", f"Python {version}")


async def check(context: Context) -> list[Finding]:
    return [
        _public_url(context),
        _private_addresses(context),
        _objects(context),
        _disk(context),
        _front_end(),
    ]


def _public_url(context: Context) -> Finding:
    address = context.settings.public_url
    parts = urlsplit(address)
    if parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS:
        return problem(
            "public address",
            f"PASSERELLE_PUBLIC_URL is {address}.",
            "Sessions travel in Secure cookies, which browsers refuse over http.",
            "Serve it over https and write https:// there.",
        )
    return ok("public address", address)


def _private_addresses(context: Context) -> Finding:
    allowed = context.settings.allowed_private_addresses
    host = urlsplit(context.settings.public_url).hostname
    if allowed and host not in LOCAL_HOSTS:
        return warning(
            "private addresses",
            f"Organisations may name {', '.join(sorted(allowed))}.",
            "Requests to these go around the guard against this machine's own network.",
            "Unset PASSERELLE_ALLOWED_PRIVATE_ADDRESSES.",
        )
    return ok("private addresses", "none" if not allowed else "some, on this machine alone")


def _objects(context: Context) -> Finding:
    folder = Path(context.settings.objects_directory)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"passerelle doctor")
    except OSError as refused:
        return problem(
            "objects folder",
            f"{folder} cannot be written: {refused.strerror}.",
            "Trained models are kept there.",
            "Make the folder, owned by the user that runs the service, or set another in "
            "PASSERELLE_OBJECTS_DIRECTORY.",
        )
    return ok("objects folder", f"{folder} can be written")


def _disk(context: Context) -> Finding:
    folder = Path(context.settings.objects_directory)
    while not folder.exists():
        folder = folder.parent
    free_mib = shutil.disk_usage(folder).free // 2**20
    if free_mib >= FREE_WARNING_MIB:
        return ok("disk", f"{free_mib} MiB free for {folder}")
    made = problem if free_mib < FREE_PROBLEM_MIB else warning
    return made(
        "disk",
        f"{free_mib} MiB are free for {folder}.",
        "A full disk stops training, and the database where it lies on the same one.",
        "Free some space, or move the folder.",
    )


def _front_end() -> Finding:
    try:
        names = assets.manifest()
    except assets.FrontEndMissing as missing:
        return problem(
            "front end", str(missing), "Pages would have neither style nor script.", "`make setup`"
        )
    lost = [name for name in names.values() if not (assets.BUILT / name).exists()]
    if lost:
        return problem(
            "front end",
            f"{len(lost)} built files are missing, {lost[0]} among them.",
            "Pages would lack them.",
            "`make setup`",
        )
    return ok("front end", f"{len(names)} built files")
