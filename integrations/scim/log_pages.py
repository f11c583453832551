"""The log of provisioning: what was asked of whom, by which directory, and what came of it."""

from uuid import UUID

from litestar import Response, get

from integrations.scim import client_store, log_store
from integrations.scim.log_store import LogFilter
from integrations.scim.model import LogRow
from passerelle.kernel.database import TenantReader
from passerelle.kernel.language import N_
from passerelle.kernel.tenant_settings import read_setting
from passerelle.web.export import as_csv
from passerelle.web.formats import format_datetime
from passerelle.web.language import translate
from passerelle.web.page import Page
from tenants.privacy.retention import RETENTION

PATH = "/t/{slug:str}/provisioning-log"
PAGE_ROWS = 50
EXPORT_ROWS = 10_000
TEXT_LIMIT_CHARACTERS = 200
ACTIONS = {
    "create": N_("Create"),
    "change": N_("Change"),
    "delete": N_("Delete"),
    "read": N_("Read"),
}
OUTCOMES = {"well": N_("Done"), "refused": N_("Refused")}
WHAT = {"User": N_("User"), "Group": N_("Group"), "Bulk": N_("Several at once"), "-": "–"}


def wanted(client: str, action: str, outcome: str, name: str) -> LogFilter:
    """What the form asks for; what can't be read counts as not given."""
    try:
        client_id = UUID(client) if client else None
    except ValueError:
        client_id = None
    return LogFilter(
        client_id=client_id,
        action=action if action in ACTIONS else None,
        well={"well": True, "refused": False}.get(outcome),
        name=name.replace("\0", "").strip()[:TEXT_LIMIT_CHARACTERS] or None,
    )


@get(PATH, permission="audit.read", include_in_schema=False)
async def log(
    read: TenantReader,
    client: str = "",
    action: str = "",
    outcome: str = "",
    name: str = "",
    before: UUID | None = None,
) -> Page:
    found = await log_store.logged(
        read, wanted(client, action, outcome, name), before, PAGE_ROWS + 1
    )
    shown = found[:PAGE_ROWS]
    return Page(
        "integrations/provisioning_log.html",
        {
            "rows": shown,
            "next_before": shown[-1].id if len(found) > PAGE_ROWS else None,
            "query": {"client": client, "action": action, "outcome": outcome, "name": name},
            "clients": [(str(one.id), one.name) for one in await client_store.clients(read)],
            "actions": ACTIONS,
            "outcomes": OUTCOMES,
            "what": WHAT,
            "days": (await read_setting(read, RETENTION)).scim_log,
        },
    )


@get(
    PATH + ".csv",
    permission="audit.read",
    limit="download",
    include_in_schema=False,
    media_type="text/csv",
)
async def log_export(
    read: TenantReader, client: str = "", action: str = "", outcome: str = "", name: str = ""
) -> Response[bytes]:
    """The newest EXPORT_ROWS that match."""
    asked = wanted(client, action, outcome, name)
    found = await log_store.logged(read, asked, None, EXPORT_ROWS)
    header = [
        *(N_("When"), N_("Directory"), N_("Asked for"), N_("Of what"), N_("Name")),
        *(N_("Identifier"), N_("Outcome"), N_("Code"), N_("Detail")),
    ]
    return Response(
        as_csv([translate(name) for name in header], (_row(one) for one in found)),
        media_type="text/csv",
        headers={"content-disposition": 'attachment; filename="provisioning.csv"'},
    )


def _row(one: LogRow) -> list[str]:
    outcome = OUTCOMES["well"] if one.went_well else OUTCOMES["refused"]
    return [
        format_datetime(one.asked_at),
        one.client_name,
        translate(ACTIONS[one.action]) if one.action in ACTIONS else one.action,
        translate(WHAT[one.kind]) if one.kind in WHAT else one.kind,
        one.name,
        one.resource_id or "",
        translate(outcome),
        str(one.status),
        one.detail,
    ]


handlers = [log, log_export]
