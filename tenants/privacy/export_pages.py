"""The whole organisation as a file: asked for here, made by the worker, fetched for a day."""

from typing import Annotated, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, Dependency
from litestar.response import Redirect, Stream

from passerelle.kernel.database import TenantReader, TenantTransaction
from passerelle.kernel.errors import Conflict, NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_
from passerelle.kernel.ports import BoundRead, Objects
from passerelle.kernel.secrets import Vault
from passerelle.web.page import Page
from tenants.privacy import export_store, exporting, words
from tenants.privacy.archive import PASSPHRASE_LEAST_CHARACTERS
from tenants.privacy.model import EXPORT_HOURS, ExportAsked
from tenants.privacy.packing import object_name

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
SEE_OTHER: Final = 303
PluggedObjects = Annotated[Objects, Dependency(skip_validation=True)]
PATH: Final = "/t/{slug:str}/privacy/export"
#: The file holds more than any one role reads: live exams with their keys, and the keys with which
#: credentials are signed, sealed under a passphrase that whoever asks has chosen.
OWNERS: Final = "tenant.own"


async def _page(read: TenantReader | TenantTransaction, errors: dict[str, str]) -> Page:
    exports = await export_store.exports(read)
    return Page(
        "tenants/privacy_export.html",
        {
            "exports": exports,
            "open": any(one.is_open for one in exports),
            "states": words.STATES,
            "hours": EXPORT_HOURS,
            "least": PASSPHRASE_LEAST_CHARACTERS,
            "errors": errors,
        },
        status_code=400 if errors else 200,
        block="exports",
    )


@get(PATH, permission=OWNERS, include_in_schema=False)
async def export_page(read: TenantReader) -> Page:
    return await _page(read, {})


@post(PATH, permission=OWNERS, include_in_schema=False, status_code=200)
async def ask_export(
    tx: TenantTransaction, vault: Vault, slug: str, data: Form
) -> Response[str] | Page:
    passphrase = data.get("passphrase", "")
    if len(passphrase) < PASSPHRASE_LEAST_CHARACTERS:
        return await _page(tx, {"passphrase": N_("Choose at least 12 characters.")})
    if passphrase != data.get("again", ""):
        return await _page(tx, {"again": N_("The two are not the same")})
    await exporting.ask_of_tenant(tx, vault, passphrase)
    return Redirect(f"/t/{slug}/privacy/export", status_code=SEE_OTHER)


class ExportOver(Conflict):
    title = N_("This file is not there")
    mend = N_("It is still being made, or its time is over. Ask for another.")


async def file_of(objects: Objects, read: BoundRead, export_id: UUID, name: str) -> Stream:
    """The export's file as a download. Raises ExportOver."""
    stored = await objects.find(read, object_name(export_id))
    if stored is None:
        raise ExportOver()
    return Stream(
        objects.stream(read, stored),
        media_type="application/zip",
        headers={
            "content-disposition": f'attachment; filename="{name}"',
            "content-length": str(stored.size_bytes),
            "cache-control": "no-store",
        },
    )


@post(PATH + "/{export_id:uuid}/file", permission=OWNERS, include_in_schema=False)
async def fetch_export(
    tx: TenantTransaction, read: TenantReader, objects: PluggedObjects, slug: str, export_id: UUID
) -> Stream:
    """The file; who fetched it is on record."""
    found = await export_store.export(tx, export_id)
    if found is None:
        raise NotFound()
    if found.state != "ready":
        raise ExportOver()
    await export_store.fetched_export(tx, export_id)
    await emit(tx, "tenant.export_fetched", ExportAsked(export_id), subject=export_id)
    return await file_of(objects, read, export_id, f"{slug}.zip")


handlers = [export_page, ask_export, fetch_export]
