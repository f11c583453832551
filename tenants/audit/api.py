"""The audit record for programs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import Parameter

from passerelle.kernel.database import TenantReader
from tenants.audit import service
from tenants.audit.model import Filter, Page


@get("/t/{slug:str}/api/audit", permission="audit.read", tags=["audit"])
async def audit_entries(
    read: TenantReader,
    name: str | None = None,
    text: str | None = None,
    subject: UUID | None = None,
    as_of: datetime | None = None,
    before: Annotated[UUID | None, Parameter(description="next_before of the page so far")] = None,
) -> Page:
    """What happened in this organisation, newest first, 50 entries a page."""
    return await service.page(read, Filter(name, text, subject, as_of), before)


handlers = [audit_entries]
