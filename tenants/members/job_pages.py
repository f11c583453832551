"""How far work on many members is: the check before it, the progress, what failed and why."""

from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Response

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import TenantRead, TenantReader, TenantTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.language import N_
from passerelle.web.export import as_csv
from passerelle.web.language import translate
from passerelle.web.page import Page
from tenants.members import job_store, jobs, labels, units
from tenants.members.action_pages import KINDS
from tenants.members.job_store import Job, JobRow

JOB = "/t/{slug:str}/members/jobs/{job_id:uuid}"
REPORT_ROWS_LIMIT = jobs.ROWS_LIMIT
REPORT_COLUMNS = (N_("Row"), N_("E-mail"), N_("What happens"), N_("State"), N_("Why not"))
OUTCOMES = {
    "invite": N_("Is invited"),
    "change": N_("Is a member: roles and unit are changed"),
    "problem": N_("Can't be taken"),
    **dict(KINDS),
}
STATES = {
    "waiting": N_("Waiting"),
    "refused": N_("Left out"),
    "done": N_("Done"),
    "failed": N_("Failed"),
}


async def own_job(read: TenantRead, job_id: UUID) -> Job:
    """Raises NotFound, also for another's."""
    held = await job_store.job(read, job_id)
    if held is None or held.created_by != read.actor.person_id:
        raise NotFound()
    return held


@get(JOB, permission="members.manage", include_in_schema=False)
async def job(read: TenantReader, job_id: UUID, after: int = 0, show: str = "") -> Page:
    """Rows with a problem first in view; all of them when asked for."""
    held = await own_job(read, job_id)
    counted = await job_store.counts(read, job_id)
    by_state = {
        state: sum(number for (one, _), number in counted.items() if one == state)
        for state in STATES
    }
    states = tuple(STATES) if show == "all" else ("refused", "failed")
    rows = await job_store.rows(read, job_id, states, after)
    return Page(
        "tenants/member_job.html",
        {
            "job": held,
            "counted": counted,
            "by_state": by_state,
            "total": sum(by_state.values()),
            "rows": rows[: job_store.PAGE_ROWS],
            "next_after": rows[job_store.PAGE_ROWS - 1].line
            if len(rows) > job_store.PAGE_ROWS
            else None,
            "show": show,
            "outcomes": OUTCOMES,
            "states": STATES,
            "roles": await labels.role_names(read),
            "tree": await units.tree(read),
        },
        block="progress",
    )


@get(JOB + "/report.csv", permission="members.manage", include_in_schema=False)
async def report(read: TenantReader, job_id: UUID) -> Response[bytes]:
    """Each row with what became of it."""
    await own_job(read, job_id)
    rows = await job_store.rows(read, job_id, tuple(STATES), 0, REPORT_ROWS_LIMIT)
    return Response(
        as_csv([translate(column) for column in REPORT_COLUMNS], (_cells(row) for row in rows)),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": 'attachment; filename="report.csv"',
            "cache-control": "no-store",
        },
    )


def _cells(row: JobRow) -> list[str]:
    return [
        str(row.line),
        str(row.content.get("email", "")),
        translate(OUTCOMES.get(row.outcome, row.outcome)),
        translate(STATES[row.state]),
        translate(row.problem) if row.problem else "",
    ]


@post(JOB + "/confirm", permission="members.manage", include_in_schema=False)
async def confirm(tx: TenantTransaction, slug: str, job_id: UUID) -> Redirect:
    await jobs.confirm(tx, job_id)
    return Redirect(f"/t/{slug}/members/jobs/{job_id}", status_code=303)


@post(JOB + "/discard", permission="members.manage", include_in_schema=False)
async def discard(tx: TenantTransaction, actor: Actor, slug: str, job_id: UUID) -> Redirect:
    await jobs.discard(tx, job_id)
    return Redirect(f"/t/{slug}/members/import", status_code=303)


handlers: list[Any] = [job, report, confirm, discard]
