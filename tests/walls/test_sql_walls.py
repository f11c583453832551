"""Every owned table, by SQL with every database role: nothing of another's, ever."""

import asyncpg
import pytest

from infra.database import OWNER
from tests.walls.mirror import BOUND_ROLES, TENANT, OwnedTable, Side
from tests.walls.probes import bound_to, forges, leaks

Roles = dict[str, asyncpg.Connection]

POLICIES = """
select policyname as name, roles::text[] as roles, permissive = 'PERMISSIVE' as permissive,
  qual, with_check, cmd
from pg_policies where schemaname = 'public' and tablename = $1
"""
REACHES = """
select role, class.relname as table_name
from unnest($1::text[]) as role, pg_class class
where class.relnamespace = 'public'::regnamespace and class.relkind in ('r', 'p') and (
  has_any_column_privilege(role, class.oid, 'select, insert, update')
  or has_table_privilege(role, class.oid, 'delete, truncate'))
"""
READABLE = "select has_any_column_privilege($1, ('public.' || $2)::regclass, 'select')"


Reach = dict[str, list[str]]


@pytest.fixture(scope="module")
async def reach(superuser: asyncpg.Connection, roles: Roles) -> Reach:
    """The roles that hold any privilege on a table, by table; the others are refused outright."""
    found: Reach = {}
    for row in await superuser.fetch(REACHES, list(roles)):
        found.setdefault(row["table_name"], []).append(row["role"])
    return found


async def test_no_role_reads_or_changes_what_is_anothers(
    mirrored: list[OwnedTable], roles: Roles, reach: Reach, ours: Side, theirs: Side
) -> None:
    for table in mirrored:
        for name in reach[table.name]:
            found = await leaks(roles[name], table, ours, theirs, ours)
            assert found == [], (table.name, name)


async def test_no_role_writes_a_row_that_is_anothers(
    mirrored: list[OwnedTable],
    superuser: asyncpg.Connection,
    roles: Roles,
    reach: Reach,
    ours: Side,
    theirs: Side,
) -> None:
    for table in mirrored:
        for name in reach[table.name]:
            answer = await forges(superuser, roles[name], table, ours, theirs)
            assert answer == "42501", (table.name, name)


async def test_nothing_bound_sees_nothing(
    mirrored: list[OwnedTable], roles: Roles, reach: Reach, ours: Side, theirs: Side
) -> None:
    nobody = Side("nobody")
    for table in mirrored:
        for name in reach[table.name]:
            for bound in (None, nobody):
                found = await leaks(roles[name], table, ours, theirs, bound)
                assert found == [], (table.name, name)


async def test_each_owner_reads_its_own_rows_and_no_more(
    mirrored: list[OwnedTable], roles: Roles, superuser: asyncpg.Connection, ours: Side
) -> None:
    """The probes above would also pass on tables that nobody can read."""
    for table in mirrored:
        readers = [
            role
            for role, scope in BOUND_ROLES.items()
            if scope == table.scope and await superuser.fetchval(READABLE, role, table.name)
        ]
        assert readers, table.name
        for role in readers:
            owners = await owners_seen(roles[role], table, ours)
            assert owners == {ours.owner(table.scope)}, (table.name, role)


async def owners_seen(connection: asyncpg.Connection, table: OwnedTable, side: Side) -> set[object]:
    async with bound_to(connection, side):
        rows = await connection.fetch(f"select {table.owner_column} as owner from {table.name}")
        return {row["owner"] for row in rows}


async def test_the_owner_of_the_tables_sees_no_row(
    mirrored: list[OwnedTable], roles: Roles, ours: Side, theirs: Side
) -> None:
    """Row-level security is forced: who migrates the schema reads nobody's rows."""
    connection = roles["migration"]
    await connection.execute(f"set role {OWNER}")
    try:
        for table in mirrored:
            assert await owners_seen(connection, table, ours) == set(), table.name
            assert await leaks(connection, table, ours, theirs, ours) == [], table.name
    finally:
        await connection.execute("reset role")


async def test_the_probes_fail_when_a_policy_is_opened(
    mirrored: list[OwnedTable],
    superuser: asyncpg.Connection,
    roles: Roles,
    ours: Side,
    theirs: Side,
) -> None:
    """Each policy in turn lets everything through; the probes must see it, or prove nothing."""
    opened = 0
    for table in mirrored:
        policies = await superuser.fetch(POLICIES, table.name)
        assert policies, table.name
        narrowing = [policy for policy in policies if not policy["permissive"]]
        for policy in policies:
            if not policy["permissive"]:
                continue
            # Behind a policy that narrows further stands a second wall: both are opened.
            together = [policy, *(one for one in narrowing if one["roles"] == policy["roles"])]
            try:
                for one in together:
                    await superuser.execute(altered(table, one, "true"))
                found = []
                for role in policy["roles"]:
                    found += await leaks(roles[role], table, ours, theirs, ours)
                    if await forges(superuser, roles[role], table, ours, theirs) != "42501":
                        found.append("forge")
                assert found, (table.name, policy["name"])
                opened += 1
            finally:
                for one in together:
                    await superuser.execute(altered(table, one))
    assert opened > len(mirrored)
    assert TENANT in mirrored


async def test_the_probes_fail_when_a_policy_is_dropped(
    mirrored: list[OwnedTable], superuser: asyncpg.Connection, roles: Roles, ours: Side
) -> None:
    """Without its policy a table shows its own owner nothing, and the probe of that sees it."""
    for table in mirrored:
        for policy in await superuser.fetch(POLICIES, table.name):
            role = policy["roles"][0]
            if (
                not policy["permissive"]
                or policy["cmd"] not in ("ALL", "SELECT")
                or BOUND_ROLES[role] != table.scope
            ):
                continue
            names = ", ".join(policy["roles"])
            change = f"alter policy {policy['name']} on {table.name} to"
            try:
                await superuser.execute(f"{change} app_definer")
                assert await owners_seen(roles[role], table, ours) == set(), table.name
            finally:
                await superuser.execute(f"{change} {names}")


async def test_the_probes_fail_when_a_tables_wall_is_taken_down(
    mirrored: list[OwnedTable],
    superuser: asyncpg.Connection,
    roles: Roles,
    reach: Reach,
    ours: Side,
    theirs: Side,
) -> None:
    for table in mirrored:
        try:
            await superuser.execute(f"alter table {table.name} disable row level security")
            assert [
                role
                for role in reach[table.name]
                if await leaks(roles[role], table, ours, theirs, ours)
            ], table.name
            await superuser.execute(f"alter table {table.name} enable row level security")
            await superuser.execute(f"alter table {table.name} no force row level security")
            await roles["migration"].execute(f"set role {OWNER}")
            assert len(await owners_seen(roles["migration"], table, ours)) >= 2, table.name
        finally:
            await roles["migration"].execute("reset role")
            await superuser.execute(f"alter table {table.name} enable row level security")
            await superuser.execute(f"alter table {table.name} force row level security")


def altered(table: OwnedTable, policy: asyncpg.Record, rule: str | None = None) -> str:
    """The statement that sets the policy's rules to `rule`, or back to what they were."""
    using = f" using ({rule or policy['qual']})" if policy["qual"] else ""
    check = f" with check ({rule or policy['with_check']})" if policy["with_check"] else ""
    return f"alter policy {policy['name']} on {table.name}{using}{check}"
