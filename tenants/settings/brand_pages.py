"""The style sheet of an organisation, and the preview of one that is not saved yet."""

import hashlib
from typing import Any, Final

from litestar import Request, Response, get

from passerelle.kernel.database import TenantReader
from passerelle.kernel.errors import NotFound
from passerelle.kernel.ports import Objects
from passerelle.web.appearance import sheet
from passerelle.web.colour import Contrast, contrast, for_dark, nearest, parse
from passerelle.web.page import Page
from tenants.settings.appearance import Appearances
from tenants.settings.branding import PRODUCT_COLOURS
from tenants.settings.pictures import FOLDER, KEPT_PICTURES

ROOT: Final = "/t/{slug:str}"
CSS: Final = "text/css"
KEPT: Final = "public, max-age=31536000, immutable"
#: Asked for without its version it may be kept, but is asked after each time.
ASKED_AFTER: Final = "public, no-cache"
AnyRequest = Request[Any, Any, Any]


@get(f"{ROOT}/brand.css", permission="public", include_in_schema=False)
async def brand_sheet(request: AnyRequest, slug: str, v: str = "") -> Response[str]:
    """The organisation's design tokens; nothing else of its own stands in any style sheet."""
    appearances: Appearances = request.app.state.appearances
    appearance = await appearances.of(slug)
    if appearance is None:
        raise NotFound()
    content = sheet(*appearance.colours) if appearance.colours else ""
    tag = f'"{hashlib.sha256(content.encode()).hexdigest()[:16]}"'
    kept = v != "" and v == appearance.sheet_version
    headers = {"etag": tag, "cache-control": KEPT if kept else ASKED_AFTER}
    if _matches(request.headers.get("if-none-match", ""), tag):
        return Response("", status_code=304, headers=headers, media_type=CSS)
    return Response(content, media_type=CSS, headers=headers)


def _matches(header: str, tag: str) -> bool:
    """If-None-Match (RFC 9110, 13.1.2): compared weakly."""
    return header.strip() == "*" or tag in {
        one.strip().removeprefix("W/") for one in header.split(",")
    }


@get(f"{ROOT}/settings/branding/preview.css", permission="tenant.admin", include_in_schema=False)
async def preview_sheet(slug: str, colour: str = "", colour_dark: str = "") -> Response[str]:
    """The tokens of colours that are being chosen, for the preview alone."""
    light, dark = _wanted(colour, colour_dark)
    content = sheet(light, dark, ".preview") if _both_pass(light, dark) else ""
    return Response(content, media_type=CSS, headers={"cache-control": "no-store"})


@get(f"{ROOT}/settings/branding/preview", permission="tenant.admin", include_in_schema=False)
async def preview(read: TenantReader, colour: str = "", colour_dark: str = "") -> Page:
    """The preview by itself: what the form shows anew while a colour is typed."""
    typed = {"colour": colour, "colour_dark": colour_dark}
    return Page("tenants/branding_preview.html", shown(typed))


def shown(typed: dict[str, Any]) -> dict[str, object]:
    """What the preview shows: how each colour can be read, and the nearest that can."""
    light, dark = _wanted(typed.get("colour") or "", typed.get("colour_dark") or "")
    measured: list[Contrast] = [contrast(light, "light"), contrast(dark, "dark")]
    proposals = {
        "colour": None if measured[0].passes else nearest(light, "light"),
        "colour_dark": None if measured[1].passes else nearest(dark, "dark"),
    }
    return {
        "measured": measured,
        "proposals": proposals,
        "preview_colours": {"colour": light, "colour_dark": dark},
        "readable": _both_pass(light, dark),
    }


def _wanted(colour: str, colour_dark: str) -> tuple[str, str]:
    light = parse(colour)
    if light is None:
        return PRODUCT_COLOURS
    return light, parse(colour_dark) or for_dark(light)


def _both_pass(light: str, dark: str) -> bool:
    return contrast(light, "light").passes and contrast(dark, "dark").passes


async def picture_urls(read: TenantReader, objects: Objects) -> dict[str, str]:
    """Where each picture that is still kept can be seen, by its name."""
    kept = await objects.list(read, FOLDER, limit=KEPT_PICTURES)
    return {one.name: objects.address(read, one, reader=None) for one in kept}


handlers: list[Any] = [brand_sheet, preview_sheet, preview]
