"""What every command needs: the settings, the operator's database address, the last word."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import asyncpg
from cyclopts import Parameter
from rich.console import Console

from infra.problem import OperatorProblem
from passerelle.kernel import settings as kernel_settings
from passerelle.kernel.errors import Problem
from passerelle.kernel.settings import Settings, SettingsError

OPERATOR_DATABASE_URL = "PASSERELLE_OPERATOR_DATABASE_URL"
"""postgresql://user:password@host:port/name of a user that may make roles: for `migrate`, and for
what no request may read. The web and worker processes never see it."""

CONNECT_TIMEOUT_S = 10.0
Outcome = TypeVar("Outcome")
AsJson = Annotated[bool, Parameter(name="--json")]

console = Console()
errors = Console(stderr=True)


def use_settings_file(path: Path) -> None:
    """Puts the file's variables into the environment. Raises OperatorProblem."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as problem:
        raise OperatorProblem(
            f"The settings in {path} cannot be read: {problem.strerror}.",
            "Give a file of PASSERELLE_NAME=value lines; an instance has one once it was started.",
        ) from problem
    for number, line in enumerate(lines, start=1):
        name, equals, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals or not name.strip().startswith(kernel_settings.PREFIX):
            raise OperatorProblem(
                f"Line {number} of {path} is not PASSERELLE_NAME=value.", "Mend that line."
            )
        os.environ[name.strip()] = value.strip()


def settings() -> Settings:
    return kernel_settings.load()


def operator_database_url() -> str:
    """Raises OperatorProblem where it is not set."""
    try:
        return os.environ[OPERATOR_DATABASE_URL]
    except KeyError:
        raise OperatorProblem(
            f"{OPERATOR_DATABASE_URL} is not set.",
            "Give the address of the database with a user that may create roles, for this command "
            "alone.",
        ) from None


async def connect_as(role: str) -> asyncpg.Connection:
    """A connection as one of the service's own roles, with no more rights than it has."""
    own = settings()
    return await asyncpg.connect(
        own.database_url,
        user=role,
        password=getattr(own, f"database_password_{role}"),
        timeout=CONNECT_TIMEOUT_S,
    )


def run(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Runs the coroutine; what PostgreSQL refuses becomes a sentence."""
    try:
        return asyncio.run(work)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        raise OperatorProblem(
            f"The database cannot be used: {problem or type(problem).__name__}.",
            "`passerelle doctor` says more.",
        ) from problem


def guarded(command: Callable[[], object]) -> None:
    """Ends the process with the command's status; problems are said in words, without a trace."""
    try:
        status = command()
    except OperatorProblem as problem:
        status = _say(problem.what, problem.mend)
    except SettingsError as problem:
        status = _say(str(problem), "`passerelle --help` says where settings come from.")
    except Problem as problem:
        status = _say(f"{problem.title}: {problem}", str(problem.mend))
    except KeyboardInterrupt:
        status = 130
    sys.exit(status if isinstance(status, int) else 0)


def _say(what: str, mend: str) -> int:
    errors.print(f"[bold red]Problem.[/] {what}", highlight=False)
    errors.print(mend, highlight=False)
    return 1
