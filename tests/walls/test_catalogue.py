"""The schema itself: walls stand on every table, and no role can step over them."""

import asyncpg

from infra import database as databases
from tests.walls.mirror import owned_tables

SERVING = {*databases.SERVING_ROLES, databases.CARRIER}

#: Unique among all, on purpose: what the world outside finds us by. Each is asked for by a
#: look-up, and a clash is answered without naming whose it is.
UNIQUE_AMONG_ALL = {
    "tenant_pkey": "a tenant's identifier is its own",
    "tenant_slug_key": "an address under /t/ is one organisation's",
    "tenant_request_key_key": "a hash of the operator's own key: the same request makes one tenant",
    "tenant_host_proved": "a host name leads to one organisation",
    "identity_issuer_subject_key": "an account of a sign-in service is one person's",
    "issuer_key_public_key_key": "a public key names its issuer",
    "issued_credential_id_key": "a credential's address names no organisation",
    "lti_deployment_issuer_client_id_deployment_id_key": "a launch names its deployment",
    "scim_token_digest_key": "a hash of our own 256 random bits: a token is one client's",
    "keycloak_organization_organization_id_key": "an organization in Keycloak is one tenant's",
    "tombstone_slug_key": "an erased organisation's address is never another's",
    "tombstone_key_public_key_key": "a public key names its issuer, erased or not",
    "tombstone_credential_id_key": "as of the credentials of the living",
}

#: Of reference data, nobody's rows: a row of an owner may name them.
REFERENCE_DATA = {"skill", "occupation", "taxonomy", "model_version"}


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


async def test_a_table_without_an_owner_holds_reference_data_and_is_only_read(
    superuser: asyncpg.Connection,
) -> None:
    """The worker's relay role trains the model: it alone writes what training makes."""
    owned = {table.name for table in await owned_tables(superuser)}
    rows = await superuser.fetch(
        "select relname, role from pg_class, unnest($1::text[]) as role"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        " and (has_any_column_privilege(role, pg_class.oid, 'insert, update')"
        "   or has_table_privilege(role, pg_class.oid, 'delete, truncate'))",
        sorted(SERVING),
    )
    writers = {(row["relname"], row["role"]) for row in rows if row["relname"] not in owned}
    assert writers == {("model_version", "worker_relay"), ("skill_vector", "worker_relay")}


async def test_no_policy_lets_everything_through(superuser: asyncpg.Connection) -> None:
    policies = await superuser.fetch(
        "select tablename, policyname, roles::text[] as roles, permissive, qual, with_check"
        " from pg_policies"
    )
    assert policies
    for policy in policies:
        for rule in filter(None, (policy["qual"], policy["with_check"])):
            assert "strict()" in rule or "sharing" in rule, dict(policy)
            assert rule.strip("() ").lower() != "true", dict(policy)
            assert " or " not in rule.lower(), dict(policy)
        assert policy["qual"] or policy["with_check"], dict(policy)
        assert len(policy["roles"]) == 1, dict(policy)
        bound = (SERVING | {databases.CARRIER}) - {"web_lookup", "worker_relay"}
        assert policy["roles"][0] in bound, dict(policy)


async def test_no_view_runs_with_its_owners_rights(superuser: asyncpg.Connection) -> None:
    views = await superuser.fetch(
        "select relname, relkind, coalesce(reloptions::text, '') as options from pg_class"
        " where relnamespace in ('public'::regnamespace, 'app'::regnamespace)"
        " and relkind in ('v', 'm')"
    )
    for view in views:
        assert view["relkind"] == "v", "a materialised view has no row-level security"
        assert "security_invoker=true" in view["options"], view["relname"]


