"""Whoever owns the machine may change anything; a verification finds it, and says what it was."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from tenants.audit import chaining
from tenants.audit.anchors import Anchor
from tenants.audit.findings import Finding
from tenants.audit.verification import verify
from tests.tenants.audit.tampering import (
    chained_tenant,
    past_every_guard,
    put_on_record,
    recompute_from,
)

ENTRIES = 10
EVENT_AT = """
(select event_id from audit_link where tenant_id = $1 and position = {position})
"""
Tamper = Callable[[asyncpg.Connection, UUID], Awaitable[None]]


@pytest.fixture
async def tenant_id(database: Database) -> UUID:
    return await chained_tenant(database, f"t{new_id().hex[-12:]}", ENTRIES - 1)


async def found(database: Database, tenant_id: UUID) -> tuple[str, int | None] | None:
    finding = (await verify(database, tenant_id)).finding
    return (finding.kind, finding.position) if finding else None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("payload", "payload || '{\"number\": 99}'"),
        ("before", "null"),
        ("name", "'tests.whispered'"),
        ("subject", "uuidv7()"),
        ("person_id", "uuidv7()"),
        ("actor_kind", "'person'"),
        ("actor_person_id", "uuidv7()"),
        ("actor_name", "actor_name || ' '"),
        ("reason", "'because I say so'"),
        ("request_id", "'elsewhere'"),
        ("origin", "'lti'"),
        ("source_address", "'192.0.2.1'"),
        ("occurred_at", "occurred_at + interval '1 microsecond'"),
    ],
)
async def test_a_changed_column_of_an_event_is_found(
    database: Database, superuser: asyncpg.Connection, tenant_id: UUID, column: str, value: str
) -> None:
    async with past_every_guard(superuser) as power:
        await power.execute(
            f"update tenant_event set {column} = {value} where tenant_id = $1"
            f" and id = {EVENT_AT.format(position=4)}",
            tenant_id,
        )
    assert await found(database, tenant_id) == ("changed", 4)


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("hash", "sha256('x')", "changed"),
        ("body_hash", "sha256('x')", "changed"),
        ("chained_at", "chained_at + interval '1 second'", "changed"),
        ("previous_hash", "sha256('x')", "changed"),
        ("event_id", "uuidv7()", "inserted"),
    ],
)
async def test_a_changed_column_of_a_link_is_found(
    database: Database,
    superuser: asyncpg.Connection,
    tenant_id: UUID,
    column: str,
    value: str,
    kind: str,
) -> None:
    async with past_every_guard(superuser) as power:
        await power.execute(
            f"update audit_link set {column} = {value} where tenant_id = $1 and position = 4",
            tenant_id,
        )
    assert await found(database, tenant_id) == (kind, 4)


async def delete_event(power: asyncpg.Connection, tenant_id: UUID) -> None:
    await power.execute(
        f"delete from tenant_event where tenant_id = $1 and id = {EVENT_AT.format(position=4)}",
        tenant_id,
    )


async def delete_link(power: asyncpg.Connection, tenant_id: UUID) -> None:
    await power.execute("delete from audit_link where tenant_id = $1 and position = 4", tenant_id)


async def delete_both(power: asyncpg.Connection, tenant_id: UUID) -> None:
    await delete_event(power, tenant_id)
    await delete_link(power, tenant_id)


async def delete_both_and_close_the_gap(power: asyncpg.Connection, tenant_id: UUID) -> None:
    await delete_both(power, tenant_id)
    for position in range(5, ENTRIES + 1):
        await power.execute(
            "update audit_link set position = $2 - 1 where tenant_id = $1 and position = $2",
            tenant_id,
            position,
        )
    await power.execute(
        "update audit_head set position = position - 1 where tenant_id = $1", tenant_id
    )


async def swap_links(power: asyncpg.Connection, tenant_id: UUID) -> None:
    for old, new in ((4, 1000), (5, 4), (1000, 5)):
        await power.execute(
            "update audit_link set position = $3 where tenant_id = $1 and position = $2",
            tenant_id,
            old,
            new,
        )


async def swap_events_of_links(power: asyncpg.Connection, tenant_id: UUID) -> None:
    ids = [
        row["event_id"]
        for row in await power.fetch(
            "select event_id from audit_link where tenant_id = $1 and position in (4, 7)"
            " order by position",
            tenant_id,
        )
    ]
    for position, event_id in ((4, new_id()), (7, ids[0]), (4, ids[1])):
        await power.execute(
            "update audit_link set event_id = $3 where tenant_id = $1 and position = $2",
            tenant_id,
            position,
            event_id,
        )


async def move_to_the_end(power: asyncpg.Connection, tenant_id: UUID) -> None:
    await power.execute(
        "update audit_link set position = 11 where tenant_id = $1 and position = 4", tenant_id
    )


async def cut_the_tail(power: asyncpg.Connection, tenant_id: UUID) -> None:
    await power.execute(
        "with cut as (delete from audit_link where tenant_id = $1 and position >= 4"
        " returning event_id) delete from tenant_event where tenant_id = $1 and id in"
        " (select event_id from cut)",
        tenant_id,
    )


async def forge_a_last_link(power: asyncpg.Connection, tenant_id: UUID) -> None:
    await power.execute(
        "insert into audit_link select tenant_id, 11, uuidv7(), chained_at, hash, body_hash,"
        " sha256(hash) from audit_link where tenant_id = $1 and position = 10",
        tenant_id,
    )


async def insert_an_event_in_the_middle(power: asyncpg.Connection, tenant_id: UUID) -> None:
    for position in range(ENTRIES, 3, -1):
        await power.execute(
            "update audit_link set position = $2 + 1 where tenant_id = $1 and position = $2",
            tenant_id,
            position,
        )
    await power.execute(
        "with forged as (insert into tenant_event select tenant_id, uuidv7(), name, payload,"
        " subject, person_id, actor_kind, actor_person_id, 'someone else' from tenant_event"
        f" where tenant_id = $1 and id = {EVENT_AT.format(position=3)} returning id)"
        " insert into audit_link select $1, 4, forged.id, chained_at, hash, sha256('x'),"
        " sha256('y') from audit_link, forged where tenant_id = $1 and position = 3",
        tenant_id,
    )
    await power.execute(
        "update audit_head set position = position + 1 where tenant_id = $1", tenant_id
    )


async def move_the_head_back(power: asyncpg.Connection, tenant_id: UUID) -> None:
    await power.execute(
        "update audit_head set position = 9, hash = (select hash from audit_link"
        " where tenant_id = $1 and position = 9) where tenant_id = $1",
        tenant_id,
    )


async def change_the_head(power: asyncpg.Connection, tenant_id: UUID) -> None:
    await power.execute("update audit_head set hash = sha256('x') where tenant_id = $1", tenant_id)


async def remove_the_head(power: asyncpg.Connection, tenant_id: UUID) -> None:
    await power.execute("delete from audit_head where tenant_id = $1", tenant_id)


async def remove_the_whole_chain(power: asyncpg.Connection, tenant_id: UUID) -> None:
    await power.execute("delete from audit_link where tenant_id = $1", tenant_id)
    await power.execute("delete from audit_head where tenant_id = $1", tenant_id)


async def insert_beside_the_chain(power: asyncpg.Connection, tenant_id: UUID) -> None:
    await power.execute(
        "insert into tenant_event (tenant_id, id, name, payload, actor_kind, actor_name)"
        " values ($1, uuidv7(), 'tests.said', '{}', 'person', 'forged')",
        tenant_id,
    )


@pytest.mark.parametrize(
    ("tamper", "kind", "position"),
    [
        (delete_event, "removed", 4),
        (delete_link, "removed", 4),
        (delete_both, "removed", 4),
        (delete_both_and_close_the_gap, "removed", 4),
        (swap_links, "reordered", 4),
        (swap_events_of_links, "reordered", 4),
        (move_to_the_end, "reordered", 4),
        (cut_the_tail, "tail_cut", 4),
        (forge_a_last_link, "inserted", 11),
        (insert_an_event_in_the_middle, "changed", 4),
        (move_the_head_back, "inserted", 10),
        (change_the_head, "head_differs", 10),
        (remove_the_head, "head_differs", None),
        (remove_the_whole_chain, "inserted", None),
        (insert_beside_the_chain, "inserted", None),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_tampering_is_found_and_named(
    database: Database,
    superuser: asyncpg.Connection,
    tenant_id: UUID,
    tamper: Tamper,
    kind: str,
    position: int | None,
) -> None:
    assert await found(database, tenant_id) is None
    async with past_every_guard(superuser) as power:
        await tamper(power, tenant_id)
    assert await found(database, tenant_id) == (kind, position)


async def test_a_well_made_link_in_the_middle_is_found_where_it_stands(
    database: Database, superuser: asyncpg.Connection, tenant_id: UUID
) -> None:
    async with past_every_guard(superuser) as power:
        await insert_an_event_in_the_middle(power, tenant_id)
        later = await power.fetch(
            "select position, previous_hash, hash from audit_link"
            " where tenant_id = $1 and position > 4",
            tenant_id,
        )
        await recompute_from(database, superuser, tenant_id, 4)
        for row in later:
            await power.execute(
                "update audit_link set previous_hash = $3, hash = $4"
                " where tenant_id = $1 and position = $2",
                tenant_id,
                *row,
            )
    assert await found(database, tenant_id) == ("inserted", 4)


async def test_another_organisations_link_is_no_link_of_ours(
    database: Database, superuser: asyncpg.Connection, tenant_id: UUID
) -> None:
    other = await chained_tenant(database, f"o{new_id().hex[-12:]}", ENTRIES - 1)
    async with past_every_guard(superuser) as power:
        await power.execute(
            "update audit_link as ours set event_id = theirs.event_id, hash = theirs.hash,"
            " body_hash = theirs.body_hash, previous_hash = theirs.previous_hash,"
            " chained_at = theirs.chained_at from audit_link as theirs"
            " where ours.tenant_id = $1 and theirs.tenant_id = $2"
            " and ours.position = theirs.position",
            tenant_id,
            other,
        )
        await power.execute(
            "update audit_head set hash = (select hash from audit_head where tenant_id = $2)"
            " where tenant_id = $1",
            tenant_id,
            other,
        )
    assert await found(database, tenant_id) == ("inserted", 1)
    assert await found(database, other) is None


async def test_an_event_removed_before_it_was_chained_is_missed(
    database: Database, superuser: asyncpg.Connection, tenant_id: UUID
) -> None:
    await put_on_record(database, tenant_id, 1)
    async with past_every_guard(superuser) as power:
        await power.execute(
            "delete from tenant_event where tenant_id = $1 and id ="
            " (select event_id from audit_pending where tenant_id = $1)",
            tenant_id,
        )
    await chaining.chain(database, tenant_id)
    assert await found(database, tenant_id) == ("removed", None)


async def head_as_anchor(superuser: asyncpg.Connection, tenant_id: UUID) -> Anchor:
    head = await superuser.fetchrow(
        "select position, hash from audit_head where tenant_id = $1", tenant_id
    )
    return Anchor(
        position=head["position"], digest=head["hash"], anchored_at=datetime.now(UTC), place="here"
    )


async def against(database: Database, tenant_id: UUID, anchor: Anchor) -> Finding | None:
    return (await verify(database, tenant_id, {tenant_id: [anchor]})).finding


async def test_a_chain_rewritten_from_one_point_is_betrayed_by_its_anchor_alone(
    database: Database, superuser: asyncpg.Connection, tenant_id: UUID
) -> None:
    anchor = await head_as_anchor(superuser, tenant_id)
    await put_on_record(database, tenant_id, 2)
    await chaining.chain(database, tenant_id)
    assert await against(database, tenant_id, anchor) is None
    async with past_every_guard(superuser) as power:
        await power.execute(
            "update tenant_event set reason = 'rewritten' where tenant_id = $1"
            f" and id = {EVENT_AT.format(position=6)}",
            tenant_id,
        )
    await recompute_from(database, superuser, tenant_id, 6)
    assert await found(database, tenant_id) is None
    finding = await against(database, tenant_id, anchor)
    assert finding is not None
    assert (finding.kind, finding.position, finding.place) == ("anchor_differs", 10, "here")


async def test_a_tail_cut_without_a_trace_is_betrayed_by_its_anchor_alone(
    database: Database, superuser: asyncpg.Connection, tenant_id: UUID
) -> None:
    anchor = await head_as_anchor(superuser, tenant_id)
    async with past_every_guard(superuser) as power:
        await cut_the_tail(power, tenant_id)
        await power.execute(
            "update audit_head set position = 3, hash = (select hash from audit_link"
            " where tenant_id = $1 and position = 3) where tenant_id = $1",
            tenant_id,
        )
    assert await found(database, tenant_id) is None
    finding = await against(database, tenant_id, anchor)
    assert finding is not None
    assert (finding.kind, finding.position) == ("tail_cut", 4)
