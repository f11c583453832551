"""The audit record as a page: searched, filtered, as of a date, exported."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.datastructures import ResponseHeader

from passerelle.kernel.database import TenantReader
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import N_
from passerelle.web import navigation
from passerelle.web.page import Page
from tenants.audit import service, store
from tenants.audit.model import Filter

navigation.add(N_("Audit"), "/audit", permission="audit.read", order=80)

TEXT_LIMIT_CHARACTERS = 200


def wanted(name: str, text: str, as_of: str) -> Filter:
    """The filter of a form's fields. Raises Invalid for a date that is none."""
    end: datetime | None = None
    if as_of:
        try:
            day = date.fromisoformat(as_of)
        except ValueError:
            raise Invalid(
                errors={"as_of": N_("Give the date as year-month-day, such as 2026-11-23")}
            ) from None
        end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)
    return Filter(name or None, text[:TEXT_LIMIT_CHARACTERS] or None, None, end)


@get("/t/{slug:str}/audit", permission="audit.read", include_in_schema=False)
async def audit_page(
    read: TenantReader,
    name: str = "",
    text: str = "",
    as_of: str = "",
    before: UUID | None = None,
) -> Page:
    found = await service.page(read, wanted(name, text, as_of), before)
    return Page(
        "tenants/audit.html",
        {
            "page": found,
            "names": await store.event_names(read),
            "name": name,
            "text": text,
            "as_of": as_of,
            "json": lambda value: msgspec.json.format(msgspec.json.encode(value), indent=2).decode(),
        },
    )


@get(
    "/t/{slug:str}/audit.csv",
    permission="audit.read",
    include_in_schema=False,
    media_type="text/csv",
    response_headers=[
        ResponseHeader(name="content-disposition", value='attachment; filename="audit.csv"')
    ],
)
async def audit_export(
    read: TenantReader, name: str = "", text: str = "", as_of: str = ""
) -> Response[bytes]:
    return Response(await service.export(read, wanted(name, text, as_of)), media_type="text/csv")


handlers = [audit_page, audit_export]
