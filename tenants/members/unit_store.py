"""The SQL of the tree of units, as members need it."""

from passerelle.kernel.database import TenantRead
from tenants.members.model import Unit

UNITS_LIMIT = 5000

UNITS = """
select id, parent_id, name, closed_at is not null as closed from unit
where tenant_id = $1 order by id limit $2
"""


async def units(read: TenantRead) -> list[Unit]:
    """Every unit, the root and the closed ones too."""
    return await read.fetch(Unit, UNITS, read.tenant_id, UNITS_LIMIT)
