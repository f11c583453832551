"""The person's own: what they agreed to, a copy to take away, and being erased."""

from typing import Annotated, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Stream

from passerelle.kernel.actor import PERSON, Actor
from passerelle.kernel.database import Lookup, PersonReader, PersonTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_
from passerelle.kernel.settings import Settings
from passerelle.people.store import organisation_names
from passerelle.skills.folding import folded
from passerelle.web import navigation
from passerelle.web.language import translate
from passerelle.web.page import Page
from tenants.privacy import erasing, exporting, person_store, words
from tenants.privacy.export_pages import ExportOver, PluggedObjects, file_of
from tenants.privacy.model import COOLING_OFF_DAYS, EXPORT_HOURS, ExportAsked
from tenants.privacy.pages import day_after, texts_of
from tenants.privacy.retention import RetentionDays
from tenants.privacy.statements import of_owner

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
SEE_OTHER: Final = 303
#: What is typed before one is erased.
CONFIRMATION: Final = N_("erase everything")

navigation.add(N_("Privacy"), "/me/privacy", permission=PERSON, space="person", order=60)


@get("/me/privacy", permission=PERSON, include_in_schema=False)
async def own_ledger(person_read: PersonReader, lookup: Lookup, as_of: str = "") -> Page:
    """What the person agreed to, in which words, with whom; and the ways out."""
    until, errors = day_after(as_of)
    consents = await person_store.consents(person_read, until)
    return Page(
        "tenants/own_privacy.html",
        {
            "consents": consents,
            "names": await organisation_names(lookup, {one.tenant_id for one in consents}),
            "texts": texts_of(consents),
            "purposes": words.PURPOSES,
            "as_of": as_of,
            "until": until,
            "errors": errors,
            "erasure": await person_store.open_erasure(person_read),
            "rows": words.said_once(
                words.map_rows([*of_owner("person"), *of_owner("tenant")], RetentionDays())
            ),
        },
        status_code=400 if errors else 200,
    )


@get("/me/export", permission=PERSON, include_in_schema=False)
async def own_exports(person_read: PersonReader, actor: Actor) -> Page:
    exports = await person_store.exports(person_read)
    return Page(
        "tenants/own_export.html",
        {
            "exports": exports,
            "open": any(one.is_open for one in exports),
            "states": words.STATES,
            "hours": EXPORT_HOURS,
            "session": actor.session_id or "",
        },
        block="exports",
    )


@post("/me/export", permission=PERSON, include_in_schema=False)
async def ask_own_export(person_tx: PersonTransaction) -> Redirect:
    await exporting.ask_own(person_tx)
    return Redirect("/me/export", status_code=SEE_OTHER)


@post("/me/export/{export_id:uuid}/file", permission=PERSON, include_in_schema=False)
async def fetch_own_export(
    person_tx: PersonTransaction,
    person_read: PersonReader,
    objects: PluggedObjects,
    actor: Actor,
    export_id: UUID,
) -> Stream:
    """The file, in the session that asked for it alone."""
    found = await person_store.export(person_tx, export_id)
    if found is None or found.session_digest != (actor.session_id or ""):
        raise NotFound()
    if found.state != "ready":
        raise ExportOver()
    await person_store.fetched_export(person_tx, export_id)
    await emit(person_tx, "export.fetched", ExportAsked(export_id), subject=export_id)
    return await file_of(objects, person_read, export_id, "my-data.zip")


async def _erase_page(
    read: PersonReader | PersonTransaction,
    lookup: Lookup,
    settings: Settings,
    errors: dict[str, str],
) -> Page:
    tenants = await person_store.tenants_of_person(read)
    names = await organisation_names(lookup, set(tenants))
    erasure = await person_store.open_erasure(read)
    return Page(
        "tenants/own_erase.html",
        {
            "erasure": erasure,
            "receipt_address": f"{settings.public_url}/erasure/{erasure.id}" if erasure else "",
            "organisations": [names[one] for one in tenants if one in names],
            "goes": [one for one in of_owner("person") if one.erasure == "delete"],
            "stays": [one for one in of_owner("tenant") if one.kept_because],
            "on_erasure": words.on_erasure,
            "days": COOLING_OFF_DAYS,
            "confirmation": translate(CONFIRMATION),
            "errors": errors,
        },
        status_code=400 if errors else 200,
    )


@get("/me/erase", permission=PERSON, include_in_schema=False)
async def own_erasure(person_read: PersonReader, lookup: Lookup, settings: Settings) -> Page:
    """What goes, what must stay and why; or until when it can be taken back."""
    return await _erase_page(person_read, lookup, settings, {})


@post("/me/erase", permission=PERSON, include_in_schema=False, status_code=200)
async def ask_own_erasure(
    person_tx: PersonTransaction, lookup: Lookup, settings: Settings, data: Form
) -> Response[str] | Page:
    if folded(data.get("confirmation", "")) != folded(translate(CONFIRMATION)):
        wrong = translate(N_("Type the words as they stand above"))
        return await _erase_page(person_tx, lookup, settings, {"confirmation": wrong})
    await erasing.ask_own(person_tx)
    return Redirect("/me/erase", status_code=SEE_OTHER)


@post("/me/erase/take-back", permission=PERSON, include_in_schema=False)
async def take_back_own_erasure(person_tx: PersonTransaction) -> Redirect:
    await erasing.take_back_own(person_tx)
    return Redirect("/me/privacy", status_code=SEE_OTHER)


handlers = [
    own_ledger,
    own_exports,
    ask_own_export,
    fetch_own_export,
    own_erasure,
    ask_own_erasure,
    take_back_own_erasure,
]
