"""Units as a list: exported, and brought back changed. What a list would do is said before it is.

Columns `code`, `parent` (a code; empty for the top unit), `name_en`, `name_fr`, `name_ar`. A unit
that the list doesn't name stays as it is.
"""

import csv
import io
from collections.abc import Iterable

import msgspec

from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.events import emit_each
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import LOCALES, N_, Localised
from passerelle.web.export import BYTE_ORDER_MARK, FORMULA_STARTS, as_csv
from tenants.organisations import unit_store as store
from tenants.organisations import units as service
from tenants.organisations.unit_model import (
    DEPTH_LIMIT,
    UNITS_LIMIT,
    Unit,
    on_record,
    problems,
)

COLUMNS = ["code", "parent", "name_en", "name_fr", "name_ar"]
LIST_LIMIT_BYTES = 1_000_000
ERRORS_SHOWN = 50

NO_COLUMNS = N_("The first line names the columns: code, parent, name_en, name_fr, name_ar")
TOO_LARGE = N_("A list has at most 1,000,000 bytes and 5,000 units")
NOT_TEXT = N_("The list is not text in UTF-8: save it as CSV UTF-8")
TWICE = N_("This code stands twice in the list")
NO_SUCH_PARENT = N_("There is no unit with the code in the column parent")
ONE_TOP = N_("Only the top unit has no parent")


class Line(msgspec.Struct, frozen=True):
    number: int
    code: str
    parent: str
    name: Localised


