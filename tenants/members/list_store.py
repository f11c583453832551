"""The SQL of listing and searching members, fast in an organisation of 100,000.

Under row-level security an index serves only what is leakproof: equality and ranges. So a list
either walks an index in the order shown, or, where a filter leaves few people, goes by those people
(`few_…`): each statement has one good plan, whatever it is given.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead
from tenants.members.model import Row, Status

PAGE_ROWS = 50
BATCH_ROWS = 5000
#: A filter that leaves no more than so many is gone by; one that leaves more is checked row by row.
FEW = 5000
COUNT_LIMIT = 1000
WORDS_LIMIT = 4
#: After every text that begins with the same letters (collation "C").
AFTER_ALL = "\U0010ffff"

_COLUMNS = """
select person_id, display_name, email, locale, status, unit_id, created_at, folded_name,
  (select coalesce(jsonb_agg(jsonb_build_object('role', held.role, 'unit_id', held.unit_id)
     order by held.role), '[]')
   from member_role as held
   where held.tenant_id = $1 and held.person_id = member.person_id) as roles
from member
"""
_WANTED = """
where tenant_id = $1
  and status = any($2::text[])
  and ($3::text is null or locale = $3)
  and ($4::uuid[] is null or unit_id = any($4))
  and ($5::text is null or (
    select true from member_role as held
    where held.tenant_id = $1 and held.person_id = member.person_id and held.role = $5 limit 1))
  and not exists (
    select from unnest($6::text[], $7::text[]) as looked_for(first, last)
    where not exists (
      select from member_word
      where member_word.tenant_id = $1 and member_word.person_id = member.person_id
        and member_word.word >= looked_for.first and member_word.word < looked_for.last))
"""
_BY_NAME = """
  and (folded_name, person_id) > ($8::text, $9::uuid)
order by folded_name, person_id limit $10
"""
_BY_ARRIVAL = """
  and (created_at, person_id) < ($8::timestamptz, $9::uuid)
order by created_at desc, person_id desc limit $10
"""
_AMONG = "  and person_id = any($11::uuid[])"

MEMBERS_BY_NAME = _COLUMNS + _WANTED + _BY_NAME
MEMBERS_BY_ARRIVAL = _COLUMNS + _WANTED + _BY_ARRIVAL
FEW_BY_NAME = _COLUMNS + _WANTED + _AMONG + _BY_NAME
FEW_BY_ARRIVAL = _COLUMNS + _WANTED + _AMONG + _BY_ARRIVAL
_LIMITED = " limit $8) as counted"
_AMONG_COUNTED = "  and person_id = any($9::uuid[])"
COUNT_MEMBERS = f"select count(*) as total from (select from member{_WANTED}{_LIMITED}"  # noqa: S608
COUNT_FEW = COUNT_MEMBERS.removesuffix(_LIMITED) + _AMONG_COUNTED + _LIMITED


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to list. `units` None is everywhere; `words` are folded, each the start of a word."""

    statuses: tuple[Status, ...] = ("active", "suspended")
    locale: str | None = None
    units: frozenset[UUID] | None = None
    role: str | None = None
    words: tuple[str, ...] = ()
    newest_first: bool = False


class Place(msgspec.Struct, frozen=True):
    """Where a page begins: after this row."""

    folded_name: str
    created_at: datetime
    person_id: UUID


class _Person(msgspec.Struct):
    person_id: UUID


def _filters(wanted: Wanted) -> tuple[object, ...]:
    return (
        list(wanted.statuses),
        wanted.locale,
        None if wanted.units is None else list(wanted.units),
        wanted.role,
        list(wanted.words),
        [word + AFTER_ALL for word in wanted.words],
    )


async def members(
    read: TenantRead, wanted: Wanted, few: list[UUID] | None, after: Place | None, limit: int
) -> list[Row]:
    """A page of the list, after `after`."""
    arguments = [read.tenant_id, *_filters(wanted), *_start(wanted, after), limit]
    if few is not None:
        statement = FEW_BY_ARRIVAL if wanted.newest_first else FEW_BY_NAME
        return await read.fetch(Row, statement, *arguments, few)
    statement = MEMBERS_BY_ARRIVAL if wanted.newest_first else MEMBERS_BY_NAME
    return await read.fetch(Row, statement, *arguments)


