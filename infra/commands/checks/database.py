"""PostgreSQL: reached by each role, recent enough, durable, migrated, and with its walls up."""

from datetime import UTC, datetime

import asyncpg

from infra import database as databases
from infra.commands.checks.finding import Context, Finding, ok, problem, warning

OLDEST_VERSION = 18
EXTENSIONS = ("vector",)
CONNECT_TIMEOUT_S = 5.0
SKEW_WARNING_S, SKEW_PROBLEM_S = 2.0, 30.0
"""LTI tokens live 60 s, and the database's clock decides when an exam's time is over."""

OPEN_TABLES = """
select class.relname from pg_class class
where class.relkind in ('r', 'p') and class.relnamespace = 'public'::regnamespace
  and not (class.relrowsecurity and class.relforcerowsecurity)
  and (class.relname = 'tenant' or exists (
    select from pg_attribute attribute
    where attribute.attrelid = class.oid and attribute.attname in ('tenant_id', 'person_id')
      and not attribute.attisdropped))
order by 1
"""
OPEN_POLICIES = """
select tablename || '.' || policyname from pg_policies
where schemaname = 'public' and (qual = 'true' or with_check = 'true'
  or not roles <@ array['web_tenant', 'web_person', 'web_operator', 'live_exam',
    'audit_keeper', 'tenant_carrier']::name[])
order by 1
"""
MIGHTY_ROLES = """
select rolname from pg_roles
where rolname = any ($1) and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb
  or exists (select from pg_class where relowner = pg_roles.oid)
  or exists (select from pg_auth_members where member = pg_roles.oid
    and roleid::regrole::text <> all ($1 || '{tenant_carrier}'::text[])))
order by 1
"""


async def check(context: Context) -> list[Finding]:
    connections: dict[str, asyncpg.Connection] = {}
    findings: list[Finding] = []
    try:
        for role in databases.SERVING_ROLES:
            outcome = await _connected(context, role)
            if isinstance(outcome, Finding):
                findings.append(outcome)
            else:
                connections[role] = outcome
        if not findings:
            findings.append(ok("database", f"reached as {', '.join(connections)}"))
        if connections:
            any_role = next(iter(connections.values()))
            findings += await _server(any_role)
            findings += await _walls(any_role)
            findings.append(await _clock(any_role))
        findings.append(await _migrations(context))
    finally:
        for connection in connections.values():
            await connection.close()
    return findings


