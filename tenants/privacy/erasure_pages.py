"""Erasures as the officer asks for them, with their receipts; and the public page of a receipt."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from passerelle.kernel.actor import PUBLIC
from passerelle.kernel.database import Lookup, TenantReader, TenantTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.settings import Settings
from passerelle.web.page import Page
from tenants.privacy import erasing, receipts, store, words
from tenants.privacy.model import COOLING_OFF_DAYS, PAGE_ROWS, MemberErasure, Receipt
from tenants.privacy.statements import of_owner

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
SEE_OTHER: Final = 303


async def _ask_page(
    tx: TenantTransaction, person_id: UUID, reason: str, errors: dict[str, str]
) -> Page:
    known = await erasing.erasable(tx, person_id)
    entries = of_owner("tenant")
    return Page(
        "tenants/privacy_erase.html",
        {
            "known": known,
            "days": COOLING_OFF_DAYS,
            "reason": reason,
            "errors": errors,
            "kept": [one for one in entries if one.kept_because],
            "on_erasure": words.on_erasure,
        },
        status_code=400 if errors else 200,
    )


@get(
    "/t/{slug:str}/privacy/people/{person_id:uuid}/erase",
    permission="privacy.manage",
    include_in_schema=False,
)
async def check_erasure(tx: TenantTransaction, person_id: UUID) -> Page:
    """What goes, what stays and why, before anything is asked for."""
    return await _ask_page(tx, person_id, "", {})


@post(
    "/t/{slug:str}/privacy/people/{person_id:uuid}/erase",
    permission="privacy.manage",
    include_in_schema=False,
    status_code=200,
)
async def ask_erasure(
    tx: TenantTransaction, slug: str, person_id: UUID, data: Form
) -> Response[str] | Page:
    reason = data.get("reason", "")
    if errors := erasing.reason_problems(reason):
        return await _ask_page(tx, person_id, reason, errors)
    await erasing.ask_of_member(tx, person_id, reason)
    return Redirect(f"/t/{slug}/privacy/erasures?done=asked", status_code=SEE_OTHER)


@get("/t/{slug:str}/privacy/erasures", permission="privacy.manage", include_in_schema=False)
async def erasures_page(
    read: TenantReader, before: UUID | None = None, done: str | None = None
) -> Page:
    """Every erasure, newest first: what waits can be taken back, what is done has a receipt."""
    found = await store.erasures(read, before)
    shown = found[:PAGE_ROWS]
    older = shown[-1].id if len(found) > PAGE_ROWS else None
    context = {"erasures": shown, "older": older, "done": done, "days": COOLING_OFF_DAYS}
    return Page("tenants/privacy_erasures.html", context)


@post(
    "/t/{slug:str}/privacy/erasures/{erasure_id:uuid}/take-back",
    permission="privacy.manage",
    include_in_schema=False,
)
async def take_back(tx: TenantTransaction, slug: str, erasure_id: UUID) -> Redirect:
    await erasing.take_back_of_member(tx, erasure_id)
    return Redirect(f"/t/{slug}/privacy/erasures?done=taken-back", status_code=SEE_OTHER)


async def _finished(read: TenantReader, erasure_id: UUID) -> MemberErasure:
    found = await store.erasure(read, erasure_id)
    if found is None or found.parts is None:
        raise NotFound()
    return found


@get(
    "/t/{slug:str}/privacy/erasures/{erasure_id:uuid}",
    permission="privacy.manage",
    include_in_schema=False,
)
async def member_receipt(read: TenantReader, erasure_id: UUID) -> Page:
    found = await _finished(read, erasure_id)
    rows = words.part_rows(found.parts or [])
    return Page("tenants/privacy_receipt.html", {"erasure": found, "rows": rows})


class MemberReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation's receipt, as it is signed."""

    id: UUID
    tenant_id: UUID
    asked_by: str
    requested_at: object
    erased_at: object
    parts: object


@get(
    "/t/{slug:str}/privacy/erasures/{erasure_id:uuid}/receipt.json",
    permission="privacy.manage",
    include_in_schema=False,
)
async def member_receipt_file(
    read: TenantReader, settings: Settings, erasure_id: UUID
) -> Response[bytes]:
    found = await _finished(read, erasure_id)
    content = MemberReceipt(
        id=found.id,
        tenant_id=read.tenant_id,
        asked_by=found.asked_by,
        requested_at=found.requested_at,
        erased_at=found.finished_at,
        parts=found.parts,
    )
    return _signed(settings, content, erasure_id)


def _signed(settings: Settings, content: object, receipt_id: UUID) -> Response[bytes]:
    body = msgspec.json.format(msgspec.json.encode(receipts.signed(settings, content)), indent=2)
    name = f"receipt-{receipt_id}.json"
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
        "x-robots-tag": "noindex",
    }
    return Response(body, media_type="application/json", headers=headers)


async def _receipt(lookup: Lookup, receipt_id: UUID) -> Receipt:
    found = await store.receipt(lookup, receipt_id)
    if found is None:
        raise NotFound()
    return msgspec.convert(found, Receipt)


@get("/erasure/{receipt_id:uuid}", permission=PUBLIC, include_in_schema=False)
async def receipt_page(lookup: Lookup, receipt_id: UUID) -> Page:
    """The receipt of a person who is gone, for whoever holds its number: counts, and no name."""
    receipt = await _receipt(lookup, receipt_id)
    organisations = [
        {"rows": words.part_rows(one.parts), "number": number}
        for number, one in enumerate(receipt.organisations, 1)
    ]
    return Page(
        "tenants/erasure_receipt.html",
        {
            "receipt": receipt,
            "own": words.part_rows(receipt.own),
            "organisations": organisations,
        },
        headers={"x-robots-tag": "noindex"},
    )


@get("/erasure/{receipt_id:uuid}/receipt.json", permission=PUBLIC, include_in_schema=False)
async def receipt_file(lookup: Lookup, settings: Settings, receipt_id: UUID) -> Response[bytes]:
    return _signed(settings, await _receipt(lookup, receipt_id), receipt_id)


@get("/erasure/key.json", permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
def receipt_key(settings: Settings) -> dict[str, object]:
    """With which anyone checks a receipt."""
    return receipts.public_key(settings)


handlers = [
    check_erasure,
    ask_erasure,
    erasures_page,
    take_back,
    member_receipt,
    member_receipt_file,
    receipt_page,
    receipt_file,
    receipt_key,
]
