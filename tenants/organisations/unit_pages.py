"""The pages of units: the tree, one unit beside it, and each change on a page of its own."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Redirect, Response

from passerelle.kernel.database import TenantRead, TenantReader, TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import LOCALES, N_, Localised
from passerelle.web import navigation
from passerelle.web.formats import in_numerals
from passerelle.web.language import current, translate
from passerelle.web.page import Page
from tenants.organisations import unit_csv, unit_store, units
from tenants.organisations.model import check_reason
from tenants.organisations.problems import UnitUnknown
from tenants.organisations.unit_model import SEARCH_LIMIT_CHARACTERS, Unit
from tenants.organisations.unit_tree import Forest

navigation.add(N_("Units"), "/units", permission="tenant.admin", order=72)

ROOT = "/t/{slug:str}/units"
ONE = ROOT + "/{unit_id:uuid}"
ADMIN = "tenant.admin"
MOVED_SHOWN = 20
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
Sent = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
Search = Annotated[str, Parameter(max_length=SEARCH_LIMIT_CHARACTERS)]

DONE = {
    "added": N_("The unit is added."),
    "renamed": N_("The unit is renamed."),
    "moved": N_("The unit is moved, with all that lies below it."),
    "closed": N_("The unit is closed. Its history stays."),
    "opened": N_("The unit is open again."),
    "imported": N_("The list is taken over."),
}


@get(ROOT, permission=ADMIN, include_in_schema=False)
async def tree(
    read: TenantReader,
    unit: UUID | None = None,
    q: Search = "",
    as_of: str = "",
    closed: str = "",
    done: str = "",
) -> Page:
    """The tree with one unit open in it, as it stands or as it stood at the end of a day."""
    moment = end_of(as_of)
    forest = await _forest(read, moment)
    top = forest.root
    selected = forest.by_id.get(unit) if unit else top
    if selected is None:
        raise UnitUnknown()
    found = await unit_store.search(read, q) if q.strip() else []
    return Page(
        "tenants/units.html",
        {
            "forest": forest,
            "tree": forest.drawn(selected.id, current().locale, closed=closed == "yes"),
            "unit": selected,
            "path_of": forest.path,
            "found": found,
            "q": q,
            "as_of": as_of,
            "closed": closed,
            "done": translate(DONE[done]) if done in DONE else None,
        },
    )


async def _forest(read: TenantRead, moment: datetime | None = None) -> Forest:
    if moment is not None:
        then = await unit_store.units_as_of(read, moment)
        if not any(one.parent_id is None for one in then):
            raise Invalid(errors={"as_of": N_("The organisation had no units yet on this day")})
        return Forest(then)
    return Forest(await unit_store.units(read), await unit_store.members_in(read))


def end_of(as_of: str) -> datetime | None:
    """The moment after the day in the form's field; None for none. Raises Invalid."""
    if not as_of:
        return None
    try:
        day = date.fromisoformat(as_of)
        return datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Invalid(
            errors={"as_of": N_("Give the date as year-month-day, such as 2026-11-23")}
        ) from None


@get(ROOT + "/units.csv", permission=ADMIN, limit="download", include_in_schema=False)
async def export(read: TenantReader) -> Response[bytes]:
    """Every open unit, in the form in which a list comes back."""
    return Response(
        unit_csv.exported(await unit_store.units(read)),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": 'attachment; filename="units.csv"',
            "cache-control": "no-store",
        },
    )


def names_of(data: dict[str, str]) -> Localised:
    """Where a language is left empty, the name in another stands there."""
    texts = {one: data.get(f"name_{one}", "").strip() for one in LOCALES}
    given = texts[current().locale] or next((text for text in texts.values() if text), "")
    return Localised(**{one: text or given for one, text in texts.items()})


def shown_errors(problems: dict[str, str]) -> dict[str, str]:
    """As the form names its fields, in words; a name that is missing everywhere is missed once."""
    errors = {
        field.replace("name.", "name_"): in_numerals(translate(text))
        for field, text in problems.items()
    }
    names = [f"name_{one}" for one in LOCALES]
    if len({errors.get(name) for name in names}) == 1:
        for name in names:
            if name != f"name_{current().locale}":
                errors.pop(name, None)
    return errors


@get(ROOT + "/new", permission=ADMIN, include_in_schema=False)
async def new_unit(read: TenantReader, below: UUID) -> Page:
    """A unit to be added below another."""
    return await _form(read, "new", await _unit(read, below), {}, {})


@post(ROOT + "/new", permission=ADMIN, include_in_schema=False, status_code=200)
async def add_unit(tx: TenantTransaction, slug: str, below: UUID, data: Form) -> Redirect | Page:
    try:
        added = await units.add(tx, below, data.get("code", "").strip(), names_of(data))
    except Invalid as problem:
        return await _form(tx, "new", await _unit(tx, below), data, shown_errors(problem.errors))
    return to_unit(slug, added.id, "added")


@get(ONE + "/rename", permission=ADMIN, include_in_schema=False)
async def rename_form(read: TenantReader, unit_id: UUID) -> Page:
    unit = await _unit(read, unit_id)
    values = {f"name_{one}": unit.name.in_(one) for one in LOCALES}
    return await _form(read, "rename", unit, values, {})


@post(ONE + "/rename", permission=ADMIN, include_in_schema=False, status_code=200)
async def rename(tx: TenantTransaction, slug: str, unit_id: UUID, data: Form) -> Redirect | Page:
    try:
        await units.rename(tx, unit_id, names_of(data))
    except Invalid as problem:
        unit = await _unit(tx, unit_id)
        return await _form(tx, "rename", unit, data, shown_errors(problem.errors))
    return to_unit(slug, unit_id, "renamed")


