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
from tenants.audit.model import Cursor, Filter
from tenants.audit.model import Page as Entries
from tenants.audit.plot import Plot, plot
from tenants.audit.setting import SETTING

navigation.add(N_("Audit"), "/audit", permission="audit.read", order=80)

#: What an event is called on screen; one without a name of its own shows its technical one.
LABELS = {
    "access.refused": N_("Access refused"),
    "application.moved": N_("A decision on an application"),
    "audit.check_asked": N_("A verification of the audit record was asked for"),
    "audit.checked": N_("The audit record was verified"),
    "audit.exported": N_("The audit record was exported"),
    "audit.read": N_("The audit record was read"),
    "credential.due": N_("A credential was earned"),
    "credential.issued": N_("A credential was issued"),
    "credential.revoked": N_("A credential was revoked"),
    "events.redacted": N_("An erasure took words out of the record"),
    "exam.finished": N_("An exam was finished"),
    "exam.passed": N_("An exam was passed"),
    "grade.due": N_("A grade was queued for the LMS"),
    "host.claimed": N_("A host name was claimed"),
    "host.lost": N_("A host name was lost: its proof is gone"),
    "host.proved": N_("A host name was proved"),
    "host.released": N_("A host name was given up"),
    "invitation.refused": N_("An invitation was tried by another address"),
    "invitation.sent_again": N_("An invitation was sent again"),
    "invitation.withdrawn": N_("An invitation was withdrawn"),
    "limit.near": N_("A limit of the plan is near"),
    "limit.reached": N_("A limit of the plan is reached"),
    "lms.connected": N_("An LMS was connected"),
    "lms.launched": N_("The LMS opened a path for someone"),
    "mail.sent": N_("A mail was sent"),
    "member.admitted": N_("A member was admitted"),
    "member.erased": N_("A person was erased"),
    "member.erasure_asked": N_("An erasure was asked for"),
    "member.erasure_due": N_("An erasure is due"),
    "member.erasure_taken_back": N_("An erasure was taken back"),
    "member.exported": N_("A copy of what is held about a member was taken"),
    "member.invited": N_("Someone was invited"),
    "member.joined": N_("An invitation was taken"),
    "member.looked_as": N_("Someone looked as a member"),
    "member.moved": N_("A member was moved to another unit"),
    "member.reinstated": N_("A member's suspension was lifted"),
    "member.removed": N_("A member was removed"),
    "member.restored": N_("A change to a member was taken back"),
    "member.role_given": N_("A role was given"),
    "member.role_taken": N_("A role was taken away"),
    "member.signed_in": N_("A member signed in"),
    "member.suspended": N_("A member was suspended"),
    "members.exported": N_("The list of members was exported"),
    "members.job_confirmed": N_("A change to many members was confirmed"),
    "model.trained": N_("A matching model was trained"),
    "model.training_requested": N_("A training of the matching model was asked for"),
    "notices.digest_due": N_("Notices of the day went to the mail"),
    "notices.mail_due": N_("Notices went to the mail"),
    "object.removed": N_("A file was removed or replaced"),
    "object.stored": N_("A file was stored"),
    "plan.changed": N_("The plan was changed"),
    "requisition.closed": N_("A requisition was closed"),
    "requisition.opened": N_("A requisition was opened"),
    "requisition.opened_again": N_("A requisition was opened again"),
    "retention.applied": N_("What ran out of its time was erased"),
    "role.changed": N_("A role was changed"),
    "role.looked_as": N_("Someone looked with a role"),
    "role.made": N_("A role was made"),
    "role.restored": N_("A role was restored"),
    "role.retired": N_("A role was retired"),
    "setting.changed": N_("A setting was changed"),
    "setting.tested": N_("A setting was tested"),
    "sign_in.refused": N_("A sign-in was refused"),
    "tenant.created": N_("The organisation was created"),
    "tenant.deletion_asked": N_("The organisation was given up for deletion"),
    "tenant.export_asked": N_("A file of the whole organisation was asked for"),
    "tenant.export_ended": N_("A file of the whole organisation was removed"),
    "tenant.export_fetched": N_("A file of the whole organisation was fetched"),
    "tenant.export_made": N_("A file of the whole organisation was made"),
    "tenant.imported": N_("The organisation was brought in from another installation"),
    "tenant.lifted": N_("The suspension was lifted"),
    "tenant.restored": N_("The organisation was restored"),
    "tenant.suspended": N_("The organisation was suspended"),
    "unit.added": N_("A unit was added"),
    "unit.closed": N_("A unit was closed"),
    "unit.moved": N_("A unit was moved"),
    "unit.opened_again": N_("A unit was opened again"),
    "unit.renamed": N_("A unit was renamed"),
    "usage.closed": N_("A month’s usage statement was closed"),
}


def event_label(name: str) -> str:
    return translate(LABELS[name]) if name in LABELS else name


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
