"""Bindings fail closed, commit once, and reads are one statement."""

from uuid import uuid4

import asyncpg
import msgspec
import pytest

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from tests.conftest import People


class Found(msgspec.Struct):
    slug: str


SLUGS = "select slug from tenant where id = $1"
ALL_SLUGS = "select slug from tenant where $1::uuid is not null"


async def test_a_reader_sees_its_own_tenant_alone(
    database: Database, two_tenants: tuple[People, People]
) -> None:
    one, other = two_tenants
    reader = database.tenant_reader(one.tenant_id, actors.system("tests"))
    assert [row.slug for row in await reader.fetch(Found, ALL_SLUGS, one.tenant_id)] == [one.slug]
    other_reader = database.tenant_reader(other.tenant_id, actors.system("tests"))
    found = await other_reader.fetch_one(Found, SLUGS, other.tenant_id)
    assert found == Found(other.slug)


async def test_nothing_bound_raises_even_after_a_bound_transaction(
    database: Database, two_tenants: tuple[People, People]
) -> None:
    one, _ = two_tenants
    async with database.pool("web_tenant").acquire() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select slug from tenant")
        async with connection.transaction():
            await connection.execute(
                "select set_config('app.tenant', $1, true)", str(one.tenant_id)
            )
            assert len(await connection.fetch("select slug from tenant")) == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select slug from tenant")


async def test_a_reader_refuses_a_statement_whose_first_argument_is_not_its_binding(
    database: Database, two_tenants: tuple[People, People]
) -> None:
    one, other = two_tenants
    reader = database.tenant_reader(one.tenant_id, actors.system("tests"))
    with pytest.raises(ValueError, match="first argument"):
        await reader.fetch(Found, SLUGS, other.tenant_id)


async def test_a_transaction_rolls_back_on_any_exception(
    database: Database, two_tenants: tuple[People, People]
) -> None:
    one, _ = two_tenants
    person_id = uuid4()
    actor = actors.system("tests")
    with pytest.raises(RuntimeError, match="in the middle"):
        async with database.tenant(one.tenant_id, actor) as tx:
            await tx.execute(
                "insert into member (tenant_id, person_id, display_name, locale)"
                " values ($1, $2, 'x', 'en')",
                tx.tenant_id,
                person_id,
            )
            raise RuntimeError("in the middle")
    reader = database.tenant_reader(one.tenant_id, actor)
    count = "select count(*) from member where tenant_id = $1 and person_id = $2"
    assert await reader.fetch_value(count, one.tenant_id, person_id) == 0
    async with database.tenant(one.tenant_id, actor) as tx:
        assert await tx.fetch_value("select 1") == 1


async def test_a_swallowed_database_error_does_not_pass_for_a_commit(
    database: Database, two_tenants: tuple[People, People]
) -> None:
    from passerelle.kernel.database import TransactionAborted

    one, _ = two_tenants
    with pytest.raises(TransactionAborted):
        async with database.tenant(one.tenant_id, actors.system("tests")) as tx:
            with pytest.raises(asyncpg.PostgresError):
                await tx.execute("select 1 / 0")
