"""The SQL of plans and of what is used."""

from datetime import datetime

from passerelle.kernel.database import OperatorTransaction, TenantRead, TenantTransaction
from tenants.plans.model import Limits, Plan, PlanChanged

PLAN = """
select name, seats, storage_bytes, requests_per_s, training_minutes_per_month, changed_at,
  changed_by
from tenant_plan where tenant_id = $1
"""


async def plan(read: TenantRead) -> Plan | None:
    return await read.fetch_one(Plan, PLAN, read.tenant_id)


OPERATOR_SET_PLAN = """
select name, seats, storage_bytes, requests_per_s, training_minutes_per_month
from app.set_plan($1, $2, $3, $4, $5, $6, $7)
"""


async def set_plan(tx: OperatorTransaction, name: str, limits: Limits) -> PlanChanged | None:
    """Of the tenant that is bound, new or changed; answers how it was before."""
    return await tx.fetch_one(
        PlanChanged,
        OPERATOR_SET_PLAN,
        tx.tenant_id,
        name,
        limits.seats,
        limits.storage_bytes,
        limits.requests_per_s,
        limits.training_minutes_per_month,
        tx.actor.display_name,
    )


# One admission at a time: two for the last seat would each count the other as not there yet.
LOCK_SEATS = "select pg_advisory_xact_lock(7283125, hashtext($1::uuid::text))"


async def lock_seats(tx: TenantTransaction) -> None:
    await tx.fetch_value(LOCK_SEATS, tx.tenant_id)


SEATS = "select count(*) from member where tenant_id = $1 and status = 'active'"


async def seats(read: TenantRead) -> int:
    """Active members."""
    found: int = await read.fetch_value(SEATS, read.tenant_id)
    return found


# One write at a time, as with seats.
LOCK_STORAGE = "select pg_advisory_xact_lock(7283126, hashtext($1::uuid::text))"


async def lock_storage(tx: TenantTransaction) -> None:
    await tx.fetch_value(LOCK_STORAGE, tx.tenant_id)


STORAGE = """
select coalesce(sum(size_bytes), 0)::bigint from tenant_object where tenant_id = $1
"""


async def storage_bytes(read: TenantRead) -> int:
    """Bytes of the objects kept now."""
    found: int = await read.fetch_value(STORAGE, read.tenant_id)
    return found


TRAINING_S = """
select coalesce(sum((payload ->> 'duration_s')::float8), 0)
from tenant_event
where tenant_id = $1 and name = 'model.trained' and occurred_at >= $2 and occurred_at < $3
"""


async def training_s(read: TenantRead, since: datetime, until: datetime) -> float:
    """Seconds of training in a span of time."""
    found: float = await read.fetch_value(TRAINING_S, read.tenant_id, since, until)
    return found