async def _form(
    read: TenantRead, what: str, unit: Unit, values: dict[str, str], errors: dict[str, str]
) -> Page:
    return Page(
        "tenants/unit_form.html",
        {"what": what, "unit": unit, "values": values, "errors": errors},
        status_code=400 if errors else 200,
    )


@get(ONE + "/move", permission=ADMIN, include_in_schema=False)
async def move_form(
    read: TenantReader, unit_id: UUID, q: Search = "", to: UUID | None = None
) -> Page:
    """First where to, found by searching; then what moves along, to be confirmed."""
    return await _move_page(read, await _unit(read, unit_id), q, to, {})


async def _move_page(
    read: TenantRead, unit: Unit, q: str, to: UUID | None, errors: dict[str, str]
) -> Page:
    forest = await _forest(read)
    below = forest.below(unit.id)
    barred = {one.id for one in below} | {unit.id, unit.parent_id}
    found = await unit_store.search(read, q) if q.strip() else list(forest.children.get(None, []))
    target = forest.by_id.get(to) if to and to not in barred else None
    return Page(
        "tenants/unit_move.html",
        {
            "unit": unit,
            "forest": forest,
            "q": q,
            "found": [one for one in found if one.id not in barred and not one.closed],
            "target": target,
            "below": below,
            "below_shown": below[:MOVED_SHOWN],
            "members": forest.members(unit.id),
            "errors": errors,
        },
        status_code=400 if errors else 200,
    )


@post(ONE + "/move", permission=ADMIN, include_in_schema=False, status_code=200)
async def move(tx: TenantTransaction, slug: str, unit_id: UUID, data: Form) -> Redirect:
    try:
        parent = UUID(data.get("to", ""))
    except ValueError:
        raise Invalid(errors={"to": units.NO_PARENT}) from None
    await units.move(tx, unit_id, parent)
    return to_unit(slug, unit_id, "moved")


@get(ONE + "/close", permission=ADMIN, include_in_schema=False)
async def close_form(read: TenantReader, unit_id: UUID) -> Page:
    return await _close_page(read, unit_id, "", {})


async def _close_page(read: TenantRead, unit_id: UUID, reason: str, errors: dict[str, str]) -> Page:
    below = await unit_store.subtree(read, unit_id)
    hindered = units.STILL_OPEN if below.open_units > 1 else None
    if hindered is None and below.members:
        hindered = units.STILL_MEMBERS
    return Page(
        "tenants/unit_close.html",
        {
            "unit": await _unit(read, unit_id),
            "below": below,
            "hindered": translate(hindered) if hindered else None,
            "reason": reason,
            "errors": errors,
        },
        status_code=400 if errors else 200,
    )


@post(ONE + "/close", permission=ADMIN, include_in_schema=False, status_code=200)
async def close(tx: TenantTransaction, slug: str, unit_id: UUID, data: Form) -> Redirect | Page:
    try:
        await units.close(tx, unit_id, check_reason(data.get("reason", "")))
    except Invalid as problem:
        return await _close_page(tx, unit_id, data.get("reason", ""), shown_errors(problem.errors))
    return to_unit(slug, unit_id, "closed")


@post(ONE + "/open", permission=ADMIN, include_in_schema=False)
async def open_again(tx: TenantTransaction, slug: str, unit_id: UUID) -> Redirect:
    await units.open_again(tx, unit_id)
    return to_unit(slug, unit_id, "opened")


@get(ROOT + "/import", permission=ADMIN, include_in_schema=False, sync_to_thread=False)
def import_form() -> Page:
    """A list of units to be brought."""
    return Page("tenants/unit_import.html", {"plan": None, "list": "", "errors": {}})


@post(ROOT + "/import", permission=ADMIN, include_in_schema=False, status_code=200)
async def check_import(tx: TenantTransaction, data: Sent) -> Page:
    """What the list would do; nothing is done yet."""
    file, text = data.get("file"), data.get("list")
    content = b""
    if isinstance(file, UploadFile):
        content = await file.read(unit_csv.LIST_LIMIT_BYTES + 1)
    content = content or (text.encode() if isinstance(text, str) else b"")
    try:
        plan = await unit_csv.planned(tx, content)
    except Invalid as problem:
        errors = {"file": shown_errors(problem.errors)["list"]}
        return Page(
            "tenants/unit_import.html",
            {"plan": None, "list": "", "errors": errors},
            status_code=400,
        )
    kept = content.decode() if not plan.errors else ""
    return Page("tenants/unit_import.html", {"plan": plan, "list": kept, "errors": {}})


@post(ROOT + "/import/apply", permission=ADMIN, include_in_schema=False)
async def apply_import(tx: TenantTransaction, slug: str, data: Sent) -> Redirect:
    """Does what the check page said; the list is held against the tree as it stands now."""
    text = data.get("list")
    await unit_csv.apply(tx, text.encode() if isinstance(text, str) else b"")
    return Redirect(f"/t/{slug}/units?done=imported", status_code=303)


async def _unit(read: TenantRead, unit_id: UUID) -> Unit:
    found = await unit_store.unit(read, unit_id)
    if found is None:
        raise UnitUnknown()
    return found


def to_unit(slug: str, unit_id: UUID, done: str) -> Redirect:
    return Redirect(f"/t/{slug}/units?unit={unit_id}&done={done}#unit-{unit_id}", status_code=303)


handlers: list[Any] = [
    tree,
    export,
    new_unit,
    add_unit,
    rename_form,
    rename,
    move_form,
    move,
    close_form,
    close,
    open_again,
    import_form,
    check_import,
    apply_import,
]
