"""The mail log of an organisation: what was sent to whom, and what the server said."""

from uuid import UUID

from litestar import Response, get

from integrations.mail import store
from integrations.mail.model import KINDS, STATES, LogFilter, LoggedMail
from passerelle.kernel.database import TenantReader
from passerelle.kernel.language import N_
from passerelle.web import navigation
from passerelle.web.export import as_csv
from passerelle.web.formats import format_datetime
from passerelle.web.language import translate
from passerelle.web.page import Page

PAGE_ROWS = 50
EXPORT_ROWS = 10_000
TEXT_LIMIT_CHARACTERS = 200

navigation.add(N_("Mail"), "/mail", permission="tenant.admin", order=85)


def wanted(status: str, kind: str, address: str) -> LogFilter:
    """What the form asks for; a state that is none asks for all."""
    return LogFilter(
        state=status if status in STATES else None,
        kind=kind if kind in KINDS else None,
        address=address.strip()[:TEXT_LIMIT_CHARACTERS] or None,
    )


@get("/t/{slug:str}/mail", permission="tenant.admin", include_in_schema=False)
async def mail_log(
    read: TenantReader,
    status: str = "",
    kind: str = "",
    address: str = "",
    before: UUID | None = None,
) -> Page:
    found = await store.logged(read, wanted(status, kind, address), before, PAGE_ROWS + 1)
    shown = found[:PAGE_ROWS]
    return Page(
        "integrations/mail_log.html",
        {
            "mails": shown,
            "next_before": shown[-1].id if len(found) > PAGE_ROWS else None,
            "counts": await store.state_counts(read),
            "states": STATES,
            "kinds": KINDS,
            "status": status,
            "kind": kind,
            "address": address,
        },
    )


@get(
    "/t/{slug:str}/mail.csv",
    permission="tenant.admin",
    limit="download",
    include_in_schema=False,
    media_type="text/csv",
)
async def mail_log_export(
    read: TenantReader, status: str = "", kind: str = "", address: str = ""
) -> Response[bytes]:
    """The newest EXPORT_ROWS that match."""
    found = await store.logged(read, wanted(status, kind, address), None, EXPORT_ROWS)
    header = [N_("When"), N_("To"), N_("What about"), N_("Subject"), N_("State"), N_("Said")]
    return Response(
        as_csv([translate(name) for name in header], (_row(mail) for mail in found)),
        media_type="text/csv",
        headers={"content-disposition": 'attachment; filename="mail.csv"'},
    )


def _row(mail: LoggedMail) -> list[str]:
    return [
        format_datetime(mail.queued_at),
        mail.address,
        translate(KINDS[mail.kind]) if mail.kind in KINDS else mail.kind,
        mail.subject,
        translate(STATES[mail.state]),
        mail.detail,
    ]


handlers = [mail_log, mail_log_export]
