"""The operator's API: the plan of an organisation, and what of it is used."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from litestar import get, put

from passerelle.kernel.actor import OPERATOR, Actor
from passerelle.kernel.database import Database
from tenants.organisations.model import check_reason
from tenants.plans import service
from tenants.plans.model import Limits, Plan, Usage
from tenants.service import UnknownTenant
from tenants.store import tenant_by_slug

ONE = "/api/operator/tenants/{slug:str}/plan"
TAGS = ["operator"]


class PlanAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`limits` differ from the named plan's where given. The reason, of 1 to 500 characters, stays
    on record in the organisation."""

    name: str
    reason: str
    limits: Limits | None = None


class PlanShown(msgspec.Struct, frozen=True):
    plan: Plan
    usage: Usage


@get(ONE, permission=OPERATOR, tags=TAGS)
async def operator_plan(database: Database, actor: Actor, slug: str) -> PlanShown:
    """The plan that holds, and how much of it is used now."""
    tenant = await tenant_by_slug(database.lookup, slug)
    if tenant is None:
        raise UnknownTenant(slug)
    return await _shown(database, tenant.id, actor)


@put(ONE, permission=OPERATOR, exclude_from_csrf=True, tags=TAGS)
async def operator_set_plan(
    database: Database, actor: Actor, slug: str, data: PlanAsked
) -> PlanShown:
    """Sets the plan from now on: trial, standard or enterprise."""
    reason = check_reason(data.reason)
    tenant = await tenant_by_slug(database.lookup, slug)
    if tenant is None:
        raise UnknownTenant(slug)
    bound = msgspec.structs.replace(actor, tenant_id=tenant.id)
    async with database.operator(tenant.id, bound) as tx:
        await service.set_plan(tx, data.name, data.limits, reason=reason)
    return await _shown(database, tenant.id, actor)


async def _shown(database: Database, tenant_id: UUID, actor: Actor) -> PlanShown:
    read = database.tenant_reader(tenant_id, actor, standing=False)
    usage = await service.usage_of(read, datetime.now(UTC))
    return PlanShown(await service.plan_of(read), usage)


handlers = [operator_plan, operator_set_plan]
