"""The operator's database role: a handful of functions, the record of them, and nothing else."""

from uuid import UUID

import asyncpg
import pytest

from infra import database as databases
from infra.servers.application import own_passwords
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from tenants.access.operator import operator
from tenants.organisations import store
from tenants.organisations.model import StandingChanged
from tenants.plans import service
from tests.conftest import People, create_people

ROLE = "web_operator"
REASON = "Contract 2026-17"
CHANGED = StandingChanged("active", None)
SET_PLAN = "select * from app.set_plan($1, 'trial', 1, 1, 1, 1, 'x')"
RIGHTS = """
select relname || '.' || attname || ' ' || privilege
from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
cross join unnest(array['select', 'insert', 'update']) as privilege
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
  and has_column_privilege($1, pg_class.oid, attnum, privilege)
"""


async def test_it_reads_changes_and_removes_no_row_of_any_table(
    superuser: asyncpg.Connection,
) -> None:
    rights = {row[0] for row in await superuser.fetch(RIGHTS, ROLE)}
    assert rights
    assert all(one.startswith("tenant_event.") and one.endswith(" insert") for one in rights)
    assert "tenant_event.dispatched insert" not in rights
    assert not await superuser.fetch(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') and has_table_privilege($1, oid, 'delete, truncate')",
        ROLE,
    )


async def test_its_functions_are_nobody_elses(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(
        "select proname as name, array(select role from unnest($1::text[]) as role"
        " where has_function_privilege(role, oid, 'execute')) as roles"
        " from pg_proc where pronamespace = 'app'::regnamespace and prosecdef"
        " and has_function_privilege($2, oid, 'execute')",
        [*databases.LOGIN_ROLES, databases.CARRIER],
        ROLE,
    )
    assert {row["name"] for row in rows} == {
        *("operator_tenants", "operator_tombstone", "set_plan"),
        *("suspend_tenant", "lift_tenant", "delete_tenant", "restore_tenant"),
    }
    assert all(row["roles"] == [ROLE] for row in rows), rows


async def test_its_functions_act_on_the_bound_organisation_alone(
    database: Database, superuser: asyncpg.Connection, two_tenants: tuple[People, People]
) -> None:
    one, other = two_tenants
    async with database.operator(one.tenant_id, operator()) as tx:
        for statement in (
            "select app.suspend_tenant($1, 'x')",
            "select app.lift_tenant($1)",
            "select app.delete_tenant($1, 'x', 0)",
            "select app.restore_tenant($1)",
        ):
            assert await tx.fetch_value(statement, other.tenant_id) is False, statement
        await tx.execute(
            "select * from app.set_plan($1, 'trial', 1, 1, 1, 1, 'x')", other.tenant_id
        )
    assert (
        await superuser.fetchval("select status from tenant where id = $1", other.tenant_id)
        == "active"
    )
    assert not await superuser.fetchval(
        "select count(*) from tenant_plan where tenant_id = $1", other.tenant_id
    )


async def test_nothing_bound_changes_nothing(
    database: Database, two_tenants: tuple[People, People]
) -> None:
    tenant_id = two_tenants[0].tenant_id
    for statement in (
        "select app.suspend_tenant($1, 'x')",
        SET_PLAN,
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="no tenant is bound"):
            await database.pool(ROLE).fetch(statement, tenant_id)


async def test_what_it_puts_on_record_is_the_operators_own(
    database: Database, two_tenants: tuple[People, People]
) -> None:
    """No other event, of nobody else, in no other organisation."""
    one, other = two_tenants
    someone = actors.Actor(kind="person", display_name="Salma Benali", person_id=new_id())
    for tenant_id, actor, name in (
        (one.tenant_id, operator(), "member.role_granted"),
        (one.tenant_id, someone, "tenant.suspended"),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.operator(tenant_id, actor) as tx:
                await emit(tx, name, CHANGED)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.operator(one.tenant_id, operator()) as tx:
            tx._bound_id = other.tenant_id
            await emit(tx, "tenant.suspended", CHANGED)


async def test_a_decision_and_its_record_are_one(
    database: Database, superuser: asyncpg.Connection
) -> None:
    people = await create_people(database, "decided")
    async with database.operator(people.tenant_id, operator()) as tx:
        await service.set_plan(tx, "trial", reason=REASON)
    with pytest.raises(ZeroDivisionError):
        async with database.operator(people.tenant_id, operator()) as tx:
            await service.set_plan(tx, "enterprise", reason=REASON)
            assert await store.suspend(tx, REASON)
            raise ZeroDivisionError
    assert await on_record(superuser, people.tenant_id) == [("plan.changed", REASON)]
    found = await store.organisation(database.operator_lookup, "decided")
    assert found is not None
    assert found.status == "active"
    plan = await superuser.fetchval(
        "select name from tenant_plan where tenant_id = $1", people.tenant_id
    )
    assert plan == "trial"


async def on_record(superuser: asyncpg.Connection, tenant_id: UUID) -> list[tuple[str, str]]:
    rows = await superuser.fetch(
        "select name, reason from tenant_event where tenant_id = $1 and origin = 'api'"
        " and name in ('plan.changed', 'tenant.suspended') order by id",
        tenant_id,
    )
    return [(row["name"], row["reason"]) for row in rows]


def test_the_worker_is_not_given_its_password() -> None:
    name = f"PASSERELLE_DATABASE_PASSWORD_{ROLE.upper()}"
    assert own_passwords({name: "secret"}, "web") == {name: "secret"}
    assert own_passwords({name: "secret"}, "worker") == {}
