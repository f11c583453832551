"""The tree of units stays a tree, whatever is asked of it, and says how it stood."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import Localised
from tenants.organisations import unit_csv, unit_store, units
from tenants.organisations.problems import TreeBroken, UnitUnknown
from tenants.organisations.unit_model import DEPTH_LIMIT, Unit
from tests.conftest import People, create_people

ACTOR = actors.system("tests")
numbers = iter(range(1_000_000))


def named(text: str) -> Localised:
    return Localised(text, f"{text} fr", f"{text} ar")


@pytest.fixture(scope="module")
async def people(database: Database) -> People:
    return await create_people(database, "treed")


@pytest.fixture
async def tx(database: Database, people: People) -> AsyncIterator[TenantTransaction]:
    """A transaction that leaves nothing."""

    class Undone(Exception):
        pass

    try:
        async with database.tenant(people.tenant_id, ACTOR) as opened:
            yield opened
            raise Undone
    except Undone:
        pass


async def root_of(tx: TenantTransaction) -> Unit:
    found = await unit_store.by_code(tx, "root")
    assert found is not None
    return found


async def added(tx: TenantTransaction, parent_id: UUID, name: str = "unit") -> Unit:
    return await units.add(tx, parent_id, f"{name}-{next(numbers)}", named(name))


async def test_a_move_takes_along_what_lies_below(tx: TenantTransaction) -> None:
    root = await root_of(tx)
    health, schools = await added(tx, root.id), await added(tx, root.id)
    clinics = await added(tx, health.id)
    await added(tx, clinics.id)
    await units.move(tx, health.id, schools.id)
    below = await unit_store.subtree(tx, schools.id)
    assert (below.units, below.deepest) == (4, 3)
    event = await tx.connection.fetchrow(
        "select payload, before from tenant_event where tenant_id = $1 and subject = $2"
        " and name = 'unit.moved'",
        tx.tenant_id,
        health.id,
    )
    assert event["before"]["parent_id"] == str(root.id)
    assert event["payload"]["parent_id"] == str(schools.id)


async def test_no_unit_stands_below_itself_and_the_root_stays(tx: TenantTransaction) -> None:
    root = await root_of(tx)
    one = await added(tx, root.id)
    two = await added(tx, one.id)
    for moved, below, what in (
        (root.id, one.id, units.ROOT_STAYS),
        (one.id, None, units.NO_PARENT),
        (one.id, uuid4(), units.NO_PARENT),
    ):
        with pytest.raises(TreeBroken) as refused:
            await units.move(tx, moved, below)
        assert refused.value.errors == {"parent": what}
    for below in (one.id, two.id):
        with pytest.raises(TreeBroken) as refused:
            await units.move(tx, one.id, below)
        assert refused.value.errors == {"parent": units.BELOW_ITSELF}
    with pytest.raises(UnitUnknown):
        await units.move(tx, uuid4(), root.id)
    with pytest.raises(TreeBroken):
        await units.close(tx, root.id, "No.")


async def test_the_database_itself_refuses_a_ring_even_of_two_moves_at_once(
    database: Database, people: People
) -> None:
    async with database.tenant(people.tenant_id, ACTOR) as tx:
        root = await root_of(tx)
        one, other = await added(tx, root.id), await added(tx, root.id)

    async def move(unit_id: UUID, below: UUID) -> None:
        async with database.tenant(people.tenant_id, ACTOR) as tx:
            await tx.execute(
                "update unit set parent_id = $3 where tenant_id = $1 and id = $2",
                tx.tenant_id,
                unit_id,
                below,
            )
            await asyncio.sleep(0.05)

    answers = await asyncio.gather(
        move(one.id, other.id), move(other.id, one.id), return_exceptions=True
    )
    refused = [each for each in answers if each is not None]
    assert len(refused) == 1
    assert isinstance(refused[0], asyncpg.PostgresError)
    assert refused[0].sqlstate == "PTU01"


async def test_a_tree_is_so_deep_and_no_deeper_also_when_a_branch_is_moved(
    tx: TenantTransaction,
) -> None:
    at = root = await root_of(tx)
    for _ in range(DEPTH_LIMIT):
        at = await added(tx, at.id)
    branch = await added(tx, root.id)
    await added(tx, branch.id)
    parent_of_deepest = at.parent_id
    with pytest.raises(TreeBroken) as refused:
        await added(tx, at.id)
    assert refused.value.errors == {"parent": units.TOO_DEEP}
    with pytest.raises(TreeBroken) as refused:
        await units.move(tx, branch.id, parent_of_deepest)
    assert refused.value.errors == {"parent": units.TOO_DEEP}


async def test_a_unit_in_use_is_not_closed_and_a_closed_one_takes_nothing_in(
    tx: TenantTransaction, people: People
) -> None:
    root = await root_of(tx)
    above = await added(tx, root.id)
    below = await added(tx, above.id)
    with pytest.raises(TreeBroken) as refused:
        await units.close(tx, above.id, "Merged.")
    assert refused.value.errors == {"unit": units.STILL_OPEN}
    put = "update member set unit_id = $3 where tenant_id = $1 and person_id = $2"
    await tx.execute(put, tx.tenant_id, people.learner_id, below.id)
    with pytest.raises(TreeBroken) as refused:
        await units.close(tx, below.id, "Merged.")
    assert refused.value.errors == {"unit": units.STILL_MEMBERS}
    await tx.execute(put, tx.tenant_id, people.learner_id, None)
    closed = await units.close(tx, below.id, "Merged.")
    assert closed.closed
    with pytest.raises(Invalid) as full:
        await added(tx, below.id)
    assert full.value.errors == {"parent": units.PARENT_CLOSED}
    await units.close(tx, above.id, "Merged.")
    with pytest.raises(TreeBroken):
        await units.open_again(tx, below.id)
    await units.open_again(tx, above.id)
    assert not (await units.open_again(tx, below.id)).closed


BAD_CODES = ["", "A", "a b", "-a", "a" * 64, "é", "a/b", "a\n", "root"]


@pytest.mark.parametrize("number", range(len(BAD_CODES)))
async def test_a_code_that_is_none_or_taken_is_refused(tx: TenantTransaction, number: int) -> None:
    root = await root_of(tx)
    with pytest.raises(Invalid) as refused:
        await units.add(tx, root.id, BAD_CODES[number], named("A"))
    assert list(refused.value.errors) == ["code"]


async def test_the_tree_as_of_a_day_is_the_tree_of_that_day(
    database: Database, people: People
) -> None:
    async with database.tenant(people.tenant_id, ACTOR) as tx:
        root = await root_of(tx)
        unit = await added(tx, root.id, "old")
    then = datetime.now(UTC)
    async with database.tenant(people.tenant_id, ACTOR) as tx:
        await units.rename(tx, unit.id, named("new"))
        later = await added(tx, unit.id, "later")
    read = database.tenant_reader(people.tenant_id, ACTOR)
    before = {one.id: one for one in await unit_store.units_as_of(read, then)}
    after = {one.id: one for one in await unit_store.units_as_of(read, datetime.now(UTC))}
    assert (before[unit.id].name.en, after[unit.id].name.en) == ("old", "new")
    assert later.id not in before
    assert later.id in after


async def test_a_unit_of_another_organisation_is_not_there(
    database: Database, people: People
) -> None:
    other = await create_people(database, "treed-too")
    async with database.tenant(other.tenant_id, ACTOR) as tx:
        theirs = await root_of(tx)
    async with database.tenant(people.tenant_id, ACTOR) as tx:
        with pytest.raises(UnitUnknown):
            await units.rename(tx, theirs.id, named("mine"))
        with pytest.raises(Invalid) as refused:
            await added(tx, theirs.id)
    assert refused.value.errors == {"parent": units.NO_PARENT}


# ---- lists ----
LIST = """code,parent,name_en,name_fr,name_ar
root,,Ministry,Ministère,الوزارة
health,root,Health,Santé,الصحة
clinics,health,Clinics,,
"""


async def test_a_list_adds_renames_and_moves_and_again_changes_nothing(
    tx: TenantTransaction,
) -> None:
    done = await unit_csv.apply(tx, LIST.encode())
    assert [one.code for one in done.added] == ["health", "clinics"]
    assert [after.name.en for _, after in done.renamed] == ["Ministry"]
    assert done.added[1].name == Localised("Clinics", "Clinics", "Clinics")
    again = await unit_csv.apply(tx, LIST.replace(",", ";").encode("utf-8-sig"))
    assert again.empty
    assert again.unchanged == 3
    moved = await unit_csv.apply(
        tx, b"code\tparent\tname_en\nclinics\troot\tClinics\nhealth\tclinics\tHealth\n"
    )
    assert len(moved.moved) == 2
    known = {one.code: one for one in await unit_store.units(tx)}
    assert known["health"].parent_id == known["clinics"].id


async def test_what_is_exported_comes_back_unchanged(tx: TenantTransaction) -> None:
    root = await root_of(tx)
    await units.add(tx, root.id, "formula", Localised("=1+1", "-x", "@y"))
    content = unit_csv.exported(await unit_store.units(tx))
    assert b'"\'=1+1"' in content
    assert (await unit_csv.planned(tx, content)).empty


BAD_LISTS: list[tuple[bytes, str]] = [
    (b"", unit_csv.NO_COLUMNS),
    (b"\xff\xfe", unit_csv.NOT_TEXT),
    (b"name,parent\nx,y\n", unit_csv.NO_COLUMNS),
    (b"x" * 1_000_001, unit_csv.TOO_LARGE),
    (b"code,parent,name_en\nUP PER,root,A\n", "1 to 63 small letters, digits or hyphens"),
    (b"code,parent,name_en\na,root,\n", "Give the name"),
    (b"code,parent,name_en\na,root,A\na,root,B\n", unit_csv.TWICE),
    (b"code,parent,name_en\na,nowhere,A\n", unit_csv.NO_SUCH_PARENT),
    (b"code,parent,name_en\na,,A\n", unit_csv.ONE_TOP),
    (b"code,parent,name_en\nroot,a,A\na,root,A\n", units.ROOT_STAYS),
    (b"code,parent,name_en\na,b,A\nb,a,B\n", units.BELOW_ITSELF),
    (b"code,parent,name_en\na,a,A\n", units.BELOW_ITSELF),
    (
        b"code,parent,name_en\n"
        + b"".join(b"d%d,%s,D\n" % (n, b"d%d" % (n - 1) if n else b"root") for n in range(13)),
        units.TOO_DEEP,
    ),
    (
        b"code,parent,name_en\n" + b"".join(b"w%d,root,W\n" % n for n in range(5001)),
        unit_csv.TOO_LARGE,
    ),
    ("code,parent,name_en\na,root,\u202eevil\n".encode(), "Leave out line breaks"),
]


@pytest.mark.parametrize("number", range(len(BAD_LISTS)))
async def test_a_bad_list_is_refused_and_says_where(tx: TenantTransaction, number: int) -> None:
    content, what = BAD_LISTS[number]
    before = await unit_store.units(tx)
    with pytest.raises(Invalid) as refused:
        await unit_csv.apply(tx, content)
    assert refused.value.errors["list"].startswith(what)
    assert await unit_store.units(tx) == before


async def test_five_thousand_units_come_in_one_list(database: Database) -> None:
    people = await create_people(database, "large-tree")
    lines = [f"u{n},{'root' if n < 100 else f'u{n % 100}'},Unit {n}" for n in range(4_999)]
    content = "\n".join(["code,parent,name_en", *lines]).encode()
    async with database.tenant(people.tenant_id, ACTOR) as tx:
        done = await unit_csv.apply(tx, content)
        assert len(done.added) == 4_999
        with pytest.raises(TreeBroken) as refused:
            await added(tx, done.added[0].id)
        assert refused.value.errors == {"code": units.TOO_MANY}
