"""The SQL of keeping and forgetting a filter."""

from uuid import UUID

from passerelle.kernel.database import TenantTransaction
from tenants.members.list_store import FILTERS_LIMIT

KEEP_FILTER = """
insert into member_filter (tenant_id, person_id, name, query)
select $1, $2, $3, $4
where (select count(*) from member_filter where tenant_id = $1 and person_id = $2) < $5
on conflict (tenant_id, person_id, name) do update set query = excluded.query
"""


async def keep(tx: TenantTransaction, person_id: UUID, name: str, query: str) -> bool:
    """False where the member keeps as many as they may."""
    kept = await tx.execute(KEEP_FILTER, tx.tenant_id, person_id, name, query, FILTERS_LIMIT)
    return kept == 1


FORGET_FILTER = "delete from member_filter where tenant_id = $1 and person_id = $2 and id = $3"


async def forget(tx: TenantTransaction, person_id: UUID, filter_id: UUID) -> None:
    await tx.execute(FORGET_FILTER, tx.tenant_id, person_id, filter_id)
