"""One member's page: what they may do, their history, how they stood on a day, and changing it."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Response

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantRead, TenantReader
from passerelle.kernel.errors import Invalid, NotFound
from passerelle.kernel.language import N_
from passerelle.web.language import NAMES, current, translate
from passerelle.web.page import Page
from tenants.access.sessions import Sessions
from tenants.members import as_of, directory, labels, service, store, units
from tenants.members.as_of import STANDING_EVENTS, Proof
from tenants.members.model import Change, Held, Kind, Past, Row
from tenants.members.powers import judge
from tenants.members.problems import ChangeRefused

MEMBER = "/t/{slug:str}/members/{person_id:uuid}"
AnyRequest = Request[None, None, State]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]

SIGN_IN = "member.signed_in"
DONE = {
    "grant": N_("The role was given. It counts at once."),
    "revoke": N_("The role was taken away. It counts at once."),
    "move": N_("The member was moved."),
    "suspend": N_("The member is suspended: no door lets them in any more."),
    "reinstate": N_("The suspension was lifted."),
    "remove": N_("The person is no longer a member. Their record stays."),
    "restore": N_("The change was taken back."),
    "same": N_("Nothing had to be changed."),
}


async def seen_member(read: TenantRead, person_id: UUID) -> Row:
    """Raises NotFound, also for who is outside of the units that the actor sees."""
    found = await directory.seen(read, [person_id])
    if not found:
        raise NotFound()
    return found[0]


@get(MEMBER, permission="members.read", include_in_schema=False)
async def member(
    request: AnyRequest,
    read: TenantReader,
    person_id: UUID,
    day: str = "",
    before: UUID | None = None,
    only: str = "",
) -> Page:
    done = request.query_params.get("done", "")
    return await shown(read, person_id, day=day, before=before, only=only, done=done)


async def shown(
    read: TenantRead,
    person_id: UUID,
    *,
    day: str = "",
    before: UUID | None = None,
    only: str = "",
    done: str = "",
    errors: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
) -> Page:
    """The page; with `errors`, again with what was sent."""
    row = await seen_member(read, person_id)
    errors = dict(errors or {})
    proof, on_day = None, _day(day, errors)
    if on_day is not None:
        proof = await _stood(read, person_id, on_day)
    sign_ins = only == "sign-ins"
    past = await store.history(read, person_id, before, SIGN_IN if sign_ins else None)
    names, tree, judged = await labels.role_names(read), await units.tree(read), await judge(read)
    may_manage = judged.powers.may("members.manage", row.unit_id)
    options = [
        (code, text)
        for code, text in names.options()
        if not judged.giving(Held(code)) or not judged.giving(Held(code, row.unit_id))
    ]
    newest = await store.standing_events(read, person_id, STANDING_EVENTS, None)
    return Page(
        "tenants/member.html",
        {
            "member": row,
            "grants": await store.grants(read, person_id),
            "roles": names,
            "role_options": options,
            "tree": tree,
            "units": tree.options(current().locale, directory.visible(read, tree)),
            "whole": judged.powers.may("members.manage", None),
            "may_manage": may_manage,
            "may_look": may_manage and row.status == "active" and person_id != read.actor.person_id,
            "past": past[: store.HISTORY_ROWS],
            "next_before": past[store.HISTORY_ROWS - 1].id
            if len(past) > store.HISTORY_ROWS
            else None,
            "sign_ins": sign_ins,
            "undoable": undoable(newest[0]) if newest and may_manage else None,
            "past_name": labels.past_name,
            "giver": labels.giver,
            "statuses": labels.STATUS_NAMES,
            "day": day,
            "on_day": on_day,
            "proof": proof,
            "done": translate(DONE[done]) if done in DONE else "",
            "errors": {name: translate(text) for name, text in errors.items()},
            "values": values or {},
            "languages_known": NAMES,
        },
        status_code=400 if errors else 200,
    )


def _day(text: str, errors: dict[str, str]) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        day = date.max
    if day == date.max:
        # The last day there is has no end.
        errors["day"] = N_("Give the date as year-month-day, such as 2026-11-23")
        return None
    return day


async def _stood(read: TenantRead, person_id: UUID, on_day: date) -> Proof | None:
    """How they stood at the end of a day (UTC)."""
    end = datetime.combine(on_day + timedelta(days=1), time.min, tzinfo=UTC)
    return as_of.standing_then(await store.standing_events(read, person_id, STANDING_EVENTS, end))


def undoable(event: Past) -> UUID | None:
    """The event whose change can be taken back: the newest, where it says how it was before."""
    before = as_of.standing_before(event)
    return event.id if before is not None and event.name != "member.restored" else None


def change_of(data: dict[str, str]) -> Change:
    """What a form asks for. Raises Invalid."""
    kind = data.get("kind", "")
    unit_id = unit_of(data.get("unit", ""))
    if kind in ("grant", "revoke"):
        role = data.get("role", "")
        if not role:
            raise Invalid(errors={"role": N_("Choose a role.")})
        return Change("grant" if kind == "grant" else "revoke", held=Held(role, unit_id))
    if kind == "move":
        return Change("move", unit_id=unit_id)
    plain: dict[str, Kind] = {"suspend": "suspend", "reinstate": "reinstate", "remove": "remove"}
    if kind not in plain:
        raise Invalid(errors={"kind": N_("Choose what to do.")})
    return Change(plain[kind])


def unit_of(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid(errors={"unit": N_("Choose a unit from the list.")}) from None


@post(MEMBER, permission="members.manage", include_in_schema=False, status_code=200)
async def change_member(
    database: Database,
    sessions: Sessions,
    read: TenantReader,
    actor: Actor,
    slug: str,
    person_id: UUID,
    data: Form,
) -> Response[str] | Page:
    """One change; what is wrong stays on screen. It counts from the next request on."""
    await seen_member(read, person_id)
    try:
        outcome = await service.at_once(
            database, sessions, actor, [person_id], change_of(data), data.get("reason", "")
        )
    except Invalid as problem:
        return await shown(read, person_id, errors=problem.errors, values=data)
    if outcome.refused:
        field = {"grant": "role", "move": "unit"}.get(data.get("kind", ""), "reason")
        return await shown(read, person_id, errors={field: outcome.refused[0].why}, values=data)
    done = data.get("kind", "") if outcome.changed else "same"
    return Redirect(f"/t/{slug}/members/{person_id}?done={done}", status_code=303)


@post(MEMBER + "/undo", permission="members.manage", include_in_schema=False)
async def undo(
    database: Database,
    sessions: Sessions,
    read: TenantReader,
    actor: Actor,
    slug: str,
    person_id: UUID,
    data: Form,
) -> Redirect:
    """Takes the newest change back, by the same rules as any other change.

    Raises NotFound where another change came in between, ChangeRefused.
    """
    await seen_member(read, person_id)
    newest = await store.standing_events(read, person_id, STANDING_EVENTS, None)
    standing = as_of.standing_before(newest[0]) if newest else None
    if standing is None or str(undoable(newest[0])) != data.get("event"):
        raise NotFound()
    wanted = Change("restore", standing=standing)
    outcome = await service.at_once(database, sessions, actor, [person_id], wanted)
    if outcome.refused:
        raise ChangeRefused(translate(outcome.refused[0].why))
    return Redirect(f"/t/{slug}/members/{person_id}?done=restore", status_code=303)


handlers: list[Any] = [member, change_member, undo]
