"""The two applications of the `rls` benchmark, each for a uvicorn process of its own.

`by_hand` is the same application with its wall taken away: the same pool settings and reset, the
same session, guard, statement, rows and serialisation, but a role that row-level security does not
bind, and statements sent as they are, so that the hand-written `where tenant_id = $1` is all there
is.
"""

import asyncpg
from litestar import Litestar

import infra.web
from passerelle.kernel import settings as kernel_settings
from passerelle.kernel.database import Database, TenantReader

BY_HAND_ROLE = "bench_by_hand"


class ByHandReader(TenantReader):
    async def _records(self, sql: str, arguments: tuple[object, ...]) -> list[asyncpg.Record]:
        return await self._pool.fetch(sql, *arguments)


class ByHandDatabase(Database):
    def __init__(self, settings: kernel_settings.Settings) -> None:
        super().__init__(settings)

    def tenant_reader(self, tenant_id, actor, *, standing=True):  # type: ignore[no-untyped-def]
        return ByHandReader(self._pools["web_tenant"], tenant_id, actor, "")

    async def _create_pool(self, role: str, user: str | None = None) -> asyncpg.Pool:
        if role != "web_tenant":
            return await super()._create_pool(role, user)
        return await super()._create_pool(role, user=BY_HAND_ROLE)


def ours() -> Litestar:
    return infra.web.application()


def by_hand() -> Litestar:
    infra.web.Database = ByHandDatabase  # type: ignore[misc]
    return infra.web.application()
