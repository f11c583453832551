"""`passerelle audit`: the chains of the audit records, verified, written down, exported."""

import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
from cyclopts import App, Parameter

from infra.commands.context import AsJson, console, run, settings
from infra.problem import OperatorProblem
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from tenants.audit import anchoring, anchors, chaining, export, exported, relay_store
from tenants.audit.anchors import Anchor
from tenants.audit.findings import Verdict
from tenants.audit.model import Filter
from tenants.audit.relay_store import AuditedTenant
from tenants.audit.verification import verify as verify_chain
from tenants.service import tenant_by_slug

app = App(
    name="audit", help="The audit records: verify their chains, write their heads down, export."
)
TENANTS_A_PAGE = 200


@app.command
def verify(
    slug: str | None = None,
    *,
    anchors_in: Annotated[Path | None, Parameter(name="--anchors")] = None,
    file: Path | None = None,
    as_json: AsJson = False,
) -> int:
    """Verify that nothing on record was changed, removed, inserted or reordered.

    Exit status 1 where something was; a sentence says what, and where first.

    Parameters
    ----------
    slug
        The organisation; every organisation where it is left out.
    anchors_in
        A folder of heads that were written down elsewhere, or of mails saved from the mailbox.
        PASSERELLE_AUDIT_ANCHOR_DIRECTORY where it is left out.
    file
        A JSON Lines export of the audit page: verified without a database.
    as_json
        Print one JSON object a record.
    """
    if file is not None:
        return _say(run(_of_file(file, anchors_in)), file.name, as_json)
    kept = _kept(anchors_in)

    async def each(database: Database, tenant: AuditedTenant) -> int:
        return _say(await verify_chain(database, tenant.tenant_id, kept), tenant.slug, as_json)

    return max(run(_each(slug, each)), default=0)


@app.command
def anchor(slug: str | None = None, *, directory: Path | None = None) -> int:
    """Write the heads down now, after chaining what waits.

    Parameters
    ----------
    slug
        The organisation; every organisation where it is left out.
    directory
        The folder; PASSERELLE_AUDIT_ANCHOR_DIRECTORY where it is left out.
    """
    folder = directory or _folder()
    if folder is None:
        raise OperatorProblem(
            "No folder is named for the heads.",
            "Give --directory, or set PASSERELLE_AUDIT_ANCHOR_DIRECTORY.",
        )

    async def each(database: Database, tenant: AuditedTenant) -> int:
        while await chaining.chain(database, tenant.tenant_id):
            continue
        return int(await anchoring.write_one(database, folder, tenant))

    written = sum(run(_each(slug, each)))
    console.print(f"{written} heads written down in {folder}.", highlight=False)
    return 0


@app.command(name="export")
def export_record(slug: str, *, output: Path | None = None) -> int:
    """Export an organisation's whole record as JSON Lines, which `verify --file` verifies.

    Parameters
    ----------
    slug
        The organisation.
    output
        The file; standard output where it is left out.
    """

    async def each(database: Database, tenant: AuditedTenant) -> int:
        actor = actors.system("audit.export", tenant.tenant_id)
        read = database.tenant_reader(tenant.tenant_id, actor, standing=False)
        with output.open("wb") if output else sys.stdout.buffer as file:
            pieces = export.json_lines(read, tenant.slug, Filter(), datetime.now(UTC))
            async for piece in pieces:
                file.write(piece)
        return 0

    return max(run(_each(slug, each)))


async def _of_file(path: Path, anchors_in: Path | None) -> Verdict:
    tenant_id = exported.heading_of(path).tenant_id
    kept = anchors.read(anchors_in) if anchors_in else {}
    return await exported.verify_file(path, kept.get(tenant_id, ()))


def _folder() -> Path | None:
    named = settings().audit_anchor_directory
    return Path(named) if named else None


def _kept(anchors_in: Path | None) -> dict[UUID, list[Anchor]]:
    folder = anchors_in or _folder()
    if folder is None or (anchors_in is None and not folder.is_dir()):
        return {}
    return anchors.read(folder)


async def _each(
    slug: str | None, work: Callable[[Database, AuditedTenant], Coroutine[Any, Any, int]]
) -> list[int]:
    """What the work returns for one organisation, or for each."""
    async with _opened() as database:
        if slug is not None:
            found = await tenant_by_slug(database, slug)
            return [await work(database, AuditedTenant(found.id, slug))]
        outcomes, last = [], chaining.NIL
        while True:
            page = await relay_store.tenants(database, last, TENANTS_A_PAGE)
            outcomes += [await work(database, tenant) for tenant in page]
            if len(page) < TENANTS_A_PAGE:
                return outcomes
            last = page[-1].tenant_id


@asynccontextmanager
async def _opened() -> AsyncIterator[Database]:
    database = Database(settings())
    await database.open("worker")
    try:
        yield database
    finally:
        await database.close()


def _say(verdict: Verdict, name: str, as_json: bool) -> int:
    """One line or object; the exit status."""
    if as_json:
        found = verdict.finding
        known = {
            **msgspec.to_builtins(verdict),
            "name": name,
            "whole": verdict.whole,
            "sentence": found.sentence if found else None,
        }
        print(json.dumps(known))
    else:
        console.print(sentence(verdict, name), highlight=False, soft_wrap=True)
    return 0 if verdict.whole else 1


def sentence(verdict: Verdict, name: str) -> str:
    """What was found, in one plain sentence or two."""
    finding = verdict.finding
    if finding is not None:
        where = f" (event {finding.event_id})" if finding.event_id else ""
        if finding.place and finding.anchored_at:
            where += f" (written down {finding.anchored_at:%Y-%m-%d %H:%M} UTC: {finding.place})"
        before = f" The {verdict.checked} entries before it are whole." if verdict.checked else ""
        return f"[bold red]Tampered.[/] {name}: {finding.sentence}{where}{before}"
    if verdict.partial:
        return (
            f"Whole. {name}: {verdict.checked} entries are as they were chained. The file holds a "
            "choice of entries, and says nothing of the others."
        )
    heads = "1 head" if verdict.anchors == 1 else f"{verdict.anchors} heads"
    agree = "agrees" if verdict.anchors == 1 else "agree"
    anchored = f", {heads} written down elsewhere {agree}" if verdict.anchors else ""
    if verdict.redacted:
        anchored += f", {verdict.redacted} of them with words that an erasure took out"
    waiting = f"; {verdict.waiting} wait to be chained" if verdict.waiting else ""
    return f"Whole. {name}: {verdict.checked} entries{anchored}{waiting}."