class Wrong(msgspec.Struct, frozen=True):
    """What is wrong with a line; 0 is the list as a whole."""

    line: int
    code: str
    what: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a list would do, parents first; nothing where there are `errors`."""

    added: list[Unit] = []
    renamed: list[tuple[Unit, Unit]] = []
    moved: list[tuple[Unit, Unit]] = []
    unchanged: int = 0
    errors: list[Wrong] = []

    @property
    def empty(self) -> bool:
        return not (self.added or self.renamed or self.moved)


def exported(units: Iterable[Unit]) -> bytes:
    """Every unit that is open, as CSV."""
    known = list(units)
    codes = {unit.id: unit.code for unit in known}
    return as_csv(
        COLUMNS,
        (
            [
                unit.code,
                codes[unit.parent_id] if unit.parent_id else "",
                *(unit.name.in_(locale) for locale in LOCALES),
            ]
            for unit in known
            if not unit.closed
        ),
    )


def read_list(content: bytes) -> list[Line]:
    """The lines of a CSV, separated by commas, semicolons or tabs. Raises Invalid."""
    if len(content) > LIST_LIMIT_BYTES:
        raise Invalid(errors={"list": TOO_LARGE})
    try:
        text = content.decode().removeprefix(BYTE_ORDER_MARK).replace("\x00", "")
    except UnicodeDecodeError:
        raise Invalid(errors={"list": NOT_TEXT}) from None
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        raise Invalid(errors={"list": NO_COLUMNS}) from None
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if not {"code", "parent"} <= set(header) or not {"name_en", "name_fr", "name_ar"} & set(header):
        raise Invalid(errors={"list": NO_COLUMNS})
    if len(rows) > UNITS_LIMIT + 1:
        raise Invalid(errors={"list": TOO_LARGE})
    return [
        _line(number, dict(zip(header, map(_cell, row), strict=False)))
        for number, row in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in row)
    ]


def _cell(text: str) -> str:
    """Without the apostrophe that our own export puts before what looks like a formula."""
    text = text.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_STARTS) else text


def _line(number: int, cells: dict[str, str]) -> Line:
    """Where a language is left empty, the name in another stands there."""
    names = {locale: cells.get(f"name_{locale}", "") for locale in LOCALES}
    given = next((name for name in names.values() if name), "")
    name = Localised(**{locale: text or given for locale, text in names.items()})
    return Line(number, cells.get("code", "").lower(), cells.get("parent", "").lower(), name)


async def planned(read: TenantRead, content: bytes) -> Plan:
    """What a list would do. Raises Invalid for what is no list."""
    return plan(read_list(content), await store.units(read))


def plan(lines: list[Line], existing: list[Unit]) -> Plan:
    """Pure: the list held against the units there are."""
    known = {unit.code: unit for unit in existing}
    errors = _line_errors(lines, known)
    wanted = {unit.code: unit for unit in existing}
    ids = {code: unit.id for code, unit in known.items()}
    ids |= {line.code: new_id() for line in lines if line.code not in ids}
    for line in lines:
        if line.code in known:
            base = known[line.code]
        else:
            base = Unit(id=ids[line.code], parent_id=None, code=line.code, name=line.name)
        parent_id = ids.get(line.parent) if line.parent else None
        wanted[line.code] = msgspec.structs.replace(base, name=line.name, parent_id=parent_id)
    depths = _depths(wanted)
    errors = errors or _tree_errors(depths, lines)
    if errors:
        return Plan(errors=sorted(errors, key=lambda one: one.line)[:ERRORS_SHOWN])
    touched = sorted((wanted[line.code] for line in lines), key=lambda one: depths[one.code])
    return Plan(
        added=[one for one in touched if one.code not in known],
        renamed=[
            (known[one.code], one)
            for one in touched
            if one.code in known and known[one.code].name != one.name
        ],
        moved=[
            (known[one.code], one)
            for one in touched
            if one.code in known and known[one.code].parent_id != one.parent_id
        ],
        unchanged=sum(known.get(one.code) == one for one in touched),
    )


def _line_errors(lines: list[Line], known: dict[str, Unit]) -> list[Wrong]:
    errors: list[Wrong] = []
    seen: set[str] = set()
    codes = known.keys() | {line.code for line in lines}
    for line in lines:
        found = list(problems(line.code, line.name).values())[:1]
        before = known.get(line.code)
        parent = known.get(line.parent)
        if line.code in seen:
            found.append(TWICE)
        elif (before is None or before.parent_id is not None) and not line.parent:
            found.append(ONE_TOP)
        elif before is not None and before.parent_id is None and line.parent:
            found.append(service.ROOT_STAYS)
        elif line.parent and line.parent not in codes:
            found.append(NO_SUCH_PARENT)
        elif parent is not None and parent.closed:
            found.append(service.PARENT_CLOSED)
        seen.add(line.code)
        errors += [Wrong(line.number, line.code, what) for what in found]
    return errors


def _tree_errors(depths: dict[str, int], lines: list[Line]) -> list[Wrong]:
    if len(depths) > UNITS_LIMIT:
        return [Wrong(0, "", service.TOO_MANY)]
    errors = []
    for line in lines:
        if depths[line.code] > len(depths):
            errors.append(Wrong(line.number, line.code, service.BELOW_ITSELF))
        elif depths[line.code] > DEPTH_LIMIT:
            errors.append(Wrong(line.number, line.code, service.TOO_DEEP))
    return errors


def _depths(wanted: dict[str, Unit]) -> dict[str, int]:
    """Code → levels above it; more than there are units where it stands below itself."""
    by_id = {one.id: one for one in wanted.values()}
    depths = {}
    for unit in wanted.values():
        depth, at = 0, unit.parent_id
        # A tree that stands is never deeper than its limit; a list may ask for any depth.
        while at in by_id and depth <= len(wanted):
            depth += 1
            at = by_id[at].parent_id
        depths[unit.code] = depth
    return depths


async def apply(tx: TenantTransaction, content: bytes) -> Plan:
    """Does what the list says, whole or not at all. Raises Invalid or TreeBroken."""
    done = plan(read_list(content), await store.units(tx))
    if done.errors:
        raise Invalid(errors={"list": done.errors[0].what})
    async with service.refusals_named(tx):
        await store.insert(tx, done.added)
        await store.move(tx, [after for _, after in done.moved])
        await store.rename(tx, [after for _, after in done.renamed])
    await emit_each(
        tx, "unit.added", [(one.id, on_record(one), None) for one in done.added], persons=False
    )
    for name, changes in (("unit.moved", done.moved), ("unit.renamed", done.renamed)):
        about = [(after.id, on_record(after), on_record(before)) for before, after in changes]
        await emit_each(tx, name, about, persons=False)
    return done
