"""The pages of settings: the list, and for each its form, test, history and undo.

Every setting has routes of its own, with the permission that it declares. `handlers_of` makes them
from the registry once every room has declared its settings.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from litestar import get, post
from litestar.response import Redirect, Response

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantReader
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import N_
from passerelle.kernel.ports import Objects
from passerelle.kernel.secrets import Vault
from passerelle.kernel.tenant_settings import last_tests, seal_text
from passerelle.kernel.work import Work
from passerelle.web import navigation
from passerelle.web.language import translate
from passerelle.web.page import Page
from tenants.settings import brand_pages, history_pages, pictures, service
from tenants.settings.appearance import PluggedObjects
from tenants.settings.branding import NAME as BRANDING
from tenants.settings.fields import fields_of
from tenants.settings.reading import CLEAR, Sent, read_form
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

navigation.add(N_("Settings"), "/settings", permission="tenant.admin", order=90)

RECENT_CHANGES: Final = 3
#: A button that puts a proposed value into the form instead of saving: `use` = `field:value`.
USE: Final = "use"


@get(ROOT, permission="tenant.admin", include_in_schema=False)
async def settings_page(read: TenantReader, actor: Actor) -> Page:
    """Every setting that the actor may change, with its state and its test's last result."""
    return Page("tenants/settings.html", {"groups": await service.overview(read, actor)})


def handlers_of(settings: Iterable[Setting]) -> list[Any]:
    """The list's page and every setting's."""
    found: list[Any] = [settings_page]
    for setting in settings:
        found += [*_form_handlers(setting), *history_pages.handlers_of(setting)]
        if setting.test is not None:
            found.append(_test_handler(setting))
    return found


def _form_handlers(setting: Setting) -> list[Any]:
    path = f"{ROOT}/{setting.name}"

    @get(path, permission=setting.permission, include_in_schema=False)
    async def setting_page(read: TenantReader, objects: PluggedObjects, done: str = "") -> Page:
        current = await service.current(read, setting)
        sent = Sent(current.value, current.value, {})
        return await _page(read, objects, setting, sent, current, done)

    @post(path, permission=setting.permission, include_in_schema=False, status_code=200)
    async def save_setting(
        request: AnyRequest,
        read: TenantReader,
        database: Database,
        objects: PluggedObjects,
        vault: Vault,
        actor: Actor,
        slug: str,
    ) -> Response[str] | Page:
        """Saves it; what is wrong, or came in between, stays on screen with what was typed."""
        current = await service.current(read, setting)
        form, files = await sent_form(request)
        fields = fields_of(setting.type)

        def seal(field: str, text: str) -> str:
            return seal_text(vault, read.tenant_id, setting.name, field, text)

        sent = read_form(fields, form, current.value, seal)
        if use := first(form, USE):
            field, _, value = use.partition(":")
            sent.typed[field] = value
            unjudged = msgspec.structs.replace(sent, errors={})
            return await _page(read, objects, setting, unjudged, current)
        if not sent.errors:
            version = first(form, "version")
            expected = int(version) if version.isdigit() else -1
            try:
                async with database.tenant(read.tenant_id, actor) as tx:
                    for name, content in files.items():
                        picture = await pictures.keep(tx, objects, name, content)
                        sent.values[name] = msgspec.to_builtins(picture)
                    await service.change(
                        tx,
                        setting,
                        sent.values,
                        expected_version=expected,
                        reason=first(form, "reason"),
                    )
            except Invalid as invalid:
                errors = {name: translate(text) for name, text in invalid.errors.items()}
                sent = msgspec.structs.replace(sent, errors=errors)
            except service.SettingConflict as conflict:
                return await _page(read, objects, setting, sent, conflict.theirs, conflict=True)
            else:
                forget(request, slug)
                return Redirect(f"/t/{slug}/settings/{setting.name}?done=saved", status_code=303)
        return await _page(read, objects, setting, sent, current, reason=first(form, "reason"))

    return [setting_page, save_setting]


def _test_handler(setting: Setting) -> Any:
    @post(
        f"{ROOT}/{setting.name}/test",
        permission=setting.permission,
        include_in_schema=False,
        status_code=200,
    )
    async def test_setting(
        request: AnyRequest, read: TenantReader, work: Work, actor: Actor, slug: str
    ) -> Response[str] | Page:
        """Tries out what is saved; the result alone where the page asks for it."""
        await service.test(work, actor, setting)
        if request.headers.get("hx-request") != "true":
            return Redirect(f"/t/{slug}/settings/{setting.name}#test", status_code=303)
        test = (await last_tests(read)).get(setting.name)
        context = {"setting": setting, "test": test, "limit_s": service.TEST_LIMIT_S}
        return Page("tenants/setting_test.html", context)

    return test_setting


async def _page(
    read: TenantReader,
    objects: Objects,
    setting: Setting,
    sent: Sent,
    current: service.Current,
    done: str = "",
    *,
    conflict: bool = False,
    reason: str = "",
) -> Page:
    fields = fields_of(setting.type)
    changes = await service.history(read, setting, None, RECENT_CHANGES + 1)
    more: dict[str, object] = {}
    template = "tenants/setting.html"
    if setting.name == BRANDING:
        template, more = "tenants/setting_branding.html", brand_pages.shown(sent.typed)
    return Page(
        template,
        {
            "setting": setting,
            "fields": fields,
            "typed": sent.typed,
            "errors": sent.errors,
            "current": current,
            "clear": CLEAR,
            "use": USE,
            "reason": reason,
            "done": done,
            "conflict": differences(fields, current.value, sent.values) if conflict else None,
            "test": (await last_tests(read)).get(setting.name),
            "limit_s": service.TEST_LIMIT_S,
            "changes": in_words(setting, changes[:RECENT_CHANGES]),
            "more_changes": len(changes) > RECENT_CHANGES,
            "picture_urls": await addresses_of(read, objects, setting),
            **more,
        },
        status_code=409 if conflict else 400 if sent.errors else 200,
    )
