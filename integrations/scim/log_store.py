"""The SQL of the log of provisioning."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from integrations.scim.model import Caller
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.identifiers import new_id


class Entry(msgspec.Struct, frozen=True):
    """What was asked of whom, and what came of it; `name` '' is looked up."""

    action: str
    kind: str
    resource_id: str | None
    name: str
    person_id: UUID | None
    status: int
    detail: str


INSERT_LOG = """
insert into scim_log (tenant_id, id, client_id, client_name, action, kind, resource_id, name,
  person_id, status, detail)
select $1, $2, $3, $4, $5, $6, $7, coalesce(nullif($8, ''), known.name, ''),
  coalesce($9, known.person_id), $10, $11
from (values (1)) as once
left join scim_resource as known on known.tenant_id = $1 and known.id = $12
"""


async def note(tx: TenantTransaction, caller: Caller, entries: Sequence[Entry]) -> None:
    await tx.execute_many(
        INSERT_LOG,
        [
            (
                *(tx.tenant_id, new_id(), caller.client_id, caller.name),
                *(one.action, one.kind, one.resource_id, one.name, one.person_id),
                *(one.status, one.detail, None if one.name else _identifier(one.resource_id)),
            )
            for one in entries
        ],
    )


def _identifier(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
