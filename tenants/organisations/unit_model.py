"""A unit of an organisation's tree: a ministry, a directorate, a store."""

import re
from datetime import datetime
from uuid import UUID

import msgspec

from passerelle.kernel.language import N_, Localised
from tenants.organisations.model import name_problems

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
ROOT_CODE = "root"
#: The database holds these two as well.
UNITS_LIMIT = 5_000
DEPTH_LIMIT = 12
#: Of one unit: as many are drawn at once.
CHILDREN_LIMIT = 500
SEARCH_ROWS = 50
SEARCH_LIMIT_CHARACTERS = 100

#: What is on record of units; the last one of each unit says how it stood.
EVENTS = ("unit.added", "unit.renamed", "unit.moved", "unit.closed", "unit.opened_again")


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    parent_id: UUID | None
    code: str
    name: Localised
    closed_at: datetime | None = None

    @property
    def closed(self) -> bool:
        return self.closed_at is not None


class UnitOnRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of EVENTS: the whole unit as it stands since."""

    id: UUID
    parent_id: UUID | None
    code: str
    name: Localised
    closed: bool = False


class Subtree(msgspec.Struct, frozen=True):
    """What lies in a unit and below it: `units` counts itself, `deepest` the levels below it."""

    units: int
    open_units: int
    deepest: int
    members: int


def on_record(unit: Unit) -> UnitOnRecord:
    return UnitOnRecord(
        id=unit.id,
        parent_id=unit.parent_id,
        code=unit.code,
        name=unit.name,
        closed=unit.closed,
    )


def problems(code: str, name: Localised) -> dict[str, str]:
    """What is wrong with a unit's own fields."""
    errors = name_problems(name)
    if not CODE.fullmatch(code):
        errors["code"] = N_("1 to 63 small letters, digits or hyphens")
    return errors
