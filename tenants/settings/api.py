"""Settings for programs: each with the shape of its own value.

A value that is read holds no secret. On the way in an empty secret keeps the one that is set;
`clear` names the secrets to take away.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
from litestar import Request, get, post, put

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantReader
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import N_
from passerelle.kernel.ports import Objects
from passerelle.kernel.secrets import Vault
from passerelle.kernel.tenant_settings import LastTest, TenantSetting, last_tests, seal_text
from passerelle.kernel.work import Work
from tenants.settings import pictures, service
from tenants.settings.appearance import Appearances, PluggedObjects
from tenants.settings.branding import BRANDING
from tenants.settings.fields import Picture, fields_of

ROOT = "/t/{slug:str}/api/settings"
TAGS = ["settings"]
Value = TypeVar("Value")


class SettingShown(msgspec.Struct, Generic[Value], frozen=True, kw_only=True):
    """A setting as it stands. `version` is 0 where it was never set; `secrets` names those set."""

    value: Value
    version: int
    secrets: list[str]
    changed_at: datetime | None = None
    changed_by: str | None = None
    last_test: LastTest | None = None


class SettingWanted(
    msgspec.Struct, Generic[Value], frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`version` is the one that was read: 409 where another change came in between."""

    value: Value
    version: int
    reason: str = ""
    clear: list[str] = []


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    version: int
    changed_at: datetime | None
    changed_by: str | None
    last_test: LastTest | None


@get(ROOT, permission="tenant.admin", tags=TAGS)
async def settings_list(read: TenantReader, actor: Actor) -> list[Listed]:
    """Every setting that you may change, in the order of the page."""
    return [
        Listed(
            name=one.setting.name,
            version=one.changed.version if one.changed else 0,
            changed_at=one.changed.changed_at if one.changed else None,
            changed_by=one.changed.changed_by if one.changed else None,
            last_test=one.test,
        )
        for _, group in await service.overview(read, actor)
        for one in group
    ]


@post(f"{ROOT}/{BRANDING.name}/logo", permission=BRANDING.permission, tags=TAGS)
async def keep_logo(
    request: Request[Any, Any, Any], read: TenantReader, database: Database, objects: PluggedObjects
) -> Picture:
    """Keeps an image (the request's body: PNG, JPEG or WebP), to be named as branding's `logo`."""
    content = await request.body()
    async with database.tenant(read.tenant_id, read.actor) as tx:
        return await pictures.keep(tx, objects, "logo", content)


def handlers_of(settings: Iterable[TenantSetting[Any]]) -> list[Any]:
    """The list, and each setting's own routes, with the permission that it declares."""
    found: list[Any] = [settings_list, keep_logo]
    for setting in settings:
        found += _handlers(setting)
    return found


def _handlers(setting: TenantSetting[Any]) -> list[Any]:
    path = f"{ROOT}/{setting.name}"
    shown = SettingShown[setting.type]  # type: ignore[name-defined]
    wanted = SettingWanted[setting.type]  # type: ignore[name-defined]

    @get(path, permission=setting.permission, tags=TAGS)
    async def read_setting(read: TenantReader) -> shown:
        """The setting as it stands."""
        return await _shown(read, setting)

    @put(path, permission=setting.permission, tags=TAGS)
    async def write_setting(
        request: Request[Any, Any, Any],
        read: TenantReader,
        database: Database,
        objects: PluggedObjects,
        vault: Vault,
        slug: str,
        data: wanted,
    ) -> shown:
        """Sets it from now on; its history keeps how it was."""
        asked: SettingWanted[Any] = data
        values = _kept_secrets(setting, asked, await service.current(read, setting), read, vault)
        await _known_pictures(setting, values, read, objects)
        async with database.tenant(read.tenant_id, read.actor) as tx:
            await service.change(
                tx, setting, values, expected_version=asked.version, reason=asked.reason
            )
        appearances: Appearances = request.app.state.appearances
        appearances.forget(slug)
        return await _shown(read, setting)

    handlers: list[Any] = [read_setting, write_setting]
    if setting.test is not None:

        @post(f"{path}/test", permission=setting.permission, tags=TAGS, status_code=200)
        async def run_test(work: Work, read: TenantReader, actor: Actor) -> LastTest | None:
            """Tries out what is saved, for at most 20 seconds."""
            await service.test(work, actor, setting)
            return (await last_tests(read)).get(setting.name)

        handlers.append(run_test)
    return handlers


async def _shown(read: TenantReader, setting: TenantSetting[Any]) -> SettingShown[Any]:
    current = await service.current(read, setting)
    secrets = _secrets(setting)
    value = {name: "" if name in secrets else one for name, one in current.value.items()}
    return SettingShown(
        value=msgspec.convert(value, setting.type),
        version=current.version,
        secrets=[name for name in secrets if current.value.get(name)],
        changed_at=current.changed.changed_at if current.changed else None,
        changed_by=current.changed.changed_by if current.changed else None,
        last_test=(await last_tests(read)).get(setting.name),
    )


def _secrets(setting: TenantSetting[Any]) -> list[str]:
    return [field.name for field in fields_of(setting.type) if field.kind == "secret"]


def _kept_secrets(
    setting: TenantSetting[Any],
    asked: SettingWanted[Any],
    current: service.Current,
    read: TenantReader,
    vault: Vault,
) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(asked.value)
    for name in _secrets(setting):
        if name in asked.clear:
            values[name] = ""
        elif values[name]:
            values[name] = seal_text(vault, read.tenant_id, setting.name, name, values[name])
        else:
            values[name] = current.value.get(name, "")
    return values


async def _known_pictures(
    setting: TenantSetting[Any], values: dict[str, Any], read: TenantReader, objects: Objects
) -> None:
    """Raises Invalid for a picture that was not sent before."""
    for field in fields_of(setting.type):
        picture = values.get(field.name)
        if field.kind != "picture" or picture is None:
            continue
        name = picture["name"]
        if not name.startswith(pictures.FOLDER) or await objects.find(read, name) is None:
            raise Invalid(errors={field.name: N_("Send the image first, then name it here")})