def _start(wanted: Wanted, after: Place | None) -> tuple[object, UUID]:
    if wanted.newest_first:
        if after is None:
            return datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1)
        return after.created_at, after.person_id
    return (after.folded_name, after.person_id) if after else ("", UUID(int=0))


async def count(read: TenantRead, wanted: Wanted, few: list[UUID] | None) -> int:
    """How many there are, counted up to COUNT_LIMIT + 1."""
    arguments = [read.tenant_id, *_filters(wanted), COUNT_LIMIT + 1]
    if few is None:
        return int(await read.fetch_value(COUNT_MEMBERS, *arguments))
    return int(await read.fetch_value(COUNT_FEW, *arguments, few))


FEW_HOLDERS = """
select distinct person_id from member_role where tenant_id = $1 and role = $2 limit $3
"""
# In the order of the index: with `distinct`, the planner would walk all persons instead.
FEW_NAMED = """
select person_id from member_word
where tenant_id = $1 and word >= $2 and word < $3 order by word limit $4
"""
FEW_IN_UNITS = """
select person_id from member where tenant_id = $1 and unit_id = any($2::uuid[]) limit $3
"""
FEW_NOT_ACTIVE = """
select person_id from member
where tenant_id = $1 and status = any($2::text[]) and status <> 'active' limit $3
"""


async def narrowed(read: TenantRead, wanted: Wanted) -> tuple[Wanted, list[UUID] | None]:
    """The people whom the narrow filters leave, and the filters that are still to be checked; None
    where each filter leaves more than FEW."""
    tenant_id, found = read.tenant_id, []
    words = []
    for word in wanted.words:
        people = await read.fetch(_Person, FEW_NAMED, tenant_id, word, word + AFTER_ALL, FEW + 1)
        if len(people) > FEW:
            words.append(word)
        found.append(people)
    wanted = msgspec.structs.replace(wanted, words=tuple(words))
    if wanted.role is not None:
        people = await read.fetch(_Person, FEW_HOLDERS, tenant_id, wanted.role, FEW + 1)
        if len(people) <= FEW:
            wanted = msgspec.structs.replace(wanted, role=None)
        found.append(people)
    if wanted.units is not None:
        units = list(wanted.units)
        found.append(await read.fetch(_Person, FEW_IN_UNITS, tenant_id, units, FEW + 1))
    if "active" not in wanted.statuses:
        statuses = list(wanted.statuses)
        found.append(await read.fetch(_Person, FEW_NOT_ACTIVE, tenant_id, statuses, FEW + 1))
    complete = [{one.person_id for one in people} for people in found if len(people) <= FEW]
    return wanted, list(set.intersection(*complete)) if complete else None


PLACE = """
select folded_name, created_at, person_id from member where tenant_id = $1 and person_id = $2
"""


async def place(read: TenantRead, person_id: UUID) -> Place | None:
    return await read.fetch_one(Place, PLACE, read.tenant_id, person_id)


ROWS_OF_PEOPLE = _COLUMNS + "where tenant_id = $1 and person_id = any($2::uuid[])"


async def rows_of(read: TenantRead, people: Sequence[UUID]) -> list[Row]:
    """These people, in no order."""
    return await read.fetch(Row, ROWS_OF_PEOPLE, read.tenant_id, list(people))


class Filter(msgspec.Struct, frozen=True):
    """A filter that a member keeps; `query` is the list's query string."""

    id: UUID
    name: str
    query: str


FILTERS_LIMIT = 20

KEPT_FILTERS = """
select id, name, query from member_filter where tenant_id = $1 and person_id = $2 order by name
limit $3
"""


async def filters(read: TenantRead, person_id: UUID) -> list[Filter]:
    return await read.fetch(Filter, KEPT_FILTERS, read.tenant_id, person_id, FILTERS_LIMIT)
