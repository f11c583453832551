"""One action on many members: chosen by hand, or all that match a filter."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.datastructures import State
from litestar.response import Redirect, Response

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantRead, TenantReader
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import N_
from passerelle.web.language import current, translate
from passerelle.web.page import Page
from tenants.access.sessions import Sessions
from tenants.members import directory, jobs, labels, service, units
from tenants.members.directory import Query
from tenants.members.member_pages import change_of
from tenants.members.model import PEOPLE_AT_ONCE, Change, Held, Row
from tenants.members.powers import judge

ACTIONS = "/t/{slug:str}/members/actions"
AnyRequest = Request[None, None, State]
SHOWN_PEOPLE = 10

KINDS = (
    ("grant", N_("Give a role")),
    ("revoke", N_("Take a role away")),
    ("move", N_("Move to a unit")),
    ("suspend", N_("Suspend")),
    ("reinstate", N_("Lift the suspension")),
    ("remove", N_("Remove from the organisation")),
)


class Chosen(msgspec.Struct, frozen=True):
    """Whom an action is about; `query` where it is all that match."""

    people: list[UUID]
    shown: list[Row]
    query: Query | None


async def chosen(read: TenantRead, people: list[str], query: Query, every: bool) -> Chosen:
    """Raises Invalid where nobody was chosen, or too many match."""
    if not every:
        rows = await directory.seen(read, _ids(people))
        if not rows:
            raise Invalid(errors={"person": N_("Choose at least one member from the list.")})
        return Chosen([row.person_id for row in rows], rows[:SHOWN_PEOPLE], None)
    rows = [row async for row in directory.every(read, query, jobs.ROWS_LIMIT + 1)]
    if not rows:
        raise Invalid(errors={"person": N_("Nobody matches this filter any more.")})
    if len(rows) > jobs.ROWS_LIMIT:
        raise Invalid(errors={"person": N_("More than 20,000 match: filter for fewer.")})
    return Chosen([row.person_id for row in rows], rows[:SHOWN_PEOPLE], query)


def _ids(texts: list[str]) -> list[UUID]:
    try:
        return [UUID(text) for text in texts[:PEOPLE_AT_ONCE]]
    except ValueError:
        raise Invalid(errors={"person": N_("Choose from the list.")}) from None


@get(ACTIONS, permission="members.manage", include_in_schema=False)
async def choose(request: AnyRequest, read: TenantReader) -> Page:
    """What is to be done, before the eyes: to whom, and how many they are."""
    given = request.query_params
    query = Query.of(given)
    try:
        who = await chosen(read, given.getall("person", []), query, "every" in given)
    except Invalid as problem:
        return await _page(read, None, {}, problem.errors)
    return await _page(read, who, dict(given), {})


async def _page(
    read: TenantRead, who: Chosen | None, values: dict[str, str], errors: dict[str, str]
) -> Page:
    names, tree, judged = await labels.role_names(read), await units.tree(read), await judge(read)
    return Page(
        "tenants/member_action.html",
        {
            "who": who,
            "values": values,
            "errors": {name: translate(text) for name, text in errors.items()},
            "kinds": KINDS,
            "role_options": names.options(),
            "units": tree.options(current().locale, directory.visible(read, tree)),
            "whole": judged.powers.may("members.manage", None),
            "at_once": PEOPLE_AT_ONCE,
        },
        status_code=400 if errors else 200,
    )


@post(ACTIONS, permission="members.manage", include_in_schema=False, status_code=200)
async def act(
    request: AnyRequest,
    database: Database,
    sessions: Sessions,
    read: TenantReader,
    actor: Actor,
    slug: str,
) -> Response[str] | Page:
    """Does it at once to a few; to many, the worker does it, and a page shows how far it is."""
    form = await request.form()
    data = {name: str(form.get(name) or "") for name in form}
    # The action's own role and unit go by those names.
    filtered = {name: data.get(f"filter_{name}", "") for name in ("role", "unit")}
    query = Query.of({**data, **filtered})
    who = await chosen(read, form.getall("person", []), query, bool(data.get("every")))
    try:
        wanted = change_of(data)
        reason = service.reason_of(wanted, data.get("reason", ""))
        _known_role(wanted, await labels.role_names(read))
    except Invalid as problem:
        return await _page(read, who, data, problem.errors)
    if len(who.people) > PEOPLE_AT_ONCE:
        async with database.tenant(read.tenant_id, actor) as tx:
            job_id = await jobs.start_action(tx, wanted, reason, who.people)
        return Redirect(f"/t/{slug}/members/jobs/{job_id}", status_code=303)
    outcome = await service.at_once(database, sessions, actor, who.people, wanted, reason)
    return Page(
        "tenants/member_outcome.html",
        {
            "outcome": outcome,
            "kind": dict(KINDS)[wanted.kind],
            "refused": [
                (one.display_name, one.person_id, translate(one.why)) for one in outcome.refused
            ],
        },
    )


def _known_role(wanted: Change, names: labels.RoleNames) -> None:
    held: Held | None = wanted.held
    if held is not None and held.role not in dict(names.options()):
        raise Invalid(errors={"role": N_("Choose a role from the list.")})


handlers: list[Any] = [choose, act]
