"""Inviting: one address or a pasted list, the invitations with their states, again, withdrawn."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import State
from litestar.response import Redirect, Response

from passerelle.kernel.database import TenantRead, TenantReader, TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import LOCALES, N_, as_locale
from passerelle.web.export import as_csv
from passerelle.web.language import NAMES, current, translate
from passerelle.web.page import Page
from tenants.members import directory, invitation_store, invitations, labels, units
from tenants.members.invitation_model import Invitation, Invitee
from tenants.members.member_pages import unit_of
from tenants.members.model import Held
from tenants.members.powers import judge

ROOT = "/t/{slug:str}/members/invitations"
INVITATION = ROOT + "/{invitation_id:uuid}"
AnyRequest = Request[None, None, State]
PASTED_LIMIT = 100

STATE_NAMES = {
    "open": N_("Open"),
    "accepted": N_("Taken"),
    "expired": N_("Expired"),
    "withdrawn": N_("Withdrawn"),
}
EXPORT_COLUMNS = (
    N_("E-mail"),
    N_("Name"),
    N_("Roles"),
    N_("Unit"),
    N_("State"),
    N_("Invited by"),
    N_("Sent on"),
    N_("Valid until"),
)
DONE = {
    "sent": N_("The invitations are on their way."),
    "again": N_("Sent again. The older link no longer works."),
    "withdrawn": N_("Withdrawn. The link no longer works."),
}


@get(ROOT, permission="members.manage", include_in_schema=False)
async def listed(
    request: AnyRequest, read: TenantReader, q: str = "", before: UUID | None = None
) -> Page:
    """The organisation's invitations, newest first."""
    state = _state(request)
    rows, tree = await _rows(read, state, q, before, invitation_store.PAGE_ROWS + 1)
    shown = rows[: invitation_store.PAGE_ROWS]
    done = request.query_params.get("done", "")
    return Page(
        "tenants/invitations.html",
        {
            "invitations": shown,
            "next_before": shown[-1].id if len(rows) > len(shown) else None,
            "state": state,
            "q": q[: directory.TEXT_LIMIT_CHARACTERS],
            "before": before,
            "state_names": STATE_NAMES,
            "roles": await labels.role_names(read),
            "tree": tree,
            "done": translate(DONE[done]) if done in DONE else "",
        },
    )


def _state(request: AnyRequest) -> str:
    """The state that the list is filtered by; empty for all."""
    state = request.query_params.get("state", "")
    return state if state in STATE_NAMES else ""


async def _rows(
    read: TenantRead, state: str, q: str, before: UUID | None, limit: int
) -> tuple[list[Invitation], units.Tree]:
    tree = await units.tree(read)
    text = invitations.folded(q)[: directory.TEXT_LIMIT_CHARACTERS]
    within = directory.visible(read, tree)
    found = await invitation_store.invitations(
        read, state, text, sorted(within) if within is not None else None, before, limit
    )
    return found, tree


@get(ROOT + "/export.csv", permission="members.manage", limit="download", include_in_schema=False)
async def export(request: AnyRequest, read: TenantReader, q: str = "") -> Response[bytes]:
    state = _state(request)
    rows, tree = await _rows(read, state, q, None, invitation_store.EXPORT_ROWS_LIMIT)
    names, locale = await labels.role_names(read), current().locale
    cells = [
        [
            one.email,
            one.name,
            "; ".join(names.name(role) for role in one.roles),
            tree.name(one.unit_id, locale),
            translate(STATE_NAMES[one.state]),
            one.invited_by,
            one.sent_at.date().isoformat(),
            one.expires_at.date().isoformat(),
        ]
        for one in rows
    ]
    return Response(
        as_csv([translate(column) for column in EXPORT_COLUMNS], cells),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": 'attachment; filename="invitations.csv"',
            "cache-control": "no-store",
        },
    )


@get("/t/{slug:str}/members/invite", permission="members.manage", include_in_schema=False)
async def new(read: TenantReader) -> Page:
    return await _form(read, {"language": current().locale}, ["learner"], {})


