"""The pages of requisitions: the list and its export, opening one, closing it."""

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Redirect, Response

from passerelle.hiring import service, store
from passerelle.hiring.forms import NewRequisitionForm
from passerelle.hiring.model import (
    EXPORT_ROWS_LIMIT,
    REQUISITIONS_PAGE_ROWS,
    SEARCH_LENGTH_LIMIT,
    Requisition,
    Status,
)
from passerelle.hiring.problems import RequisitionInvalid
from passerelle.kernel.database import TenantReader, TenantTransaction
from passerelle.kernel.language import N_
from passerelle.skills.folding import folded
from passerelle.web.export import as_csv
from passerelle.web.formats import in_numerals
from passerelle.web.language import current, translate
from passerelle.web.page import Page

ROOT = "/t/{slug:str}/hiring"
REQUISITION = ROOT + "/{requisition_id:uuid}"
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
Search = Annotated[str, Parameter(max_length=SEARCH_LENGTH_LIMIT)]

STATUSES = {"open": N_("open"), "closed": N_("closed")}
EXPORT_COLUMNS = (
    N_("Number"),
    N_("Title"),
    N_("Unit"),
    N_("Place"),
    N_("Posts"),
    N_("Closes on"),
    N_("Status"),
    N_("Opened on"),
)


def _status(text: str) -> Status | None:
    return text if text in ("open", "closed") else None  # type: ignore[return-value]


@get(ROOT, permission="hiring.read", include_in_schema=False)
async def requisitions(
    read: TenantReader, q: Search = "", status: str = "", after: UUID | None = None
) -> Page:
    """The organisation's requisitions, newest first."""
    rows = await store.requisitions(
        read, folded(q), _status(status), after, REQUISITIONS_PAGE_ROWS + 1
    )
    page = rows[:REQUISITIONS_PAGE_ROWS]
    return Page(
        "hiring/requisitions.html",
        {
            "requisitions": page,
            "next": page[-1].id if len(rows) > REQUISITIONS_PAGE_ROWS else None,
            "after": after,
            "q": q,
            "status": _status(status) or "",
            "statuses": STATUSES,
        },
    )


@get(ROOT + "/requisitions.csv", permission="hiring.read", include_in_schema=False)
async def export(read: TenantReader, q: Search = "", status: str = "") -> Response[bytes]:
    """The same list as CSV, at most EXPORT_ROWS_LIMIT rows."""
    rows = await store.requisitions(read, folded(q), _status(status), None, EXPORT_ROWS_LIMIT)
    header = [translate(column) for column in EXPORT_COLUMNS]
    return Response(
        as_csv(header, (_row(one) for one in rows)),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": 'attachment; filename="requisitions.csv"',
            "cache-control": "no-store",
        },
    )


def _row(requisition: Requisition) -> list[str]:
    """A requisition's cells, in the order of EXPORT_COLUMNS; days in ISO 8601."""
    return [
        requisition.number,
        requisition.title.in_(current().locale),
        requisition.unit,
        requisition.place,
        str(requisition.posts),
        requisition.closes_on.isoformat() if requisition.closes_on else "",
        translate(STATUSES[requisition.status]),
        requisition.created_at.date().isoformat(),
    ]


@get(ROOT + "/new", permission="hiring.decide", include_in_schema=False, sync_to_thread=False)
def new_requisition() -> Page:
    """A requisition to be opened."""
    return Page("hiring/new.html", {"values": {"posts": "1"}, "errors": {}})


@post(ROOT + "/new", permission="hiring.decide", include_in_schema=False, status_code=200)
async def open_requisition(tx: TenantTransaction, slug: str, data: Form) -> Response[str] | Page:
    """Opens it and goes to its shortlist; what is wrong stays on screen."""
    form = await NewRequisitionForm.read(tx, data, current().locale)
    errors = dict(form.errors)
    if not errors:
        try:
            opened = await service.open_requisition(tx, form.requisition)
        except RequisitionInvalid as problem:
            errors = {name: in_numerals(translate(text)) for name, text in problem.errors.items()}
        else:
            return Redirect(f"/t/{slug}/hiring/{opened.id}", status_code=303)
    return Page("hiring/new.html", {"values": data, "errors": errors}, status_code=400)


@post(REQUISITION + "/status", permission="hiring.decide", include_in_schema=False)
async def change_status(
    tx: TenantTransaction, slug: str, requisition_id: UUID, data: Form
) -> Redirect:
    """Closes the requisition or opens it again."""
    wanted: Status = "closed" if data.get("status") == "closed" else "open"
    await service.set_status(tx, requisition_id, wanted)
    return Redirect(f"/t/{slug}/hiring/{requisition_id}", status_code=303)


handlers = [requisitions, export, new_requisition, open_requisition, change_status]
