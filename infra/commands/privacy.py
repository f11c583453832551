"""`passerelle tenant export` and `import`: a whole organisation in one file."""

import getpass
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from cyclopts import Parameter
from rich.progress import Progress

# Every room registers what it seals and what it holds of persons.
import infra.web  # noqa: F401
from infra.commands.context import AsJson, console, errors, run, settings
from infra.problem import OperatorProblem
from integrations.objects.adapter import StoredObjects
from passerelle.kernel.database import Database
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from tenants.privacy.bringing import Brought, import_tenant
from tenants.privacy.carrying import Carried, export_tenant
from tenants.service import tenant_by_slug

Outcome = TypeVar("Outcome")
PassphraseFile = Annotated[Path | None, Parameter(name="--passphrase-file")]


class Tools(msgspec.Struct, frozen=True):
    settings: Settings
    database: Database
    objects: StoredObjects
    vault: Vault


def export(
    slug: str, file: Path, *, passphrase_file: PassphraseFile = None, as_json: AsJson = False
) -> int:
    """Write a whole organisation into one file, to bring it into another installation.

    Its secrets are sealed under a passphrase of at least 12 characters; the rest is not encrypted:
    keep the file as you keep the database.

    Parameters
    ----------
    slug
        Its address: /t/SLUG.
    file
        The file to write; it must not be there yet.
    passphrase_file
        A file whose first line is the passphrase; without it, you are asked.
    as_json
        Print one JSON object.
    """
    if file.exists():
        raise OperatorProblem(f"{file} is there already.", "Choose another name.")
    passphrase = _passphrase(passphrase_file, twice=True)
    carried = run(_opened(lambda tools: _export(tools, slug, file, passphrase)))
    if as_json:
        print(msgspec.json.encode(carried).decode())
        return 0
    console.print(
        f"{file}: {carried.rows} rows of {carried.tables} tables, {carried.objects} files.",
        highlight=False,
    )
    if carried.open_effects:
        errors.print(
            f"{carried.open_effects} effects were still waiting to be carried out; they happen "
            "here, and not where the file is brought. Suspend the organisation and let the worker "
            "finish before you move it for good.",
            highlight=False,
        )
    return 0


def bring(file: Path, *, passphrase_file: PassphraseFile = None, as_json: AsJson = False) -> int:
    """Bring an organisation in from a file, whole or not at all.

    Parameters
    ----------
    file
        What `passerelle tenant export` wrote.
    passphrase_file
        A file whose first line is the passphrase; without it, you are asked.
    as_json
        Print one JSON object.
    """
    if not file.is_file():
        raise OperatorProblem(f"There is no file {file}.", "Check the path.")
    passphrase = _passphrase(passphrase_file, twice=False)
    brought = run(_opened(lambda tools: _import(tools, file, passphrase)))
    if as_json:
        print(msgspec.json.encode(brought).decode())
        return 0
    console.print(
        f"/t/{brought.slug} is here ({brought.tenant_id}): {brought.rows} rows, "
        f"{brought.objects} files.",
        highlight=False,
    )
    _say_what_is_left(brought)
    return 0


def _say_what_is_left(brought: Brought) -> None:
    if brought.forgotten:
        console.print(
            f"{brought.forgotten} persons who were erased here since stay erased.", highlight=False
        )
    if brought.open_effects:
        console.print(
            f"{brought.open_effects} effects were open when it was exported: `passerelle outbox` "
            "shows them, and tries again what you want tried.",
            highlight=False,
        )
    if brought.issued_under != settings().public_url:
        console.print(
            f"Its credentials were issued under {brought.issued_under} and verify here. Let that "
            "address lead to this installation, so that others still find its keys.",
            highlight=False,
        )
    console.print(
        "Its members sign in as new: link its Keycloak organization again, and check its LMSes.",
        highlight=False,
    )


async def _export(tools: Tools, slug: str, file: Path, passphrase: str) -> Carried:
    tenant = await tenant_by_slug(tools.database, slug)
    partial = file.with_name(file.name + ".partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream, Progress(console=errors) as bar:
            task = bar.add_task(slug)

            async def progress(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            carried = await export_tenant(
                tools.database,
                tools.objects,
                tools.vault,
                tenant.id,
                passphrase,
                stream,
                exported_from=tools.settings.public_url,
                progress=progress,
            )
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(file)
    except FileExistsError:
        raise OperatorProblem(
            f"{partial} is there already.", "Another export is writing it, or it broke off: look."
        ) from None
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return carried


async def _import(tools: Tools, file: Path, passphrase: str) -> Brought:
    return await import_tenant(
        tools.database,
        tools.objects,
        tools.vault,
        file,
        passphrase,
        public_url=tools.settings.public_url,
    )


async def _opened(work: Callable[[Tools], Awaitable[Outcome]]) -> Outcome:
    own = settings()
    database = Database(own)
    await database.open("worker")
    try:
        return await work(Tools(own, database, StoredObjects(own), Vault(own.master_key)))
    finally:
        await database.close()


def _passphrase(path: Path | None, *, twice: bool) -> str:
    if path is not None:
        try:
            return path.read_text(encoding="utf-8").partition("\n")[0]
        except OSError as problem:
            raise OperatorProblem(
                f"The passphrase in {path} cannot be read: {problem.strerror}.", "Check the path."
            ) from problem
    if not sys.stdin.isatty():
        raise OperatorProblem(
            "No passphrase was given.", "Give --passphrase-file, or run it in a terminal."
        )
    given = getpass.getpass("Passphrase: ")
    if twice and getpass.getpass("Once more: ") != given:
        raise OperatorProblem("The two are not the same.", "Try again.")
    return given
