"""`passerelle doctor`: what is wrong, why it matters, how to mend it."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import msgspec
from rich.table import Table

from infra.commands.checks import audit, database, machine, matching, services, work
from infra.commands.checks.finding import Context, Finding, problem
from infra.commands.context import OPERATOR_DATABASE_URL, AsJson, console, settings
from passerelle.kernel.settings import SettingsError

CHECK_LIMIT_S = 30.0
COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
CHECKS: tuple[Callable[[Context], Awaitable[list[Finding]]], ...] = (
    machine.check,
    database.check,
    services.valkey,
    services.keycloak,
    services.mail,
    work.web,
    work.worker,
    work.outbox,
    audit.check,
    matching.check,
)


def doctor(*, as_json: AsJson = False) -> int:
    """Look at everything the service needs. Exit status 1 if there is a problem.

    Parameters
    ----------
    as_json
        Print one JSON array of findings.
    """
    findings = asyncio.run(examine())
    if as_json:
        print(msgspec.json.encode(findings).decode())
    else:
        _show(findings)
    return int(any(finding.state == "problem" for finding in findings))


async def examine() -> list[Finding]:
    """Every finding, in the order of CHECKS; of settings that can't be read, that alone."""
    findings = [machine.python()]
    try:
        context = Context(settings(), os.environ.get(OPERATOR_DATABASE_URL, ""))
    except SettingsError as error:
        return [
            *findings,
            problem(
                "settings",
                str(error),
                "Nothing else can be looked at without them.",
                "Set it in the environment, or give a file: `passerelle --settings FILE doctor`.",
            ),
        ]
    for several in await asyncio.gather(*(_limited(check, context) for check in CHECKS)):
        findings += several
    return findings


async def _limited(
    check: Callable[[Context], Awaitable[list[Finding]]], context: Context
) -> list[Finding]:
    """A check that breaks or hangs is a finding too: the others still speak."""
    name = f"{check.__module__.rpartition('.')[2]} {check.__name__}"
    try:
        async with asyncio.timeout(CHECK_LIMIT_S):
            return await check(context)
    except Exception as error:
        return [
            problem(
                name,
                f"This check broke off: {type(error).__name__}: {error}",
                "What it looks at is unknown.",
                "See the service's logs.",
            )
        ]


def _show(findings: list[Finding]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        said = finding.what
        if finding.why:
            said += f"\n[dim]{finding.why}[/]\n→ {finding.mend}"
        table.add_row(f"[{COLOURS[finding.state]}]{finding.state}[/]", finding.check, said)
    console.print(table, highlight=False)
    counts = {state: sum(f.state == state for f in findings) for state in COLOURS}
    console.print(
        f"\nproblems: {counts['problem']}, warnings: {counts['warning']}, fine: {counts['ok']}"
    )
