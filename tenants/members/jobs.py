"""Work on many members at once, done by the worker in batches, each in a transaction of its own.

The worker acts as whoever asked, with the roles that they have by then: who was suspended in the
meantime gets nothing done. A row's state is written with its effect, so that a repeat does nothing
twice.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.errors import Conflict, Invalid, NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_
from tenants import store as tenant_store
from tenants.access.grants import access_of
from tenants.members import invitation_store, invitations, job_store, service
from tenants.members.importing import ImportedRow
from tenants.members.job_store import Action, Job, JobRow, RowState
from tenants.members.model import Change, Held, Outcome
from tenants.members.powers import Judged, judge
from tenants.notices.tasks import tell_job_finished

ROWS_LIMIT = 20_000
BATCH_ROWS = 100
NO_LONGER = N_("Whoever asked for this may not do it any more.")
GONE = N_("Not a member any more, or outside of your units.")

Marks = list[tuple[int, RowState, str | None]]


class JobConfirmed(msgspec.Struct, frozen=True):
    """`members.job_confirmed`: the worker may begin."""

    job_id: UUID
    title: str


class JobClosed(Conflict):
    title = N_("This was confirmed or discarded already")
    mend = N_("Look at how far it is.")


async def start_action(
    tx: TenantTransaction, change: Change, reason: str, people: Sequence[UUID]
) -> UUID:
    """Hands an action on many to the worker; returns the job's id."""
    title = change.kind
    job_id = await job_store.insert_job(tx, "action", title, Action(change, reason), "running")
    rows = [
        JobRow(line, {"person_id": str(person_id)}, change.kind, None, "waiting")
        for line, person_id in enumerate(people, 1)
    ]
    await job_store.insert_rows(tx, job_id, rows)
    await emit(tx, "members.job_confirmed", JobConfirmed(job_id, title), subject=job_id)
    return job_id


async def confirm(tx: TenantTransaction, job_id: UUID) -> None:
    """Lets the worker begin with what the check page showed. Raises NotFound, JobClosed."""
    held = await _draft(tx, job_id)
    await job_store.set_status(tx, job_id, "running")
    await emit(tx, "members.job_confirmed", JobConfirmed(job_id, held.title), subject=job_id)


async def discard(tx: TenantTransaction, job_id: UUID) -> None:
    """Nothing is done. Raises NotFound, JobClosed."""
    await _draft(tx, job_id)
    await job_store.set_status(tx, job_id, "discarded")


async def _draft(tx: TenantTransaction, job_id: UUID) -> Job:
    held = await job_store.job_for_change(tx, job_id)
    if held is None or held.created_by != tx.actor.person_id:
        raise NotFound()
    if held.status != "draft":
        raise JobClosed()
    return held


async def batch(tx: TenantTransaction, job_id: UUID) -> bool:
    """Does the next rows; False where none is left. `tx.actor` is whoever asked (`acting`)."""
    held = await job_store.job_for_change(tx, job_id)
    if held is None or held.status != "running":
        return False
    rows = await job_store.rows_to_do(tx, job_id, BATCH_ROWS)
    if not rows:
        await job_store.set_status(tx, job_id, "finished")
        await tell_job_finished(tx, held)
        return False
    if not tx.actor.may("members.manage"):
        marks: Marks = [(row.line, "failed", NO_LONGER) for row in rows]
    elif held.action is not None:
        marks = await _act(tx, held.action, rows)
    else:
        marks = await _bring(tx, rows)
    await job_store.mark_rows(tx, job_id, marks)
    return True


async def acting(read: TenantRead, job_id: UUID) -> Actor | None:
    """Who asked, with what they may do now."""
    held = await job_store.job(read, job_id)
    if held is None:
        return None
    member = await tenant_store.member(read, held.created_by)
    living = member is not None and member.status == "active"
    access = access_of(member.grants if member and living else [])
    return msgspec.structs.replace(held.actor, permissions=access.permissions, units=access.units)


async def _act(tx: TenantTransaction, action: Action, rows: list[JobRow]) -> Marks:
    people = {UUID(row.content["person_id"]): row.line for row in rows}
    outcome = await service.change(tx, list(people), action.change, action.reason)
    return _marks(people, outcome)


def _marks(lines: dict[UUID, int], outcome: Outcome) -> Marks:
    marks: Marks = [
        (lines[person_id], "done", None) for person_id in (*outcome.changed, *outcome.unchanged)
    ]
    marks += [(lines[one.person_id], "failed", one.why) for one in outcome.refused]
    marked = {line for line, _, _ in marks}
    return marks + [(line, "failed", GONE) for line in lines.values() if line not in marked]


async def _bring(tx: TenantTransaction, rows: list[JobRow]) -> Marks:
    """The rows of a list that was brought: invitations, and changes to who is a member already."""
    marks: Marks = []
    given: dict[Change, dict[UUID, int]] = {}
    judged = await judge(tx)
    for row in rows:
        wanted = msgspec.convert(row.content, ImportedRow)
        if wanted.person_id is None:
            marks.append((row.line, *await _invited(tx, judged, wanted)))
            continue
        for role in wanted.roles:
            change = Change("grant", held=Held(role, wanted.roles_unit))
            given.setdefault(change, {})[wanted.person_id] = row.line
        if wanted.unit_id is not None:
            moved = Change("move", unit_id=wanted.unit_id)
            given.setdefault(moved, {})[wanted.person_id] = row.line
    failed: dict[int, str | None] = {}
    touched: set[int] = set()
    for change, people in given.items():
        for line, state, why in _marks(people, await service.change(tx, list(people), change)):
            touched.add(line)
            if state == "failed":
                failed[line] = why
    marks += [(line, "failed" if line in failed else "done", failed.get(line)) for line in touched]
    marked = {line for line, _, _ in marks}
    return marks + [(row.line, "done", None) for row in rows if row.line not in marked]


async def _invited(
    tx: TenantTransaction, judged: Judged, wanted: ImportedRow
) -> tuple[RowState, str | None]:
    who = wanted.invitee()
    if errors := invitations.problems(judged, who):
        return "failed", next(iter(errors.values()))
    if await invitation_store.members_by_email(tx, [invitations.folded(who.email)]):
        return "failed", invitations.ALREADY_A_MEMBER
    try:
        await invitations.send(tx, judged, who)
    except Invalid as problem:
        return "failed", next(iter(problem.errors.values()))
    return "done", None


def too_many(rows: int) -> None:
    """Raises Invalid for a list longer than ROWS_LIMIT."""
    if rows > ROWS_LIMIT:
        raise Invalid(errors={"file": N_("A list has at most 20,000 rows.")})
