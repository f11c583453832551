"""Which appearance a request has: looked up by the organisation's address, and remembered a while.

A change shows at once in the process that made it, and within KEPT_S in the others.
"""

import time
from typing import Annotated, Final

import msgspec
from litestar.enums import ScopeType
from litestar.params import Dependency
from litestar.types import ASGIApp, Receive, Scope, Send

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantReader
from passerelle.kernel.ports import Objects
from passerelle.kernel.tenant_settings import read_both_settings
from passerelle.web.appearance import STATE, Appearance, Logo
from tenants import store
from tenants.model import Tenant
from tenants.settings.branding import BRANDING, Branding, colours_of
from tenants.settings.languages import LANGUAGES, first_of

#: As handlers are given it: a protocol can't be checked at run time.
PluggedObjects = Annotated[Objects, Dependency(skip_validation=True)]
TASK: Final = "settings.appearance"
KEPT_S: Final = 5.0
KEPT_TENANTS: Final = 10_000
SLUG_LIMIT_CHARACTERS: Final = 31


class _Kept(msgspec.Struct, frozen=True):
    appearance: Appearance
    until: float


class Appearances:
    """One for a process."""

    def __init__(self, database: Database, objects: Objects) -> None:
        self._database = database
        self._objects = objects
        self._kept: dict[str, _Kept] = {}

    async def of(self, slug: str) -> Appearance | None:
        """None where no organisation has this address."""
        now = time.monotonic()
        kept = self._kept.get(slug)
        if kept is not None and kept.until > now:
            return kept.appearance
        tenant = await store.tenant_by_slug(self._database.lookup, slug)
        if tenant is None:
            return None
        found = await self._read(tenant)
        if len(self._kept) >= KEPT_TENANTS:
            self._kept.clear()
        self._kept[slug] = _Kept(found, now + KEPT_S)
        return found

    def forget(self, slug: str) -> None:
        self._kept.pop(slug, None)

    async def _read(self, tenant: Tenant) -> Appearance:
        read = self._database.tenant_reader(
            tenant.id, actors.system(TASK, tenant.id), standing=False
        )
        branding, languages = await read_both_settings(read, BRANDING, LANGUAGES)
        return Appearance(
            colours=colours_of(branding),
            logo=await self._logo(read, branding, tenant.slug),
            languages=languages.offered,
            default_locale=first_of(languages, tenant.default_locale),
        )

    async def _logo(self, read: TenantReader, branding: Branding, slug: str) -> Logo | None:
        picture = branding.logo
        stored = await self._objects.find(read, picture.name) if picture else None
        if picture is None or stored is None:
            return None
        url = self._objects.address(read, stored, reader=None, slug=slug)
        return Logo(url, picture.width, picture.height)


def appearance_middleware(app: ASGIApp) -> ASGIApp:
    """To stand before the middleware that chooses the language."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            parts = scope["path"].split("/", 3)
            if len(parts) > 2 and parts[1] == "t" and 0 < len(parts[2]) <= SLUG_LIMIT_CHARACTERS:
                appearances: Appearances = scope["litestar_app"].state.appearances
                state = scope.setdefault("state", {})
                state[STATE] = await appearances.of(parts[2])
        await app(scope, receive, send)

    return handle