async def _form(
    read: TenantRead, values: dict[str, str], roles: list[str], errors: dict[str, str]
) -> Page:
    names, tree, judged = await labels.role_names(read), await units.tree(read), await judge(read)
    within = directory.visible(read, tree)
    units_seen = sorted(within) if within is not None else [None, *tree.by_id]
    options = [
        (code, text, " · ".join(names.short(code)))
        for code, text in names.options()
        if any(not judged.giving(Held(code, unit_id)) for unit_id in units_seen[:2])
    ]
    return Page(
        "tenants/invite.html",
        {
            "values": values,
            "chosen": roles,
            "errors": {name: translate(text) for name, text in errors.items()},
            "role_options": options,
            "units": tree.options(current().locale, within),
            "whole": judged.powers.may("members.manage", None),
            "languages_known": [(code, NAMES[code]) for code in LOCALES],
            "pasted_limit": PASTED_LIMIT,
        },
        status_code=400 if errors else 200,
    )


@post(
    "/t/{slug:str}/members/invite",
    permission="members.manage",
    include_in_schema=False,
    status_code=200,
)
async def invite(request: AnyRequest, tx: TenantTransaction, slug: str) -> Response[str] | Page:
    """Invites each address; where one can't be taken, none is, and the form says which."""
    form = await request.form()
    data = {name: str(form.get(name) or "") for name in form}
    roles = [str(role) for role in form.getall("roles", [])]
    try:
        people = await _invitees(tx, data, roles)
    except Invalid as problem:
        return await _form(tx, data, roles, problem.errors)
    judged = await judge(tx)
    for who in people:
        await invitations.send(tx, judged, who)
    return Redirect(f"/t/{slug}/members/invitations?done=sent", status_code=303)


async def _invitees(tx: TenantTransaction, data: dict[str, str], roles: list[str]) -> list[Invitee]:
    """Raises Invalid, naming each address that can't be taken."""
    pasted = data.get("emails", "").replace(",", "\n").replace(";", "\n").split()
    emails = list(dict.fromkeys(invitations.folded(one.strip("<>")) for one in pasted))
    if not emails:
        raise Invalid(errors={"emails": N_("Give at least one e-mail address.")})
    if len(emails) > PASTED_LIMIT:
        raise Invalid(errors={"emails": N_("Invite at most 100 at once, or bring a list.")})
    judged, unit_id = await judge(tx), unit_of(data.get("unit", ""))
    limited = data.get("only_in_unit") == "yes" or not judged.powers.may("members.manage", None)
    people = [
        Invitee(
            email=email,
            roles=roles,
            locale=as_locale(data.get("language")),
            unit_id=unit_id,
            only_in_unit=limited and unit_id is not None,
        )
        for email in emails
    ]
    errors: dict[str, str] = {}
    for who in people:
        found = invitations.problems(judged, who)
        if "email" in found:
            errors["emails"] = f"{who.email}: {translate(found.pop('email'))}"
        errors |= found
    for address in await invitation_store.members_by_email(tx, emails):
        errors["emails"] = f"{address}: {translate(invitations.ALREADY_A_MEMBER)}"
    if errors:
        raise Invalid(errors=errors)
    return people


@post(INVITATION + "/again", permission="members.manage", include_in_schema=False)
async def again(tx: TenantTransaction, slug: str, invitation_id: UUID) -> Redirect:
    await invitations.send_again(tx, invitation_id)
    return Redirect(f"/t/{slug}/members/invitations?done=again", status_code=303)


@post(INVITATION + "/withdraw", permission="members.manage", include_in_schema=False)
async def withdraw(tx: TenantTransaction, slug: str, invitation_id: UUID) -> Redirect:
    await invitations.withdraw(tx, invitation_id)
    return Redirect(f"/t/{slug}/members/invitations?done=withdrawn", status_code=303)


handlers: list[Any] = [listed, export, new, invite, again, withdraw]
