"""Reading the audit record, a page at a time or whole as CSV."""

import csv
import io
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead
from tenants.audit import store
from tenants.audit.model import Entry, Filter, Page

PAGE_ENTRIES = 50
EXPORT_LIMIT_ENTRIES = 10_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


async def page(read: TenantRead, wanted: Filter, before_id: UUID | None) -> Page:
    found = await store.entries(read, wanted, before_id, PAGE_ENTRIES + 1)
    more = len(found) > PAGE_ENTRIES
    shown = found[:PAGE_ENTRIES]
    return Page(shown, shown[-1].id if more else None)


async def export(read: TenantRead, wanted: Filter) -> str:
    """CSV, newest first, at most EXPORT_LIMIT_ENTRIES; cells can't act as formulas."""
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(Entry.__struct_fields__)
    for entry in await store.entries(read, wanted, None, EXPORT_LIMIT_ENTRIES):
        writer.writerow([_cell(getattr(entry, name)) for name in Entry.__struct_fields__])
    return output.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else _plain(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _plain(value: object) -> str:
    encoded = msgspec.json.encode(value).decode()
    return encoded.strip('"') if encoded.startswith('"') else encoded
