"""`passerelle plan`: what an organisation may use, what it uses, and setting its plan."""

import json
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from cyclopts import App
from rich.table import Table

from infra.commands.context import AsJson, console, run, settings
from infra.problem import OperatorProblem
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from tenants.plans import service
from tenants.plans.model import GB, PLANS, Limits, Plan, Usage
from tenants.store import tenant_by_slug

app = App(name="plan", help="What an organisation may use, and what it uses.")
TASK = "operator: passerelle plan"


@app.command
def show(slug: str, *, as_json: AsJson = False) -> int:
    """Show the plan of an organisation, and how much of it is used.

    Parameters
    ----------
    slug
        Its address: /t/SLUG.
    as_json
        Print one JSON object.
    """
    plan, usage = run(_show(slug))
    if as_json:
        print(json.dumps(msgspec.to_builtins({"plan": plan, "usage": usage})))
    else:
        _print(slug, plan, usage)
    return 0


@app.command(name="set")
def change(
    slug: str,
    name: str,
    *,
    reason: str,
    seats: int | None = None,
    storage_gb: int | None = None,
    requests_per_s: int | None = None,
    training_minutes: int | None = None,
) -> int:
    """Set the plan of an organisation, from now on: trial, standard or enterprise.

    Parameters
    ----------
    slug
        Its address: /t/SLUG.
    name
        The plan, whose limits hold where none is given here.
    reason
        Why: stands in the organisation's audit record.
    seats
        Active members.
    storage_gb
        Files, in GB (10^9 bytes).
    requests_per_s
        Requests a second.
    training_minutes
        Minutes of training in a month.
    """
    usual = PLANS.get(name)
    if usual is None:
        raise OperatorProblem(f"There is no plan {name!r}.", f"Name one of {', '.join(PLANS)}.")
    limits = Limits(
        seats=usual.seats if seats is None else seats,
        storage_bytes=usual.storage_bytes if storage_gb is None else storage_gb * GB,
        requests_per_s=usual.requests_per_s if requests_per_s is None else requests_per_s,
        training_minutes_per_month=usual.training_minutes_per_month
        if training_minutes is None
        else training_minutes,
    )
    plan, usage = run(_set(slug, name, limits, reason))
    _print(slug, plan, usage)
    return 0


def _print(slug: str, plan: Plan, usage: Usage) -> None:
    since = f"since {plan.changed_at:%Y-%m-%d}" if plan.changed_at else "the usual one"
    table = Table("limit", "used", "allowed", title=f"/t/{slug}: {plan.name}, {since}")
    table.add_row("seats (active members)", f"{usage.seats:,}", f"{plan.seats:,}")
    used_gb, allowed_gb = usage.storage_bytes / GB, plan.storage_bytes / GB
    table.add_row("storage (GB)", f"{used_gb:,.2f}", f"{allowed_gb:,.2f}")
    table.add_row("requests a second", "", f"{plan.requests_per_s:,}")
    minutes = f"{plan.training_minutes_per_month:,}"
    table.add_row("training minutes this month", f"{usage.training_s / 60:,.1f}", minutes)
    console.print(table)


async def _show(slug: str) -> tuple[Plan, Usage]:
    database = Database(settings())
    await database.open()
    try:
        tenant = await tenant_by_slug(database.lookup, slug)
        if tenant is None:
            raise _unknown(slug)
        return await _shown(database, tenant.id)
    finally:
        await database.close()


async def _set(slug: str, name: str, limits: Limits, reason: str) -> tuple[Plan, Usage]:
    database = Database(settings())
    await database.open()
    try:
        tenant = await tenant_by_slug(database.lookup, slug)
        if tenant is None:
            raise _unknown(slug)
        actor = actors.system(TASK, tenant.id)
        async with database.operator(tenant.id, actor) as tx:
            await service.set_plan(tx, name, limits, reason=reason)
        return await _shown(database, tenant.id)
    finally:
        await database.close()


async def _shown(database: Database, tenant_id: UUID) -> tuple[Plan, Usage]:
    read = database.tenant_reader(tenant_id, actors.system(TASK, tenant_id), standing=False)
    return await service.plan_of(read), await service.usage_of(read, datetime.now(UTC))


def _unknown(slug: str) -> OperatorProblem:
    return OperatorProblem(
        f"No organisation has the address /t/{slug}.", "`passerelle tenant list` shows them."
    )
