"""Preparing a database: its roles, its owner, its extensions, and its migrations.

Migrations are plain SQL files, applied in the order of their names, each in one transaction, each
once: a file that was changed after it was applied is refused.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import asyncpg

MIGRATIONS = Path(__file__).parent / "migrations"
OWNER = "passerelle_owner"
DEFINER = "app_definer"
#: What serving processes sign in as (passerelle.kernel.database.ROLES); and the one that migrates.
SERVING_ROLES = (
    "web_tenant",
    "web_person",
    "web_lookup",
    "web_operator",
    "worker_tenant",
    "worker_person",
    "worker_relay",
    "live_exam",
    "audit_keeper",
)
MIGRATION_ROLE = "migration"
#: Reads and appends all rows of the bound tenant: export and import alone put it on, and nobody
#: signs in as it.
CARRIER = "tenant_carrier"
LOGIN_ROLES = (*SERVING_ROLES, MIGRATION_ROLE)
#: Member → whose rights and policies it has as well.
INHERITED = {
    "worker_tenant": "web_tenant",
    "worker_person": "web_person",
    "live_exam": "web_tenant",
}
MIGRATION_LOCK = 7_283_001
MISSING_ROLES = """
select array_agg(wanted) from unnest($1::text[]) as wanted
where wanted not in (select rolname from pg_roles)
"""
IS_SUPERUSER = "select rolsuper from pg_roles where rolname = current_user"


class MigrationChanged(Exception):
    """A migration that this database has applied was edited since; write a new one instead."""


class MigrationFailed(Exception):
    """A migration's SQL failed; the database is as it was before that file."""


class RolesMissing(Exception):
    """This version works as database roles that a superuser has to make first."""


async def create_roles(superuser_dsn: str, passwords: Mapping[str, str]) -> None:
    """Creates the roles of the cluster, or sets their passwords anew. Idempotent.

    `passwords` maps roles to their passwords; one without can't sign in by password.
    """
    connection = await asyncpg.connect(superuser_dsn)
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", MIGRATION_LOCK)
            existing = {
                row["rolname"] for row in await connection.fetch("select rolname from pg_roles")
            }
            for role in (OWNER, DEFINER, CARRIER, *LOGIN_ROLES):
                if role not in existing:
                    await connection.execute(f"create role {role}")
            # BYPASSRLS lets the look-up functions see rows of all; column grants keep it to
            # identifiers, and nobody can sign in as this role.
            await connection.execute(f"alter role {DEFINER} nologin bypassrls noinherit")
            await connection.execute(f"alter role {OWNER} nologin inherit")
            await connection.execute(f"alter role {CARRIER} nologin nobypassrls noinherit")
            for role in LOGIN_ROLES:
                await connection.execute(
                    f"alter role {role} login noinherit nosuperuser nocreatedb nocreaterole "
                    f"nobypassrls"
                )
            for role, password in passwords.items():
                quoted = await connection.fetchval("select quote_literal($1)", password)
                await connection.execute(f"alter role {role} password {quoted}")
            for role, inherited in INHERITED.items():
                await connection.execute(
                    f"grant {inherited} to {role} with inherit true, set false"
                )
            await connection.execute(
                f"grant {CARRIER} to worker_tenant with inherit false, set true"
            )
            await connection.execute(f"grant {DEFINER} to {OWNER} with inherit true, set true")
            await connection.execute(
                f"grant {OWNER} to {MIGRATION_ROLE} with inherit false, set true"
            )
    finally:
        await connection.close()


async def is_superuser(dsn: str) -> bool:
    connection = await asyncpg.connect(dsn)
    try:
        found: bool = await connection.fetchval(IS_SUPERUSER)
        return found
    finally:
        await connection.close()