async def test_roles_own_nothing_bypass_nothing_and_are_members_of_what_was_decided(
    superuser: asyncpg.Connection,
) -> None:
    """infra/decisions/0004-roles.md says which, and why."""
    roles = await superuser.fetch(
        "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,"
        " rolinherit from pg_roles where rolcanlogin and not rolsuper"
    )
    # Keycloak's own role, where its tests ran before, has a database of its own.
    roles = [row for row in roles if row["rolname"] != "keycloak"]
    assert {row["rolname"] for row in roles} == set(databases.LOGIN_ROLES)
    for row in roles:
        assert not any(list(row.values())[1:]), dict(row)
    for role in databases.LOGIN_ROLES:
        assert (
            await superuser.fetchval(
                "select (select count(*) from pg_class where relowner = $1::regrole)"
                " + (select count(*) from pg_proc where proowner = $1::regrole)",
                role,
            )
            == 0
        ), role
    members = await superuser.fetch(
        "select member::regrole::text as member, roleid::regrole::text as of_role,"
        " inherit_option as inherits, set_option as becomes, admin_option as admin"
        " from pg_auth_members where member::regrole::text <> 'pg_monitor'"
    )
    assert {tuple(row.values()) for row in members} == {
        *((member, of, True, False, False) for member, of in databases.INHERITED.items()),
        (databases.OWNER, databases.DEFINER, True, True, False),
        ("worker_tenant", databases.CARRIER, False, True, False),
        ("migration", databases.OWNER, False, True, False),
        ("worker_tenant", databases.CARRIER, False, True, False),
    }


