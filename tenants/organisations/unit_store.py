"""The SQL of units."""

from datetime import datetime
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.language import Localised
from passerelle.skills.folding import folded
from tenants.organisations.unit_model import (
    EVENTS,
    SEARCH_ROWS,
    UNITS_LIMIT,
    Subtree,
    Unit,
    UnitOnRecord,
)

INSERT_UNITS = """
insert into unit (tenant_id, id, parent_id, code, name, folded)
select $1, one.id, one.parent_id, one.code, one.name, one.folded
from unnest($2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::text[])
  with ordinality as one(id, parent_id, code, name, folded, place)
order by one.place
"""


async def insert(tx: TenantTransaction, units: list[Unit]) -> None:
    """Parents first. The database refuses what would not be a tree (SQLSTATE PTU…)."""
    await tx.execute(
        INSERT_UNITS,
        tx.tenant_id,
        [one.id for one in units],
        [one.parent_id for one in units],
        [one.code for one in units],
        [one.name for one in units],
        [search_text(one) for one in units],
    )


def search_text(unit: Unit) -> str:
    name: Localised = unit.name
    return folded(f"{unit.code} {name.en} {name.fr} {name.ar}")


UNITS = """
select id, parent_id, code, name, closed_at from unit where tenant_id = $1 order by code limit $2
"""


async def units(read: TenantRead) -> list[Unit]:
    """Every unit, at most UNITS_LIMIT, by code."""
    return await read.fetch(Unit, UNITS, read.tenant_id, UNITS_LIMIT)


UNIT = "select id, parent_id, code, name, closed_at from unit where tenant_id = $1 and id = $2"
UNIT_FOR_CHANGE = UNIT + " for update"


async def unit(read: TenantRead, unit_id: UUID) -> Unit | None:
    return await read.fetch_one(Unit, UNIT, read.tenant_id, unit_id)


async def for_change(tx: TenantTransaction, unit_id: UUID) -> Unit | None:
    return await tx.fetch_one(Unit, UNIT_FOR_CHANGE, tx.tenant_id, unit_id)


UNIT_BY_CODE = (
    "select id, parent_id, code, name, closed_at from unit where tenant_id = $1 and code = $2"
)


async def by_code(read: TenantRead, code: str) -> Unit | None:
    return await read.fetch_one(Unit, UNIT_BY_CODE, read.tenant_id, code)


FOUND_UNITS = """
select id, parent_id, code, name, closed_at from unit
where tenant_id = $1 and strpos(folded, $2) > 0 order by closed_at is not null, code limit $3
"""


async def search(read: TenantRead, text: str) -> list[Unit]:
    return await read.fetch(Unit, FOUND_UNITS, read.tenant_id, folded(text), SEARCH_ROWS)


class _Counted(msgspec.Struct, frozen=True):
    unit_id: UUID
    members: int


MEMBERS_IN_UNITS = """
select unit_id, count(*) as members from member
where tenant_id = $1 and unit_id is not null and status <> 'removed' group by unit_id
"""


async def members_in(read: TenantRead) -> dict[UUID, int]:
    """How many members stand in each unit itself; a unit without any is left out."""
    found = await read.fetch(_Counted, MEMBERS_IN_UNITS, read.tenant_id)
    return {one.unit_id: one.members for one in found}


SUBTREE = """
with recursive below(id, closed_at, depth) as (
  select id, closed_at, 0 from unit where tenant_id = $1 and id = $2
  union all
  select unit.id, unit.closed_at, below.depth + 1 from unit join below on unit.parent_id = below.id
  where unit.tenant_id = $1 and below.depth < 100
)
select count(*) as units, count(*) filter (where closed_at is null) as open_units,
  coalesce(max(depth), 0) as deepest,
  (select count(*) from member where member.tenant_id = $1 and member.status <> 'removed'
     and member.unit_id in (select id from below)) as members
from below
"""


async def subtree(read: TenantRead, unit_id: UUID) -> Subtree:
    found = await read.fetch_one(Subtree, SUBTREE, read.tenant_id, unit_id)
    assert found is not None  # noqa: S101  an aggregate
    return found


CHILDREN_COUNT = "select count(*) from unit where tenant_id = $1 and parent_id = $2"


async def children_count(read: TenantRead, unit_id: UUID) -> int:
    return int(await read.fetch_value(CHILDREN_COUNT, read.tenant_id, unit_id))


UPDATE_NAMES = "update unit set name = $3, folded = $4 where tenant_id = $1 and id = $2"
UPDATE_PARENT = "update unit set parent_id = $3 where tenant_id = $1 and id = $2"
UPDATE_CLOSED = """
update unit set closed_at = case when $3 then now() end where tenant_id = $1 and id = $2
"""


async def rename(tx: TenantTransaction, changed: list[Unit]) -> None:
    await tx.execute_many(
        UPDATE_NAMES, [(tx.tenant_id, one.id, one.name, search_text(one)) for one in changed]
    )


async def move(tx: TenantTransaction, moved: list[Unit]) -> None:
    """The database refuses what would not be a tree (SQLSTATE PTU…)."""
    await tx.execute_many(UPDATE_PARENT, [(tx.tenant_id, one.id, one.parent_id) for one in moved])


async def set_closed(tx: TenantTransaction, unit_id: UUID, closed: bool) -> None:
    await tx.execute(UPDATE_CLOSED, tx.tenant_id, unit_id, closed)


class _Recorded(msgspec.Struct, frozen=True):
    payload: UnitOnRecord


# The names stand here once more, as literals: the index is for these alone.
UNITS_AS_OF = """
select distinct on (subject) payload from tenant_event
where tenant_id = $1 and occurred_at < $2
  and name in ('unit.added', 'unit.renamed', 'unit.moved', 'unit.closed', 'unit.opened_again')
order by subject, occurred_at desc, id desc limit $3
"""


async def units_as_of(read: TenantRead, moment: datetime) -> list[UnitOnRecord]:
    """Every unit as it stood just before `moment`, by what is on record."""
    found = await read.fetch(_Recorded, UNITS_AS_OF, read.tenant_id, moment, UNITS_LIMIT)
    return [one.payload for one in found]


assert all(f"'{name}'" in UNITS_AS_OF for name in EVENTS)  # noqa: S101  kept together