async def create_database(superuser_dsn: str, name: str, template: str | None = None) -> None:
    """Creates database `name`, where missing, owned by the owner role. Needs a superuser."""
    connection = await asyncpg.connect(superuser_dsn)
    try:
        if await connection.fetchval("select 1 from pg_database where datname = $1", name):
            return
        clause = f' template "{template}"' if template else ""
        await connection.execute(f'create database "{name}" owner {OWNER}{clause}')
        # A template's tables are copied with their rights; its own are not.
        if template:
            await _close_to_public(connection, f'"{name}"')
    finally:
        await connection.close()


async def migrate(database_dsn: str) -> list[str]:
    """Applies what is missing; returns the names of what it applied.

    A superuser prepares a new database on the way; later `migration` is enough, but where roles
    came with this version. Raises MigrationChanged, MigrationFailed or RolesMissing.
    """
    connection = await asyncpg.connect(database_dsn)
    try:
        # Session level: two migrating processes wait for one another.
        await connection.execute("select pg_advisory_lock($1)", MIGRATION_LOCK)
        if await connection.fetchval(IS_SUPERUSER):
            await _prepare(connection)
        elif missing := await connection.fetchval(MISSING_ROLES, list(LOGIN_ROLES)):
            raise RolesMissing(f"There is no database role {', '.join(missing)}")
        return await _apply_missing(connection)
    finally:
        await connection.close()


LARGE_OBJECT_FUNCTIONS = """
select oid::regprocedure::text as name from pg_proc
where pronamespace = 'pg_catalog'::regnamespace and proname ~ '^(lo_|lowrite$|loread$)'
"""


async def _prepare(connection: asyncpg.Connection) -> None:
    """What only a superuser may do: the extension, and the owner's rights in its database."""
    await connection.execute("create extension if not exists vector")
    await connection.execute(
        f"create table if not exists public.migration (name text primary key,"
        f" digest text not null, applied_at timestamptz not null default now());"
        f" alter table public.migration owner to {OWNER}"
    )
    await connection.execute(f"grant create on schema public to {OWNER}")
    name = await connection.fetchval("select quote_ident(current_database())")
    await connection.execute(f"grant create on database {name} to {OWNER}")
    await _close_to_public(connection, name)


async def _close_to_public(connection: asyncpg.Connection, name: str) -> None:
    """Serving roles make nothing, not even what lives for a session (CVE-2025-8713's lesson)."""
    await connection.execute(f"revoke all on database {name} from public")
    await connection.execute(f"grant connect on database {name} to {', '.join(LOGIN_ROLES)}")
    # Large objects belong to no organisation and count in no plan.
    for function in await connection.fetch(LARGE_OBJECT_FUNCTIONS):
        await connection.execute(f"revoke execute on function {function['name']} from public")


async def pending_migrations(connection: asyncpg.Connection) -> list[str]:
    """Names of the files that this database hasn't applied, in order."""
    applied = {row["name"] for row in await connection.fetch("select name from public.migration")}
    return [path.stem for path in _files() if path.stem not in applied]


def _files() -> list[Path]:
    return sorted(MIGRATIONS.glob("*.sql"))


async def _apply_missing(connection: asyncpg.Connection) -> list[str]:
    await connection.execute(f"set role {OWNER}")
    applied = {
        row["name"]: row["digest"]
        for row in await connection.fetch("select name, digest from public.migration")
    }
    done: list[str] = []
    for path in _files():
        sql = path.read_text(encoding="utf-8")
        digest = hashlib.sha256(sql.encode()).hexdigest()
        if path.stem in applied:
            if applied[path.stem] != digest:
                raise MigrationChanged(f"{path.name} was edited after it was applied")
            continue
        try:
            async with connection.transaction():
                await connection.execute(sql)
                await connection.execute(
                    "insert into public.migration (name, digest) values ($1, $2)",
                    path.stem,
                    digest,
                )
        except asyncpg.PostgresError as error:
            raise MigrationFailed(f"{path.name}: {error}") from error
        done.append(path.stem)
    return done
