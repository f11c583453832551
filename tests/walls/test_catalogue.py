"""The schema itself: walls stand on every table, and no role can step over them."""

import asyncpg

from infra import database as databases
from tests.walls.mirror import owned_tables


async def test_row_level_security_is_enabled_and_forced_on_every_owned_table(
    superuser: asyncpg.Connection,
) -> None:
    for table in await owned_tables(superuser):
        row = await superuser.fetchrow(
            "select relrowsecurity, relforcerowsecurity from pg_class"
            " where oid = ('public.' || $1)::regclass",
            table.name,
        )
        assert tuple(row) == (True, True), table.name


async def test_every_table_that_names_an_owner_is_keyed_by_it_first(
    superuser: asyncpg.Connection,
) -> None:
    owned = {table.name for table in await owned_tables(superuser)}
    named = await superuser.fetch(
        "select distinct table_name from information_schema.columns"
        " where table_schema = 'public' and column_name in ('tenant_id', 'person_id')"
    )
    assert {row["table_name"] for row in named} <= owned


async def test_no_policy_lets_everything_through(superuser: asyncpg.Connection) -> None:
    policies = await superuser.fetch(
        "select tablename, policyname, roles::text[] as roles, permissive,"
        " coalesce(qual, '') || ' ' || coalesce(with_check, '') as rule from pg_policies"
    )
    assert policies
    for policy in policies:
        assert "strict()" in policy["rule"] or "sharing" in policy["rule"], dict(policy)
        assert policy["roles"] in (["web_tenant"], ["web_person"], ["audit_keeper"]), dict(policy)


async def test_no_view_runs_with_its_owners_rights(superuser: asyncpg.Connection) -> None:
    views = await superuser.fetch(
        "select relname, relkind, coalesce(reloptions::text, '') as options from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('v', 'm')"
    )
    for view in views:
        assert view["relkind"] == "v", "a materialised view has no row-level security"
        assert "security_invoker=true" in view["options"], view["relname"]


async def test_the_applications_roles_own_nothing_and_bypass_nothing(
    superuser: asyncpg.Connection,
) -> None:
    roles = await superuser.fetch(
        "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin"
        " from pg_roles where rolcanlogin and not rolsuper and rolname <> 'migration'"
    )
    assert {row["rolname"] for row in roles} == set(databases.LOGIN_ROLES) - {"migration"}
    for row in roles:
        assert not any(row[name] for name in ("rolsuper", "rolbypassrls", "rolcreaterole")), row
        owns = await superuser.fetchval(
            "select count(*) from pg_class where relowner = $1::regrole", row["rolname"]
        )
        assert owns == 0
        assert not await superuser.fetchval(
            "select has_schema_privilege($1, 'public', 'create')"
            " or has_schema_privilege($1, 'app', 'create')",
            row["rolname"],
        )
        member_of = await superuser.fetchval(
            "select array_agg(roleid::regrole::text) from pg_auth_members"
            " where member = $1::regrole",
            row["rolname"],
        )
        inherited = databases.INHERITED.get(row["rolname"])
        assert member_of == ([inherited] if inherited else None)
    definer = await superuser.fetchrow(
        "select rolcanlogin, rolsuper from pg_roles where rolname = 'app_definer'"
    )
    assert tuple(definer) == (False, False)


async def test_look_up_functions_are_the_definers_and_pin_their_search_path(
    superuser: asyncpg.Connection,
) -> None:
    functions = await superuser.fetch(
        "select proname, proowner::regrole::text as owner, coalesce(proconfig::text, '') as config,"
        " has_function_privilege('public', oid, 'execute') as everyone"
        " from pg_proc where prosecdef and pronamespace not in"
        " ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
    )
    assert functions
    for function in functions:
        assert function["owner"] == "app_definer", function["proname"]
        assert "search_path=pg_catalog, public" in function["config"], function["proname"]
        assert not function["everyone"], function["proname"]


async def test_look_ups_before_binding_can_touch_no_owned_table(
    superuser: asyncpg.Connection,
) -> None:
    """The relay trains models, so it reads the taxonomy; nobody's rows, though."""
    owned = {table.name for table in await owned_tables(superuser)}
    for role in ("web_lookup", "worker_relay"):
        rows = await superuser.fetch(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind in ('r', 'v', 'p') and has_any_column_privilege($1, oid, 'select')",
            role,
        )
        readable = {row["relname"] for row in rows}
        assert not readable & owned, role
        assert role != "web_lookup" or not readable


async def test_the_record_of_events_can_be_neither_changed_nor_removed(
    superuser: asyncpg.Connection,
) -> None:
    for role, table in (("web_tenant", "tenant_event"), ("web_person", "person_event")):
        for privilege in ("update", "delete", "truncate"):
            assert not await superuser.fetchval(
                "select has_table_privilege($1, $2, $3)", role, table, privilege
            )
