"""An organisation's units: adding, renaming, moving, closing, each on record with its before.

A unit is never removed: members, requisitions and the record refer to it. It is closed, and may be
opened again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import msgspec

from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import N_, Localised
from tenants.organisations import unit_store as store
from tenants.organisations.problems import TreeBroken, UnitUnknown
from tenants.organisations.unit_model import (
    CHILDREN_LIMIT,
    ROOT_CODE,
    Unit,
    on_record,
    problems,
)

CODE_TAKEN = N_("Another unit has this code: codes are unique, also those of closed units")
NO_PARENT = N_("Choose the unit that it stands below")
BELOW_ITSELF = N_("A unit can't stand below itself, or below one of its own")
TOO_DEEP = N_("A tree has at most 12 levels below the top")
TOO_MANY = N_("An organisation has at most 5,000 units, closed ones included")
TOO_WIDE = N_("A unit has at most 500 units directly below it")
ROOT_STAYS = N_("The top unit is the organisation itself: it stays where it is, and open")
STILL_OPEN = N_("Close or move the open units below it first")
STILL_MEMBERS = N_("Move its members to another unit first")
PARENT_CLOSED = N_("The unit above it is closed: choose an open one")

#: SQLSTATE of the tree's trigger → field, what is wrong.
REFUSALS = {
    asyncpg.UniqueViolationError.sqlstate: ("code", CODE_TAKEN),
    "PTU01": ("parent", BELOW_ITSELF),
    "PTU02": ("parent", ROOT_STAYS),
    "PTU03": ("parent", TOO_DEEP),
    "PTU04": ("code", TOO_MANY),
}


@asynccontextmanager
async def refusals_named(tx: TenantTransaction) -> AsyncIterator[None]:
    """What the database refuses is undone, and said in words. Raises TreeBroken."""
    await tx.execute("savepoint tree")
    try:
        yield
    except asyncpg.PostgresError as error:
        known = REFUSALS.get(error.sqlstate or "")
        if known is None:
            raise
        await tx.execute("rollback to savepoint tree")
        raise TreeBroken(errors={known[0]: known[1]}) from None
    await tx.execute("release savepoint tree")


async def plant(tx: TenantTransaction, name: Localised) -> None:
    """The top unit of a new organisation."""
    root = Unit(id=new_id(), parent_id=None, code=ROOT_CODE, name=name)
    await store.insert(tx, [root])
    await emit(tx, "unit.added", on_record(root), subject=root.id)


async def add(tx: TenantTransaction, parent_id: UUID | None, code: str, name: Localised) -> Unit:
    """A new unit below another. Raises Invalid or TreeBroken, by field."""
    errors = problems(code, name)
    parent = await store.for_change(tx, parent_id) if parent_id else None
    if parent is None:
        errors["parent"] = NO_PARENT
    elif wrong := await _room_below(tx, parent):
        errors["parent"] = wrong
    if errors:
        raise Invalid(errors=errors)
    unit = Unit(id=new_id(), parent_id=parent_id, code=code, name=name)
    async with refusals_named(tx):
        await store.insert(tx, [unit])
    await emit(tx, "unit.added", on_record(unit), subject=unit.id)
    return unit


async def _room_below(tx: TenantTransaction, parent: Unit) -> str | None:
    if parent.closed:
        return PARENT_CLOSED
    if await store.children_count(tx, parent.id) >= CHILDREN_LIMIT:
        return TOO_WIDE
    return None


async def rename(tx: TenantTransaction, unit_id: UUID, name: Localised) -> Unit:
    """Raises UnitUnknown or Invalid. The same names change nothing."""
    before = await _held(tx, unit_id)
    if errors := problems(before.code, name):
        raise Invalid(errors=errors)
    if name == before.name:
        return before
    after = msgspec.structs.replace(before, name=name)
    await store.rename(tx, [after])
    await _record(tx, "unit.renamed", before, after)
    return after


async def move(tx: TenantTransaction, unit_id: UUID, parent_id: UUID | None) -> Unit:
    """Below another unit, with all that lies below it. Raises UnitUnknown or TreeBroken."""
    before = await _held(tx, unit_id)
    if before.parent_id is None:
        raise TreeBroken(errors={"parent": ROOT_STAYS})
    if parent_id == before.parent_id:
        return before
    parent = await store.for_change(tx, parent_id) if parent_id else None
    wrong = NO_PARENT if parent is None else await _room_below(tx, parent)
    if wrong:
        raise TreeBroken(errors={"parent": wrong})
    after = msgspec.structs.replace(before, parent_id=parent_id)
    async with refusals_named(tx):
        await store.move(tx, [after])
    await _record(tx, "unit.moved", before, after)
    return after


async def close(tx: TenantTransaction, unit_id: UUID, reason: str) -> Unit:
    """From now on nobody is put there. Raises UnitUnknown, or TreeBroken while it is in use."""
    before = await _held(tx, unit_id)
    if before.parent_id is None:
        raise TreeBroken(errors={"unit": ROOT_STAYS})
    if before.closed:
        return before
    below = await store.subtree(tx, unit_id)
    if below.open_units > 1:
        raise TreeBroken(errors={"unit": STILL_OPEN})
    if below.members:
        raise TreeBroken(errors={"unit": STILL_MEMBERS})
    return await _set_closed(tx, before, True, reason)


async def open_again(tx: TenantTransaction, unit_id: UUID) -> Unit:
    """Raises UnitUnknown, or TreeBroken where the unit above it is closed."""
    before = await _held(tx, unit_id)
    if not before.closed:
        return before
    parent = await store.for_change(tx, before.parent_id) if before.parent_id else None
    if parent is not None and parent.closed:
        raise TreeBroken(errors={"unit": PARENT_CLOSED})
    return await _set_closed(tx, before, False, None)


async def _set_closed(
    tx: TenantTransaction, before: Unit, closed: bool, reason: str | None
) -> Unit:
    await store.set_closed(tx, before.id, closed)
    after = await _held(tx, before.id)
    name = "unit.closed" if closed else "unit.opened_again"
    await _record(tx, name, before, after, reason)
    return after


async def _held(tx: TenantTransaction, unit_id: UUID) -> Unit:
    found = await store.for_change(tx, unit_id)
    if found is None:
        raise UnitUnknown()
    return found


async def _record(
    tx: TenantTransaction, name: str, before: Unit, after: Unit, reason: str | None = None
) -> None:
    await emit(
        tx,
        name,
        on_record(after),
        subject=after.id,
        before=on_record(before),
        reason=reason,
    )
