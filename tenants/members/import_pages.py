"""Bringing a list of people: a file, then a check of each row, then the worker does it."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Response

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import TenantRead, TenantReader, TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import LOCALES, N_
from passerelle.skills.folding import folded
from passerelle.web.catalogue import look_up
from passerelle.web.export import as_csv
from passerelle.web.language import current, translate
from passerelle.web.page import Page
from tenants.access.roles import ROLES
from tenants.members import (
    importing,
    invitation_store,
    invitations,
    job_store,
    jobs,
    labels,
    role_store,
    units,
)
from tenants.members.importing import COLUMNS, FILE_LIMIT_BYTES, ImportedRow, ImportProblem, Known
from tenants.members.job_store import JobRow
from tenants.members.powers import judge

IMPORT = "/t/{slug:str}/members/import"
#: The file, and the page's token beside it.
Sent = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
NAME_LIMIT_CHARACTERS = 120


@get(IMPORT, permission="members.manage", include_in_schema=False)
async def bring(read: TenantReader, actor: Actor) -> Page:
    return await _page(read, {})


async def _page(read: TenantRead, errors: dict[str, str]) -> Page:
    person_id = read.actor.person_id
    return Page(
        "tenants/member_import.html",
        {
            "errors": {name: translate(text) for name, text in errors.items()},
            "lately": await job_store.lately(read, person_id) if person_id else [],
            "role_names": [text for _, text in (await labels.role_names(read)).options()],
            "limit": jobs.ROWS_LIMIT,
            "codes": LOCALES,
        },
        status_code=400 if errors else 200,
    )


@get(IMPORT + "/example.csv", permission="members.manage", include_in_schema=False)
async def example() -> Response[bytes]:
    """A list as it should look, with the columns in the person's language."""
    header = [translate(label) for label in COLUMNS.values()]
    name = labels.ROLE_NAMES[importing.DEFAULT_ROLES[0]]
    row = ["amina@example.org", "Amina Alaoui", translate(name), "", current().locale]
    return Response(
        as_csv(header, [row]),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="members-example.csv"'},
    )


@post(IMPORT, permission="members.manage", include_in_schema=False, status_code=200)
async def check(tx: TenantTransaction, slug: str, data: Sent) -> Response[str] | Page:
    """Reads the file and shows what each row would do; nothing is done yet."""
    sent = data.get("file")
    file = sent if isinstance(sent, UploadFile) else None
    try:
        content = await file.read(FILE_LIMIT_BYTES + 1) if file else b""
        if not content:
            raise ImportProblem(N_("Choose a file."))
        if len(content) > FILE_LIMIT_BYTES:
            raise ImportProblem(N_("The file is larger than 4 megabytes."))
        lines = importing.read_lines(content)
        jobs.too_many(len(lines))
        rows = await _judged(tx, lines)
    except ImportProblem as problem:
        return await _page(tx, {"file": str(problem)})
    except Invalid as problem:
        return await _page(tx, problem.errors)
    title = (file.filename if file else "")[:NAME_LIMIT_CHARACTERS]
    job_id = await job_store.insert_job(tx, "import", title, None, "draft")
    await job_store.insert_rows(tx, job_id, rows)
    return Redirect(f"/t/{slug}/members/jobs/{job_id}", status_code=303)


async def _judged(tx: TenantTransaction, lines: list[importing.Line]) -> list[JobRow]:
    """Each row with its fate."""
    known, judged, again = await _known(tx), await judge(tx), importing.repeated(lines)
    emails = sorted({invitations.folded(line.email) for line in lines})
    members = await invitation_store.members_by_email(tx, emails)
    rows = []
    for place, line in enumerate(lines):
        wanted = importing.TWICE if place in again else importing.understood(line, known)
        problem = wanted if isinstance(wanted, str) else None
        outcome = "invite"
        content: msgspec.Struct = line
        if isinstance(wanted, ImportedRow):
            member = members.get(invitations.folded(wanted.email))
            if member is not None:
                outcome = "change"
                wanted = msgspec.structs.replace(wanted, person_id=member.person_id)
            content = wanted
            # Its number in the file: the first row names the columns.
            errors = invitations.problems(judged, wanted.invitee())
            problem = next(iter(errors.values()), None)
        if problem is not None:
            outcome = "problem"
        state: job_store.RowState = "refused" if problem else "waiting"
        rows.append(JobRow(place + 2, content, outcome, problem, state))
    return rows


async def _known(tx: TenantTransaction) -> Known:
    roles = {folded(code): code for code in ROLES}
    roles |= {
        folded(look_up(name, locale)): code
        for code, name in labels.ROLE_NAMES.items()
        for locale in LOCALES
    }
    for role in await role_store.living(tx):
        roles |= {folded(role.name.in_(locale)): role.code for locale in LOCALES}
    return Known(roles, _by_name(await units.tree(tx)), current().locale, bool(tx.actor.units))


def _by_name(tree: units.Tree) -> dict[str, UUID | None]:
    """Units by each of their names; None where two have the same."""
    found: dict[str, UUID | None] = {}
    for unit in tree.by_id.values():
        for name in {folded(unit.name.in_(locale)) for locale in LOCALES}:
            found[name] = None if name in found else unit.id
    return found


handlers: list[Any] = [bring, example, check]
