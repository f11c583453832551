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
from passerelle.web.language import translate
from passerelle.web.page import Page
from tenants.audit import service, store
from tenants.audit.model import Filter

navigation.add(N_("Audit"), "/audit", permission="audit.read", order=80)

TEXT_LIMIT_CHARACTERS = 200


#: What an event is called on screen; one without a name of its own shows its technical one.
LABELS = {
    "access.refused": N_("Access refused"),
    "application.moved": N_("A decision on an application"),
    "credential.due": N_("A credential was earned"),
    "credential.issued": N_("A credential was issued"),
    "credential.revoked": N_("A credential was revoked"),
    "exam.finished": N_("An exam was finished"),
    "exam.passed": N_("An exam was passed"),
    "grade.due": N_("A grade was queued for the LMS"),
    "lms.connected": N_("An LMS was connected"),
    "member.admitted": N_("A member was admitted"),
    "member.signed_in": N_("A member signed in"),
    "model.trained": N_("A matching model was trained"),
    "model.training_requested": N_("A training of the matching model was asked for"),
    "object.removed": N_("A file was removed or replaced"),
    "requisition.closed": N_("A requisition was closed"),
    "requisition.opened": N_("A requisition was opened"),
    "requisition.opened_again": N_("A requisition was opened again"),
    "setting.changed": N_("A setting was changed"),
    "setting.tested": N_("A setting was tested"),
    "sign_in.refused": N_("A sign-in was refused"),
    "tenant.created": N_("The organisation was created"),
}


def event_label(name: str) -> str:
    return translate(LABELS[name]) if name in LABELS else name


def _named(names: list[str]) -> list[tuple[str, str]]:
    return [(name, event_label(name)) for name in names]


def _indented(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


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
            "names": [("", translate("Everything")), *_named(await store.event_names(read))],
            "name": name,
            "text": text,
            "as_of": as_of,
            "event_label": event_label,
            "json": _indented,
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
