"""The list of members: searched, filtered, sorted, kept as a filter, exported."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.datastructures import State
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Response

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantReader, TenantTransaction
from passerelle.kernel.errors import Conflict, Invalid, NotSignedIn
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_
from passerelle.web import navigation
from passerelle.web.export import as_csv
from passerelle.web.language import NAMES, current, translate
from passerelle.web.page import Page
from tenants.access.guard import OnlyLooking
from tenants.members import (
    action_pages,
    directory,
    filter_store,
    import_pages,
    invitation_pages,
    job_pages,
    join_pages,
    labels,
    list_store,
    looking_pages,
    member_pages,
    role_pages,
    session_pages,
    units,
)
from tenants.members.directory import Query
from tenants.members.model import Row

ROOT = "/t/{slug:str}/members"
AnyRequest = Request[None, None, State]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
FILTER_NAME_LIMIT_CHARACTERS = 80

navigation.add(N_("Members"), "/members", permission="members.read", order=60)

EXPORT_COLUMNS = (
    N_("Name"),
    N_("E-mail"),
    N_("Roles"),
    N_("Unit"),
    N_("Language"),
    N_("Status"),
    N_("Member since"),
)


class MembersExported(msgspec.Struct, frozen=True):
    """`members.exported`: what left, and how many people were in it."""

    query: dict[str, str]
    people: int


class TooManyFilters(Conflict):
    title = N_("You keep 20 filters already")
    mend = N_("Forget one of them first.")


def person_of(actor: Actor) -> UUID:
    if actor.person_id is None:
        raise NotSignedIn()
    return actor.person_id


@get(ROOT, permission="members.read", include_in_schema=False)
async def members(
    request: AnyRequest, read: TenantReader, actor: Actor, after: UUID | None = None
) -> Page:
    """Who belongs to the organisation, fifty a page."""
    query = Query.of(request.query_params)
    tree = await units.tree(read)
    listing = await directory.page(read, query, after, tree)
    kept = await list_store.filters(read, person_of(actor)) if actor.viewer is None else []
    return Page(
        "tenants/members.html",
        {
            "query": query,
            "listing": listing,
            "after": after,
            "count_limit": list_store.COUNT_LIMIT,
            "roles": await labels.role_names(read),
            "tree": tree,
            "units": tree.options(current().locale, directory.visible(read, tree)),
            "statuses": labels.STATUS_NAMES,
            "kept": kept,
            "languages_known": NAMES,
            "done": request.query_params.get("done", ""),
        },
    )


@get(ROOT + "/export.csv", permission="members.read", limit="download", include_in_schema=False)
async def export(
    request: AnyRequest, read: TenantReader, actor: Actor, database: Database
) -> Response[bytes]:
    """The same list as CSV; that it left is on record."""
    if actor.viewer is not None:
        raise OnlyLooking()
    query = Query.of(request.query_params)
    names, tree = await labels.role_names(read), await units.tree(read)
    rows = [row_cells(row, names, tree) async for row in directory.every(read, query)]
    async with database.tenant(read.tenant_id, actor) as tx:
        await emit(tx, "members.exported", MembersExported(query.given, len(rows)))
    return Response(
        as_csv([translate(column) for column in EXPORT_COLUMNS], rows),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": 'attachment; filename="members.csv"',
            "cache-control": "no-store",
        },
    )


def row_cells(row: Row, names: labels.RoleNames, tree: units.Tree) -> list[str]:
    """A member's cells, in the order of EXPORT_COLUMNS; the day in ISO 8601."""
    locale = current().locale
    roles = [
        names.name(held.role)
        + (f" ({tree.name(held.unit_id, locale)})" if held.unit_id is not None else "")
        for held in row.roles
    ]
    return [
        row.display_name,
        row.email or "",
        "; ".join(roles),
        tree.name(row.unit_id, locale),
        row.locale,
        translate(labels.STATUS_NAMES[row.status]),
        row.created_at.date().isoformat(),
    ]


@post(ROOT + "/filters", permission="members.read", include_in_schema=False)
async def keep_filter(tx: TenantTransaction, actor: Actor, slug: str, data: Form) -> Redirect:
    """Keeps the filter in view under a name of one's own."""
    name = data.get("name", "").strip()
    if not 1 <= len(name) <= FILTER_NAME_LIMIT_CHARACTERS:
        raise Invalid(errors={"name": N_("Give the filter a name of at most 80 characters.")})
    query = Query.of(data)
    if not await filter_store.keep(tx, person_of(actor), name, query.as_text):
        raise TooManyFilters()
    return Redirect(f"/t/{slug}/members?{query.as_text}", status_code=303)


@post(ROOT + "/filters/{filter_id:uuid}/forget", permission="members.read", include_in_schema=False)
async def forget_filter(
    tx: TenantTransaction, actor: Actor, slug: str, filter_id: UUID
) -> Redirect:
    await filter_store.forget(tx, person_of(actor), filter_id)
    return Redirect(f"/t/{slug}/members", status_code=303)


handlers: list[Any] = [
    members,
    export,
    keep_filter,
    forget_filter,
    *action_pages.handlers,
    *member_pages.handlers,
    *looking_pages.handlers,
    *role_pages.handlers,
    *invitation_pages.handlers,
    *join_pages.handlers,
    *import_pages.handlers,
    *job_pages.handlers,
    *session_pages.handlers,
]
