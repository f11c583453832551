"""The privacy officer's pages: the map, the ledger, and what is held about one person."""

import io
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from passerelle.kernel.database import TenantReader, TenantTransaction
from passerelle.kernel.errors import Invalid, NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_
from passerelle.kernel.tenant_settings import read_setting
from passerelle.people.consents import text_of
from passerelle.skills.folding import folded
from passerelle.web import navigation
from passerelle.web.export import as_csv
from passerelle.web.language import current, translate
from passerelle.web.page import Page
from tenants.privacy import store, words
from tenants.privacy.model import PAGE_ROWS, Consent, Known, MemberExported
from tenants.privacy.packing import Packer, pack_tenant
from tenants.privacy.retention import RETENTION
from tenants.privacy.statements import count_rows, of_owner, value_of

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
CSV: Final = "text/csv"
EXPORT_ROWS: Final = 10_000
SEARCH_LIMIT_CHARACTERS: Final = 100

navigation.add(N_("Privacy"), "/privacy", permission="privacy.manage", order=85)


def day_after(as_of: str) -> tuple[datetime, dict[str, str]]:
    """The end of a day that was asked for, now for none; and what is wrong with it."""
    now = datetime.now(UTC) + timedelta(seconds=1)
    if not as_of:
        return now, {}
    try:
        day = date.fromisoformat(as_of)
        return datetime.combine(day + timedelta(days=1), time.min, UTC), {}
    except (ValueError, OverflowError):
        wrong = N_("Give the date as year-month-day, such as 2026-11-23")
        return now, {"as_of": translate(wrong)}


@get("/t/{slug:str}/privacy", permission="privacy.manage", include_in_schema=False)
async def map_page(read: TenantReader) -> Page:
    """What the organisation holds of persons, why, for how long, and what erasure does to it."""
    chosen = await read_setting(read, RETENTION)
    rows = words.said_once(words.map_rows(of_owner("tenant"), chosen))
    last_run = await store.last_run(read)
    return Page("tenants/privacy_map.html", {"rows": rows, "last_run": last_run})


@get(
    "/t/{slug:str}/privacy.csv",
    permission="privacy.manage",
    include_in_schema=False,
    media_type=CSV,
)
async def map_export(read: TenantReader) -> Response[bytes]:
    chosen = await read_setting(read, RETENTION)
    columns = ["table", "columns", "what", "why", "long", "erasure"]
    rows = words.map_rows([*of_owner("tenant"), *of_owner("person")], chosen)
    return _file(as_csv(columns, ([row[name] for name in columns] for row in rows)), "privacy.csv")


def _file(content: bytes, name: str, media_type: str = CSV) -> Response[bytes]:
    return Response(
        content,
        media_type=media_type,
        headers={
            "content-disposition": f'attachment; filename="{name}"',
            "cache-control": "no-store",
        },
    )


@get("/t/{slug:str}/privacy/ledger", permission="privacy.manage", include_in_schema=False)
async def ledger_page(read: TenantReader, as_of: str = "", before: UUID | None = None) -> Page:
    """Who agreed to what, in which words, and when they took it back."""
    until, errors = day_after(as_of)
    found = await store.consents(read, before, until, None, PAGE_ROWS + 1)
    shown = found[:PAGE_ROWS]
    return Page(
        "tenants/privacy_ledger.html",
        {
            "consents": shown,
            "texts": texts_of(shown),
            "purposes": words.PURPOSES,
            "as_of": as_of,
            "until": until,
            "errors": errors,
            "older": shown[-1].id if len(found) > PAGE_ROWS else None,
        },
        status_code=400 if errors else 200,
    )


def texts_of(consents: list[Consent]) -> dict[str, str]:
    """Version → the words that were shown, in the reader's language."""
    versions = {one.text_version for one in consents}
    found = {version: text_of(version) for version in versions}
    locale = current().locale
    return {version: text.in_(locale) for version, text in found.items() if text is not None}


@get(
    "/t/{slug:str}/privacy/ledger.csv",
    permission="privacy.manage",
    include_in_schema=False,
    media_type=CSV,
)
async def ledger_export(read: TenantReader, as_of: str = "") -> Response[bytes]:
    until, errors = day_after(as_of)
    if errors:
        raise Invalid(errors=errors)
    columns = [
        *("person_id", "purpose", "text_version", "locale", "given_at", "given_by_event"),
        *("until", "withdrawn_at", "withdrawn_by_event"),
    ]
    found = await store.consents(read, None, until, None, EXPORT_ROWS)
    rows = ([str(getattr(one, name) or "") for name in columns] for one in found)
    return _file(as_csv(columns, rows), "consents.csv")


@get("/t/{slug:str}/privacy/people", permission="privacy.manage", include_in_schema=False)
async def people_page(read: TenantReader, search: str = "") -> Page:
    """Members by name or address, to see and hand over or erase what is held of one."""
    search = search[:SEARCH_LIMIT_CHARACTERS]
    looked_for = folded(search).split()
    found = await store.search(read, looked_for[0]) if looked_for else []
    left = [one for one in found if all(word in _named(one) for word in looked_for)]
    return Page(
        "tenants/privacy_people.html",
        {"search": search, "found": left[:PAGE_ROWS], "asked": bool(looked_for)},
    )


def _named(known: Known) -> str:
    return f"{folded(known.name or '')} {folded(known.email or '')}"


async def _member(read: TenantReader | TenantTransaction, person_id: UUID) -> Known:
    known = await store.known(read, person_id)
    if known is None:
        raise NotFound()
    return known


@get(
    "/t/{slug:str}/privacy/people/{person_id:uuid}",
    permission="privacy.manage",
    include_in_schema=False,
)
async def person_page(read: TenantReader, person_id: UUID) -> Page:
    """What the organisation holds of one member: how many rows of what, for what."""
    known = await _member(read, person_id)
    rows = []
    for entry in of_owner("tenant"):
        value = value_of(entry, known)
        if value is None:
            continue
        count = await read.fetch_value(count_rows(entry), read.tenant_id, value)
        if count:
            purpose = entry.purpose.in_(current().locale)
            rows.append({"what": purpose, "count": count, "erasure": words.on_erasure(entry)})
    consents = await store.consents(read, None, day_after("")[0], person_id, PAGE_ROWS)
    return Page(
        "tenants/privacy_person.html",
        {
            "known": known,
            "rows": rows,
            "consents": consents,
            "purposes": words.PURPOSES,
            "texts": texts_of(consents),
            "erasure": await store.open_erasure_of(read, person_id),
        },
    )


@post(
    "/t/{slug:str}/privacy/people/{person_id:uuid}/copy",
    permission="privacy.manage",
    include_in_schema=False,
    status_code=200,
    media_type="application/zip",
)
async def person_copy(tx: TenantTransaction, person_id: UUID) -> Response[bytes]:
    """What the organisation holds of one member, as a ZIP; that it was taken is on record."""
    known = await _member(tx, person_id)
    stream = io.BytesIO()
    packer = Packer(stream)
    await pack_tenant(packer, tx, known)
    packer.close(person_id)
    exported = MemberExported(person_id)
    await emit(tx, "member.exported", exported, subject=person_id, person_id=person_id)
    return _file(stream.getvalue(), f"{person_id}.zip", "application/zip")


handlers = [
    map_page,
    map_export,
    ledger_page,
    ledger_export,
    people_page,
    person_page,
    person_copy,
]
