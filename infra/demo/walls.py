"""A hundred attempts, as the retailer, to read what the administration's people did not share.

Three ways: by identifier over HTTP, by swapping the organisation in the address, and by SQL with
the application's own role, where the database itself has to refuse.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from infra.demo.deeds import JSON, NotSo

if TYPE_CHECKING:
    from infra.demo.deeds import Deeds

ATTEMPTS = 100

#: Tables of the administration, and of a person, that the learner's story left rows in.
TENANT_TABLES = (
    *("tenant_event", "tenant_delivery", "member", "member_role", "lti_user", "lti_registration"),
    *("lti_line_item", "lti_grade", "exam_item", "exam_form", "attempt", "response", "study_item"),
    *("issued_credential", "issuer_key", "achievement", "path", "level"),
)
PERSON_TABLES = ("person_event", "identity", "wallet_credential", "profile", "evidence", "sharing")

WHO_SHARES_NOTHING = """
select person_id from member where tenant_id = $1 and not exists (
  select 1 from sharing where sharing.person_id = member.person_id and sharing.tenant_id = $2
    and sharing.withdrawn_at is null and sharing.until > now()
) limit 3
"""


async def attempt(deeds: "Deeds") -> int:
    """Makes every attempt; returns how many were refused. Raises NotSo at the first that wasn't."""
    refused = 0
    async for name, got in _attempts(deeds):
        if got:
            raise NotSo(f"the wall let something through: {name}")
        refused += 1
        if refused == ATTEMPTS:
            break
    return refused


async def _attempts(deeds: "Deeds") -> AsyncIterator[tuple[str, bool]]:
    """Each attempt's name, and whether it got anything."""
    async for found in _by_sql(deeds):
        yield found
    async for found in _by_http(deeds):
        yield found


async def _by_sql(deeds: "Deeds") -> AsyncIterator[tuple[str, bool]]:
    """As web_tenant bound to the retailer: every table, by column, whole, and by counting."""
    region, retail = deeds.world.tenants["region"], deeds.world.tenants["retail"]
    unshared = await _people_who_share_nothing(deeds)
    async with deeds.world.database.pool("web_tenant").acquire() as connection:
        for table in TENANT_TABLES:
            for sql in (
                f"select * from {table} where tenant_id = $1",
                f"select * from {table} where tenant_id::text = $1::uuid::text",
                f"delete from {table} where tenant_id = $1 returning 1",
            ):
                yield sql, await _reads(connection, retail, sql, region)
        for table in PERSON_TABLES:
            for person_id in unshared:
                sql = f"select 1 from {table} where person_id = $1"
                yield sql, await _reads(connection, retail, sql, person_id)


async def _by_http(deeds: "Deeds") -> AsyncIterator[tuple[str, bool]]:
    """As the signed-in recruiter: foreign identifiers under the own organisation, and its own
    pages under the other's address."""
    base = f"/t/retail/api/requisitions/{deeds.requisition}"
    for person_id in await _people_who_share_nothing(deeds):
        for path in (
            f"{base}/candidates/{person_id}",
            f"/t/retail/hiring/{deeds.requisition}/candidates/{person_id}",
        ):
            yield path, await _opens(deeds, path)
    for rest in ("learn", "audit", "hiring", "lms", "api/audit", "api/requisitions", "api/skills"):
        path = f"/t/region/{rest}"
        yield path, await _opens(deeds, path)
    for number in range(ATTEMPTS):
        path = f"/t/retail/api/requisitions/{UUID(int=number)}/shortlist"
        yield path, await _opens(deeds, path)


async def _people_who_share_nothing(deeds: "Deeds") -> list[UUID]:
    """Members of the administration without a live sharing with the retailer."""
    region = deeds.world.tenants["region"]
    owner = await asyncpg.connect(deeds.world.instance.database_dsn)
    try:
        rows = await owner.fetch(WHO_SHARES_NOTHING, region, deeds.world.tenants["retail"])
    finally:
        await owner.close()
    return [row["person_id"] for row in rows]


async def _reads(connection: asyncpg.Connection, bound: UUID, sql: str, argument: UUID) -> bool:
    """Whether the statement, bound to `bound`, gives any row; it is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("select set_config('app.tenant', $1, true)", str(bound))
        return bool(await connection.fetch(sql, argument))
    except asyncpg.InsufficientPrivilegeError:
        return False
    finally:
        await transaction.rollback()


async def _opens(deeds: "Deeds", path: str) -> bool:
    reply = await deeds.recruiter.get(path, headers=JSON, follow_redirects=False)
    return reply.status_code < 400
