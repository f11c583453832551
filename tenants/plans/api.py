"""Plan, usage and statements for programs."""

from datetime import UTC, date, datetime

from litestar import get

from passerelle.kernel.database import TenantReader
from passerelle.kernel.errors import NotFound
from tenants.plans import accounting, service
from tenants.plans.operator_api import PlanShown
from tenants.plans.statement import Statement, parse_month

ROOT = "/t/{slug:str}/api/usage"
TAGS = ["usage"]


@get(ROOT, permission="usage.read", tags=TAGS)
async def usage_now(read: TenantReader) -> PlanShown:
    """The plan's limits, and what is used now and this month (UTC)."""
    usage = await service.usage_of(read, datetime.now(UTC))
    return PlanShown(await service.plan_of(read), usage)


@get(ROOT + "/{month:str}", permission="usage.read", tags=TAGS)
async def usage_statement(read: TenantReader, month: str, as_of: date | None = None) -> Statement:
    """A month's statement (`2026-11`), or as it stood at the end of one of its days.

    404 for a month in which there was no organisation, or that has not begun.
    """
    first = parse_month(month)
    if first is None:
        raise NotFound()
    return await accounting.statement(read, first, datetime.now(UTC), as_of)


handlers = [usage_now, usage_statement]
