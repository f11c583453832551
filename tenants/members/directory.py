"""The list of members as someone may see it: their filter, within the units they see."""

from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead
from passerelle.kernel.language import LOCALES
from passerelle.skills.folding import folded
from tenants.members import list_store
from tenants.members.list_store import BATCH_ROWS, PAGE_ROWS, WORDS_LIMIT, Place, Wanted
from tenants.members.model import Row, Status
from tenants.members.units import Tree, tree

TEXT_LIMIT_CHARACTERS = 200
EXPORT_ROWS_LIMIT = 100_000
STATUSES: dict[str, tuple[Status, ...]] = {
    "": ("active", "suspended"),
    "active": ("active",),
    "suspended": ("suspended",),
    "removed": ("removed",),
    "all": ("active", "suspended", "removed"),
}


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """The list's filter, as a page's address holds it. What can't be read counts as not given."""

    q: str = ""
    role: str = ""
    unit: str = ""
    status: str = ""
    language: str = ""
    sort: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Query":
        fields = {
            name: given.get(name, "")[:TEXT_LIMIT_CHARACTERS] for name in cls.__struct_fields__
        }
        if fields["status"] not in STATUSES:
            fields["status"] = ""
        if fields["language"] not in LOCALES:
            fields["language"] = ""
        if fields["sort"] != "newest":
            fields["sort"] = ""
        return cls(**fields)

    @property
    def given(self) -> dict[str, str]:
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value}

    @property
    def as_text(self) -> str:
        return urlencode(self.given)


class Listing(msgspec.Struct, frozen=True):
    rows: list[Row]
    next_after: UUID | None
    total: int

    @property
    def counted(self) -> bool:
        """Whether `total` is exact: beyond COUNT_LIMIT nobody counts."""
        return self.total <= list_store.COUNT_LIMIT


def wanted(read: TenantRead, query: Query, units: Tree) -> Wanted:
    """What the store is asked for: the filter, within the units that the actor sees."""
    seen = visible(read, units)
    chosen = _unit(query.unit)
    if chosen is not None:
        below = units.below([chosen])
        seen = below if seen is None else below & seen
    return Wanted(
        statuses=STATUSES[query.status],
        locale=query.language or None,
        units=seen,
        role=query.role or None,
        words=tuple(folded(query.q).split()[:WORDS_LIMIT]),
        newest_first=query.sort == "newest",
    )


def visible(
    read: TenantRead, units: Tree, permission: str = "members.read"
) -> frozenset[UUID] | None:
    """The units whose members the actor sees; None for the whole organisation."""
    roots = read.actor.units_for(permission)
    return None if roots is None else units.below(roots)


def _unit(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


async def page(read: TenantRead, query: Query, after: UUID | None, units: Tree) -> Listing:
    """Fifty members, after the one named."""
    asked, few = await list_store.narrowed(read, wanted(read, query, units))
    if few == []:
        return Listing([], None, 0)
    start = await list_store.place(read, after) if after else None
    rows = await list_store.members(read, asked, few, start, PAGE_ROWS + 1)
    shown = rows[:PAGE_ROWS]
    more = len(rows) > PAGE_ROWS
    total = await list_store.count(read, asked, few)
    return Listing(shown, shown[-1].person_id if more else None, total)


async def every(
    read: TenantRead, query: Query, limit: int = EXPORT_ROWS_LIMIT
) -> AsyncIterator[Row]:
    """All that match, at most `limit`, read a few thousand at a time."""
    asked, few = await list_store.narrowed(read, wanted(read, query, await tree(read)))
    start: Place | None = None
    left = limit
    while left > 0:
        rows = await list_store.members(read, asked, few, start, min(BATCH_ROWS, left))
        for row in rows:
            yield row
        if len(rows) < BATCH_ROWS:
            return
        last = rows[-1]
        start = Place(last.folded_name, last.created_at, last.person_id)
        left -= len(rows)


async def seen(read: TenantRead, people: list[UUID]) -> list[Row]:
    """Those of these people whom the actor sees, by name."""
    within = visible(read, await tree(read))
    rows = [
        row
        for row in await list_store.rows_of(read, people)
        if within is None or row.unit_id in within
    ]
    return sorted(rows, key=lambda row: (row.folded_name, row.person_id))
