"""Reading the audit record, a page at a time or whole as CSV."""

from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead
from passerelle.web.export import as_csv
from tenants.audit import store
from tenants.audit.model import Entry, Filter, Page

PAGE_ENTRIES = 50
EXPORT_LIMIT_ENTRIES = 10_000


async def page(read: TenantRead, wanted: Filter, before_id: UUID | None) -> Page:
    found = await store.entries(read, wanted, before_id, PAGE_ENTRIES + 1)
    more = len(found) > PAGE_ENTRIES
    shown = found[:PAGE_ENTRIES]
    return Page(shown, shown[-1].id if more else None)


async def export(read: TenantRead, wanted: Filter) -> bytes:
    """CSV, newest first, at most EXPORT_LIMIT_ENTRIES."""
    found = await store.entries(read, wanted, None, EXPORT_LIMIT_ENTRIES)
    columns = list(Entry.__struct_fields__)
    return as_csv(columns, ([_cell(getattr(entry, name)) for name in columns] for entry in found))


def _cell(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode().strip('"')