async def test_who_owns_and_who_defines_can_not_sign_in(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(
        "select rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb"
        " from pg_roles where rolname = any($1)",
        [databases.OWNER, databases.DEFINER, databases.CARRIER],
    )
    assert {row["rolname"]: tuple(row.values())[1:] for row in rows} == {
        databases.OWNER: (False, False, False, False, False),
        databases.CARRIER: (False, False, False, False, False),
        # It sees every row, of the columns that it was granted.
        databases.DEFINER: (False, False, True, False, False),
    }


async def test_the_applications_roles_create_nothing(superuser: asyncpg.Connection) -> None:
    """Nor temporary tables, schemas or functions: PostgreSQL's own leaks (CVE-2024-10976,
    CVE-2025-8713) took an object of the attacker's making."""
    for role in SERVING:
        for what in (
            "has_schema_privilege($1, 'public', 'create')",
            "has_schema_privilege($1, 'app', 'create')",
            "has_database_privilege($1, current_database(), 'create')",
            "has_database_privilege($1, current_database(), 'temporary')",
        ):
            assert not await superuser.fetchval(f"select {what}", role), (role, what)
        # What is kept in large objects has no owner that a plan could count.
        assert not await superuser.fetch(
            "select proname from pg_proc where proname in ('lo_creat', 'lo_create',"
            " 'lo_from_bytea', 'lo_import', 'lo_put', 'lo_open', 'lowrite')"
            " and has_function_privilege($1, oid, 'execute')",
            role,
        )


async def test_every_unique_index_of_an_owned_table_stays_within_its_owner(
    superuser: asyncpg.Connection,
) -> None:
    """Else one tenant's error would tell that another has the value."""
    rows = await superuser.fetch(
        """
        select index_.relname as name, class.relname as table_name,
          array(select attname from pg_attribute where attrelid = class.oid
                and attnum = any (pg_index.indkey)) as columns
        from pg_index join pg_class index_ on index_.oid = indexrelid
        join pg_class class on class.oid = indrelid
        where indisunique and class.relnamespace = 'public'::regnamespace
        """
    )
    owners = {table.name: table.owner_column for table in await owned_tables(superuser)}
    across = {
        row["name"]
        for row in rows
        if row["table_name"] in owners and owners[row["table_name"]] not in row["columns"]
    }
    assert across | {"tenant_pkey"} == UNIQUE_AMONG_ALL.keys()


async def test_every_foreign_key_of_an_owned_table_includes_its_owner(
    superuser: asyncpg.Connection,
) -> None:
    rows = await superuser.fetch(
        """
        select conname, child.relname as table_name, parent.relname as parent,
          array(select attname from pg_attribute
                where attrelid = child.oid and attnum = any (conkey)) as columns,
          array(select attname from pg_attribute
                where attrelid = parent.oid and attnum = any (confkey)) as parent_columns
        from pg_constraint join pg_class child on child.oid = conrelid
        join pg_class parent on parent.oid = confrelid
        where contype = 'f' and child.relnamespace = 'public'::regnamespace
        """
    )
    owners = {table.name: table.owner_column for table in await owned_tables(superuser)}
    for row in rows:
        owner, parent = owners.get(row["table_name"]), row["parent"]
        if owner is None:
            assert parent not in owners, dict(row)
        elif parent not in REFERENCE_DATA:
            assert owner in row["columns"], dict(row)
            assert owners[parent] in row["parent_columns"], dict(row)


async def test_no_default_counts_across_tenants(superuser: asyncpg.Connection) -> None:
    """No sequence stands behind an owned table, and no default reads another row."""
    tables = [table.name for table in await owned_tables(superuser)]
    defaults = await superuser.fetch(
        "select adrelid::regclass::text as table_name, attname, attgenerated <> '' as generated,"
        " pg_get_expr(adbin, adrelid) as expression"
        " from pg_attrdef join pg_attribute on attrelid = adrelid and attnum = adnum"
        " where adrelid = any($1::regclass[])",
        tables,
    )
    for row in defaults:
        called = {
            word.partition("(")[0].split(".")[-1]
            for word in row["expression"].replace("((", "(").split()
            if "(" in word
        } - {""}
        assert "nextval" not in row["expression"], dict(row)
        assert row["generated"] or called <= {
            *("now", "uuidv7", "gen_random_uuid", "clock_timestamp", "transaction_timestamp"),
        }, dict(row)
    assert not await superuser.fetch(
        "select 1 from pg_attribute where attrelid = any($1::regclass[]) and attidentity <> ''",
        tables,
    )
    for role in SERVING:
        assert not await superuser.fetch(
            "select sequence.name from (select oid, relname as name from pg_class"
            "   where relkind = 'S' and relnamespace = 'public'::regnamespace offset 0) as sequence"
            " where case when sequence.name <> 'model_version_number_seq'"
            "   then has_sequence_privilege($1, sequence.oid, 'select, usage, update') end",
            role,
        ), role


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
        assert function["owner"] == databases.DEFINER, function["proname"]
        assert "search_path=pg_catalog, public" in function["config"], function["proname"]
        assert not function["everyone"], function["proname"]


async def test_look_ups_before_binding_can_touch_no_owned_table(
    superuser: asyncpg.Connection,
) -> None:
    """The relay trains models, so it reads the taxonomy; nobody's rows, though."""
    owned = {table.name for table in await owned_tables(superuser)}
    for role in ("web_lookup", "web_operator", "worker_relay"):
        rows = await superuser.fetch(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind in ('r', 'v', 'p') and has_any_column_privilege($1, oid, 'select')",
            role,
        )
        readable = {row["relname"] for row in rows}
        assert not readable & owned, role
        assert role == "worker_relay" or not readable


async def test_the_record_of_events_can_be_neither_changed_nor_removed(
    superuser: asyncpg.Connection,
) -> None:
    for role in SERVING:
        for table in ("tenant_event", "person_event"):
            for privilege in ("update", "delete", "truncate"):
                assert not await superuser.fetchval(
                    "select has_table_privilege($1, $2, $3)", role, table, privilege
                ), (role, table, privilege)


async def test_only_its_own_role_reaches_live_items(superuser: asyncpg.Connection) -> None:
    """Rule 4: a live item's words and key are in reach of the exam alone."""
    readers = {
        (role, column)
        for role in SERVING
        for column in ("stem", "options", "key")
        if await superuser.fetchval(
            "select has_column_privilege($1, 'exam_item', $2, 'select')", role, column
        )
    }
    # The carrier takes a whole organisation elsewhere, its items with it.
    assert {role for role, _ in readers} == {"live_exam", databases.CARRIER}
