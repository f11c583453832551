"""The history of a setting, and putting back how it was before one of its changes."""

from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Response

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantReader
from passerelle.kernel.errors import Invalid
from passerelle.kernel.ports import Objects
from passerelle.web.language import translate
from passerelle.web.page import Page
from tenants.settings import service
from tenants.settings.appearance import PluggedObjects
from tenants.settings.fields import fields_of
from tenants.settings.sending import (
    ROOT,
    AnyRequest,
    Setting,
    addresses_of,
    first,
    forget,
    in_words,
    sent_form,
)
from tenants.settings.words import differences


def handlers_of(setting: Setting) -> list[Any]:
    path = f"{ROOT}/{setting.name}/history"

    @get(path, permission=setting.permission, include_in_schema=False)
    async def setting_history(
        read: TenantReader, objects: PluggedObjects, before: UUID | None = None
    ) -> Page:
        """Who changed it, when, why, and what."""
        limit = service.HISTORY_PAGE_CHANGES
        found = await service.history(read, setting, before, limit + 1)
        shown = found[:limit]
        return Page(
            "tenants/setting_history.html",
            {
                "setting": setting,
                "changes": in_words(setting, shown),
                "picture_urls": await addresses_of(read, objects, setting),
                "next": shown[-1].id if len(found) > limit else None,
                "before": before,
            },
        )

    @get(path + "/{event_id:uuid}", permission=setting.permission, include_in_schema=False)
    async def former_setting(read: TenantReader, objects: PluggedObjects, event_id: UUID) -> Page:
        """How it was before a change, beside how it is: to be put back, or not."""
        return await _former_page(read, objects, setting, event_id, {})

    @post(
        path + "/{event_id:uuid}",
        permission=setting.permission,
        include_in_schema=False,
        status_code=200,
    )
    async def put_back(
        request: AnyRequest,
        read: TenantReader,
        database: Database,
        objects: PluggedObjects,
        actor: Actor,
        slug: str,
        event_id: UUID,
    ) -> Response[str] | Page:
        """Puts it back as it was before that change."""
        form, _ = await sent_form(request)
        change = await service.former(read, setting, event_id)
        version = first(form, "version")
        try:
            async with database.tenant(read.tenant_id, actor) as tx:
                await service.change(
                    tx,
                    setting,
                    change.before,
                    expected_version=int(version) if version.isdigit() else -1,
                    reason=first(form, "reason"),
                )
        except Invalid as invalid:
            errors = {name: translate(text) for name, text in invalid.errors.items()}
            return await _former_page(read, objects, setting, event_id, errors)
        except service.SettingConflict:
            return await _former_page(read, objects, setting, event_id, {}, conflict=True)
        forget(request, slug)
        return Redirect(f"/t/{slug}/settings/{setting.name}?done=back", status_code=303)

    return [setting_history, former_setting, put_back]


async def _former_page(
    read: TenantReader,
    objects: Objects,
    setting: Setting,
    event_id: UUID,
    errors: dict[str, str],
    *,
    conflict: bool = False,
) -> Page:
    fields = fields_of(setting.type)
    change = await service.former(read, setting, event_id)
    current = await service.current(read, setting)
    return Page(
        "tenants/setting_former.html",
        {
            "setting": setting,
            "change": change,
            "current": current,
            "found": differences(fields, current.value, change.before),
            "errors": errors,
            "conflict": conflict,
            "picture_urls": await addresses_of(read, objects, setting),
        },
        status_code=409 if conflict else 400 if errors else 200,
    )
