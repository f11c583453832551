"""What the pages of settings share: a form as it was sent, and changes in words."""

from typing import Any, Final

from litestar import Request

from passerelle.kernel.database import TenantReader
from passerelle.kernel.ports import Objects
from passerelle.kernel.tenant_settings import TenantSetting
from tenants.settings import brand_pages
from tenants.settings.appearance import Appearances
from tenants.settings.fields import Field, fields_of
from tenants.settings.reading import Form
from tenants.settings.words import differences

ROOT: Final = "/t/{slug:str}/settings"
Setting = TenantSetting[Any]
AnyRequest = Request[Any, Any, Any]


async def addresses_of(read: TenantReader, objects: Objects, setting: Setting) -> dict[str, str]:
    """Addresses of the pictures that a value of this setting may name."""
    has_pictures = any(field.kind == "picture" for field in fields_of(setting.type))
    return await brand_pages.picture_urls(read, objects) if has_pictures else {}


def in_words(setting: Setting, changes: list[Any]) -> list[dict[str, Any]]:
    fields: list[Field] = fields_of(setting.type)
    return [
        {"change": one, "differences": differences(fields, one.before, one.after)}
        for one in changes
    ]


async def sent_form(request: AnyRequest) -> tuple[Form, dict[str, bytes]]:
    """The form's texts, and the bytes of its files; a file that was not chosen is not there."""
    texts: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for name, value in (await request.form()).multi_items():
        if hasattr(value, "read"):
            content = await value.read()
            if content:
                files[name] = content
        else:
            texts.setdefault(name, []).append(str(value))
    return texts, files


def first(form: Form, name: str) -> str:
    return form.get(name, [""])[0]


def forget(request: AnyRequest, slug: str) -> None:
    appearances: Appearances = request.app.state.appearances
    appearances.forget(slug)