async def _connected(context: Context, role: str) -> asyncpg.Connection | Finding:
    settings = context.settings
    try:
        return await asyncpg.connect(
            settings.database_url,
            user=role,
            password=getattr(settings, f"database_password_{role}"),
            timeout=CONNECT_TIMEOUT_S,
        )
    except asyncpg.InvalidPasswordError:
        return problem(
            f"database as {role}",
            f"PostgreSQL refuses the password of {role}.",
            "Without this role the service cannot read or write.",
            f"Set PASSERELLE_DATABASE_PASSWORD_{role.upper()} to the role's password, or run "
            "`passerelle migrate`, which sets the roles' passwords from the settings.",
        )
    except asyncpg.InvalidCatalogNameError:
        return problem(
            f"database as {role}",
            f"The database that {settings.database_url} names does not exist.",
            "Everything is kept there.",
            "Create it (`createdb`), and run `passerelle migrate`.",
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as refused:
        return problem(
            f"database as {role}",
            f"PostgreSQL at {settings.database_url} does not answer "
            f"({refused or type(refused).__name__}).",
            "Everything is kept there.",
            "Start it, or mend PASSERELLE_DATABASE_URL.",
        )


async def _server(connection: asyncpg.Connection) -> list[Finding]:
    findings: list[Finding] = []
    major = connection.get_server_version().major
    if major < OLDEST_VERSION:
        findings.append(
            problem(
                "database version",
                f"This is PostgreSQL {major}.",
                "Identifiers are made by uuidv7(), which came with 18.",
                f"Upgrade it to {OLDEST_VERSION} or newer.",
            )
        )
    else:
        findings.append(ok("database version", f"PostgreSQL {major}"))
    for name in EXTENSIONS:
        if not await connection.fetchval("select true from pg_extension where extname = $1", name):
            findings.append(
                problem(
                    "database extensions",
                    f"The extension {name} is not installed in this database.",
                    "Vectors of candidates and posts are kept and compared with it.",
                    f"Install pgvector on the server, then `create extension {name}`.",
                )
            )
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if await connection.fetchval("select current_setting($1)", name) == "off":
            findings.append(
                problem(
                    "durability",
                    f"{name} is off.",
                    "What was acknowledged could be lost when the machine stops.",
                    f"Set {name} = on in postgresql.conf.",
                )
            )
    return findings


async def _walls(connection: asyncpg.Connection) -> list[Finding]:
    findings: list[Finding] = []
    mighty = [row[0] for row in await connection.fetch(MIGHTY_ROLES, list(databases.SERVING_ROLES))]
    if mighty:
        findings.append(
            problem(
                "roles",
                f"{', '.join(mighty)} may do more than the service needs (superuser, BYPASSRLS, "
                "making roles or databases, owning tables, or membership in another role).",
                "Row-level security would not hold for them.",
                "Run `passerelle migrate`, which takes such rights away, and `revoke` memberships.",
            )
        )
    open_tables = [row[0] for row in await connection.fetch(OPEN_TABLES)]
    if open_tables:
        findings.append(
            problem(
                "row-level security",
                f"It is not forced on {', '.join(open_tables)}.",
                "One organisation could read another's rows there.",
                "`alter table … enable row level security, force row level security` for each.",
            )
        )
    open_policies = [row[0] for row in await connection.fetch(OPEN_POLICIES)]
    if open_policies:
        findings.append(
            problem(
                "policies",
                f"{', '.join(open_policies)} let every row through, or stand for other roles.",
                "One organisation could read another's rows there.",
                "Drop them; the migrations say what there should be.",
            )
        )
    if not findings:
        findings.append(ok("walls", "roles without power, row-level security forced everywhere"))
    return findings


async def _clock(connection: asyncpg.Connection) -> Finding:
    before = datetime.now(UTC)
    there = await connection.fetchval("select clock_timestamp()")
    after = datetime.now(UTC)
    skew_s = (there - (before + (after - before) / 2)).total_seconds()
    if abs(skew_s) < SKEW_WARNING_S:
        return ok("clock", f"{abs(skew_s):.1f} s from the database's")
    made = problem if abs(skew_s) > SKEW_PROBLEM_S else warning
    return made(
        "clock",
        f"This machine's clock is {abs(skew_s):.0f} s {'behind' if skew_s > 0 else 'ahead of'} "
        "the database's.",
        "Launches from an LMS are refused when clocks differ, and deadlines are the database's.",
        "Let both follow a time server (chrony, systemd-timesyncd).",
    )


async def _migrations(context: Context) -> Finding:
    if not context.operator_database_url:
        return warning(
            "migrations",
            "Whether migrations are missing was not looked at.",
            "The service's own roles may not read it.",
            "Set PASSERELLE_OPERATOR_DATABASE_URL for this command.",
        )
    try:
        connection = await asyncpg.connect(context.operator_database_url, timeout=CONNECT_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as refused:
        return problem(
            "migrations",
            f"PASSERELLE_OPERATOR_DATABASE_URL does not lead into the database ({refused}).",
            "Migrations are applied with it.",
            "Mend it.",
        )
    try:
        missing = await databases.pending_migrations(connection)
    except asyncpg.UndefinedTableError:
        missing = ["all of them"]
    finally:
        await connection.close()
    if missing:
        return problem(
            "migrations",
            f"Not applied: {', '.join(missing)}.",
            "This version of the service needs them.",
            "`passerelle migrate`",
        )
    return ok("migrations", "all applied")
