"""Random tampering, a few deeds at a time: whatever is touched, a verification finds."""

from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from tenants.audit.verification import verify
from tests.tenants.audit.tampering import AsSeenBy, chained_tenant

ENTRIES = 10
EVENT_AT = """
(select event_id from audit_link where tenant_id = $1 and position = {position})
"""


@pytest.fixture
async def tenant_id(database: Database) -> UUID:
    return await chained_tenant(database, f"r{new_id().hex[-12:]}", ENTRIES - 1)


TAMPERED_COLUMNS = {
    "tenant_event": ("payload", "before", "reason", "actor_name", "occurred_at", "source_address"),
    "audit_link": ("hash", "previous_hash", "body_hash", "chained_at", "position", "event_id"),
}
TAMPERED_VALUES = {
    "payload": "payload || jsonb_build_object('number', 1000 + {n})",
    "before": "jsonb_build_object('x', {n})",
    "reason": "coalesce(reason, '') || '{n}'",
    "actor_name": "actor_name || '{n}'",
    "occurred_at": "occurred_at - interval '{n} microseconds'",
    "source_address": "'192.0.2.{n}'",
    "hash": "sha256('{n}')",
    "previous_hash": "sha256('{n}')",
    "body_hash": "sha256('{n}')",
    "chained_at": "chained_at + interval '{n} microseconds'",
    "position": "position + 1000 * {n}",
    "event_id": "uuidv7()",
}
DEEDS = st.one_of(
    st.tuples(st.just("delete"), st.sampled_from(sorted(TAMPERED_COLUMNS)), st.none(), st.just(0)),
    *(
        st.tuples(st.just("update"), st.just(table), st.sampled_from(columns), st.integers(1, 99))
        for table, columns in TAMPERED_COLUMNS.items()
    ),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(deeds=st.lists(st.tuples(st.integers(1, ENTRIES), DEEDS), min_size=1, max_size=4))
async def test_no_random_tampering_escapes(
    database: Database,
    superuser: asyncpg.Connection,
    tenant_id: UUID,
    deeds: list[tuple[int, tuple[str, str, str | None, int]]],
) -> None:
    touched = 0
    transaction = superuser.transaction()
    await transaction.start()
    try:
        await superuser.execute("set local session_replication_role = replica")
        for position, (deed, table, column, number) in deeds:
            where = f"tenant_id = $1 and {'position' if table == 'audit_link' else 'id'} = "
            where += str(position) if table == "audit_link" else EVENT_AT.format(position=position)
            statement = (
                f"delete from {table} where {where}"
                if deed == "delete"
                else f"update {table} set {column} ="
                f" {TAMPERED_VALUES[str(column)].format(n=number)} where {where}"
            )
            done = await superuser.execute(statement, tenant_id)
            touched += int(done.rsplit(" ", 1)[-1])
        verdict = await verify(AsSeenBy(superuser), tenant_id)  # type: ignore[arg-type]
        assert (verdict.finding is not None) == (touched > 0)
    finally:
        await transaction.rollback()
