"""The audit record as a page: searched, filtered, as of a date, exported."""

from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.datastructures import ResponseHeader
from litestar.di import Provide
from litestar.response import Redirect, Stream
from redis.asyncio import Redis

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantReader, TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import N_
from passerelle.kernel.tenant_settings import read_setting
from passerelle.web import navigation
from passerelle.web.formats import format_number
from passerelle.web.language import current, translate
from passerelle.web.page import Page
from tenants.audit import chain_store, checks, export, service, store
from tenants.audit.check_store import Check
from tenants.audit.differences import rows
from tenants.audit.findings import SENTENCES, Verdict
from tenants.audit.form import Query
from tenants.audit.labels import event_label
from tenants.audit.model import Cursor, Filter
from tenants.audit.model import Page as Entries
from tenants.audit.plot import Plot, plot
from tenants.audit.setting import SETTING

navigation.add(N_("Audit"), "/audit", permission="audit.read", order=80)

#: By which way someone came in, or a program.
ORIGINS = {
    "lti": N_("through the LMS"),
    "keycloak": N_("signed in"),
    "api": N_("a program, through the API"),
    "system": N_("the system itself"),
}
#: Where heads are written down.
PLACES = {
    "directory": N_("in the operator’s folder"),
    "operator_mailbox": N_("in the operator’s mailbox"),
    "mailbox": N_("in your organisation’s mailbox"),
}


def _indented(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _query(
    name: str = "",
    text: str = "",
    who: str = "",
    subject: str = "",
    since: str = "",
    until: str = "",
    as_of: str = "",
) -> Query:
    return Query(
        name=name, text=text, who=who, subject=subject, since=since, until=until, as_of=as_of
    )


def finding_text(verdict: Verdict) -> str:
    """What a verification found, in the reader's language."""
    assert verdict.finding is not None  # noqa: S101  asked of a bad verdict only
    at, nowhere = SENTENCES[verdict.finding.kind]
    if verdict.finding.position is None:
        return translate(nowhere)
    return translate(at, position=format_number(verdict.finding.position))


@get(
    "/t/{slug:str}/audit",
    permission="audit.read",
    include_in_schema=False,
    dependencies={"asked": Provide(_query, sync_to_thread=False)},
)
async def audit_page(
    read: TenantReader,
    database: Database,
    valkey: Redis,
    actor: Actor,
    asked: Query,
    before: str = "",
    after: str = "",
) -> Page:
    """The record, newest first; what is wrong with a filter is said beside its field."""
    errors: dict[str, str] = {}
    found, drawn = Entries([], None, None), None
    try:
        wanted = asked.filter()
    except Invalid as invalid:
        errors = {field: translate(said) for field, said in invalid.errors.items()}
    else:
        paging = bool(before or after)
        if not paging:
            await service.note_reading(database, valkey, actor, wanted)
            drawn = await _plot(read, wanted)
        found = await service.page(read, wanted, Cursor.parse(before), Cursor.parse(after))
    return Page(
        "tenants/audit.html",
        {
            "page": found,
            "plot": drawn,
            "query": asked,
            "errors": errors,
            "names": await _names(read, asked.name),
            "who_name": await _who(read, asked.who, errors),
            "chain": await chain_store.end(read),
            "mailbox": (await read_setting(read, SETTING)).mailbox,
            "anchors": await chain_store.last_anchors(read),
            **_words(),
            **_checking(await checks.latest(read)),
        },
        status_code=400 if errors else 200,
    )


async def _plot(read: TenantReader, wanted: Filter) -> Plot:
    return await plot(read, wanted, datetime.now(UTC), mirrored=current().direction == "rtl")


async def _names(read: TenantReader, chosen: str) -> list[tuple[str, str]]:
    known = {*await store.event_names(read), *([chosen] if chosen else [])}
    named = sorted(((name, event_label(name)) for name in known), key=lambda pair: pair[1])
    return [("", translate("Everything")), *named]


async def _who(read: TenantReader, who: str, errors: dict[str, str]) -> str | None:
    if not who or "who" in errors:
        return None
    return await store.name_of_actor(read, UUID(who)) or who


def _words() -> dict[str, object]:
    return {
        "event_label": event_label,
        "origins": ORIGINS,
        "places": PLACES,
        "json": _indented,
        "rows": rows,
        "query_string": lambda parameters: urlencode(parameters),
    }


def _checking(check: Check | None) -> dict[str, object]:
    runs = check is not None and checks.runs(check, datetime.now(UTC))
    return {"check": check, "check_runs": runs, "finding_text": finding_text}


@get("/t/{slug:str}/audit/check", permission="audit.read", include_in_schema=False)
async def audit_check(read: TenantReader) -> Page:
    """How far the verification is: asked again and again while it runs."""
    return Page("tenants/audit_check.html", _checking(await checks.latest(read)), block="check")


@post("/t/{slug:str}/audit/check", permission="audit.read", include_in_schema=False)
async def ask_audit_check(tx: TenantTransaction, slug: str) -> Redirect:
    """Has the chain verified by the worker."""
    await checks.ask(tx)
    return Redirect(f"/t/{slug}/audit/check", status_code=303)


def _attachment(name: str) -> list[ResponseHeader]:
    return [ResponseHeader(name="content-disposition", value=f'attachment; filename="{name}"')]


@get(
    "/t/{slug:str}/audit.csv",
    permission="audit.read",
    limit="download",
    include_in_schema=False,
    media_type="text/csv",
    response_headers=_attachment("audit.csv"),
    dependencies={"asked": Provide(_query, sync_to_thread=False)},
)
async def audit_csv(read: TenantReader, database: Database, actor: Actor, asked: Query) -> Stream:
    """What the filter finds, newest first, for a spreadsheet."""
    wanted = asked.filter()
    await service.note_export(database, actor, "csv", wanted)
    return Stream(export.csv_pieces(read, wanted), media_type="text/csv; charset=utf-8")


@get(
    "/t/{slug:str}/audit.jsonl",
    permission="audit.read",
    include_in_schema=False,
    media_type="application/jsonl",
    response_headers=_attachment("audit.jsonl"),
    dependencies={"asked": Provide(_query, sync_to_thread=False)},
)
async def audit_json_lines(
    read: TenantReader, database: Database, actor: Actor, slug: str, asked: Query
) -> Stream:
    """What the filter finds, in the chain's order, with its proof."""
    wanted = asked.filter()
    await service.note_export(database, actor, "json_lines", wanted)
    pieces = export.json_lines(read, slug, wanted, datetime.now(UTC))
    return Stream(pieces, media_type="application/jsonl")


handlers = [audit_page, audit_check, ask_audit_check, audit_csv, audit_json_lines]
