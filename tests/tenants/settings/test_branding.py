"""Branding: colours that can be read, a logo that is only an image, and where both are seen."""

import io
import re
import zlib
from struct import pack

import httpx
import pytest
from litestar import Litestar
from PIL import Image, PngImagePlugin

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from tenants.settings.branding import Branding, colours_of, mail_colour, problems
from tenants.settings.pictures import KEPT_SIZE, UPLOAD_LIMIT_BYTES, draw
from tests.conftest import People, csrf_headers, sign_in
from tests.tenants.settings.conftest import image, send

TOKENS_ALONE = re.compile(
    r"((\.preview|:root)\{(--[a-z-]+:light-dark\(#[0-9a-f]{6},#[0-9a-f]{6}\);){4}\}\n)?"
)
HOSTILE = (
    "red",
    "#12345",
    "#1f5fa8;} body { background: url(//evil.example) } :root {",
    "#1f5fa8/**/",
    "</style><script>alert(1)</script>",
    "url(javascript:alert(1))",
    "#1f5fa8\n:root{--page:#000000}",
)


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_nothing_but_a_colour_enters_the_style_sheet(
    admin: httpx.AsyncClient, people: People, hostile: str
) -> None:
    address = f"/t/{people.slug}/settings/branding"
    answer = await send(admin, address, {"colour": hostile, "colour_dark": ""})
    assert answer.status_code == 400
    preview = await admin.get(f"{address}/preview.css", params={"colour": hostile})
    for sheet in (preview.text, (await admin.get(f"/t/{people.slug}/brand.css")).text):
        assert re.fullmatch(
            r"(\.preview|:root)?\{?(--[a-z-]+:light-dark\(#\w{6},#\w{6}\);)*\}?\n?", sheet
        )


async def test_a_colour_that_cannot_be_read_is_refused_with_the_nearest_that_can(
    admin: httpx.AsyncClient, people: People
) -> None:
    address = f"/t/{people.slug}/settings/branding"
    answer = await send(admin, address, {"colour": "#ffd700", "colour_dark": ""})
    assert answer.status_code == 400
    assert "1.2" in answer.text
    proposed = re.search(r'name="use" value="colour:(#[0-9a-f]{6})"', answer.text)
    assert proposed
    assert not problems(Branding(colour=proposed[1]))
    taken = await send(
        admin, address, {"colour": "#ffd700", "colour_dark": "", "use": f"colour:{proposed[1]}"}
    )
    assert taken.status_code == 200
    assert f'value="{proposed[1]}"' in taken.text
    saved = await send(admin, address, {"colour": proposed[1], "colour_dark": ""})
    assert saved.status_code == 303


async def test_a_saved_colour_is_on_the_next_page_and_in_the_sheet(
    admin: httpx.AsyncClient, people: People, database: Database
) -> None:
    await send(
        admin, f"/t/{people.slug}/settings/branding", {"colour": "#1F5FA8", "colour_dark": ""}
    )
    page = (await admin.get(f"/t/{people.slug}/settings")).text
    found = re.search(rf'href="(/t/{people.slug}/brand\.css\?v=[0-9a-f]+)"', page)
    assert found
    sheet = await admin.get(found[1])
    assert sheet.headers["content-type"].startswith("text/css")
    assert "--brand:light-dark(#1f5fa8," in sheet.text
    assert "immutable" in sheet.headers["cache-control"]
    read = database.tenant_reader(people.tenant_id, actors.system("tests"))
    assert await mail_colour(read) == "#1f5fa8"


async def test_an_unchanged_sheet_is_not_sent_again(
    admin: httpx.AsyncClient, people: People
) -> None:
    await send(
        admin, f"/t/{people.slug}/settings/branding", {"colour": "#1f5fa8", "colour_dark": ""}
    )
    first = await admin.get(f"/t/{people.slug}/brand.css")
    assert first.headers["cache-control"] == "public, no-cache"
    tag = first.headers["etag"]
    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await admin.get(f"/t/{people.slug}/brand.css", headers={"if-none-match": header})
        assert again.status_code == 304
        assert not again.content
    await send(
        admin, f"/t/{people.slug}/settings/branding", {"colour": "#7a1f5c", "colour_dark": ""}
    )
    changed = await admin.get(f"/t/{people.slug}/brand.css", headers={"if-none-match": tag})
    assert changed.status_code == 200


async def test_the_sign_in_page_has_the_organisations_look_and_another_ones_has_not(
    admin: httpx.AsyncClient,
    client: httpx.AsyncClient,
    people: People,
    two_tenants: tuple[People, People],
) -> None:
    address = f"/t/{people.slug}/settings/branding"
    files = {"logo": ("logo.png", image(), "image/png")}
    answer = await send(admin, address, {"colour": "#1f5fa8", "colour_dark": ""}, files)
    assert answer.status_code == 303, answer.text
    client.cookies.clear()
    ours = (await client.get(f"/t/{people.slug}/sign-in")).text
    assert f"/t/{people.slug}/brand.css" in ours
    logo = re.search(r'<img class="logo" src="([^"]+)"', ours)
    assert logo
    shown = await client.get(logo[1].replace("&amp;", "&"))
    assert shown.headers["content-type"] == "image/png"
    theirs = (await client.get(f"/t/{two_tenants[1].slug}/sign-in")).text
    assert "brand.css" not in theirs
    assert 'class="logo"' not in theirs


async def test_an_earlier_logo_is_put_back(admin: httpx.AsyncClient, people: People) -> None:
    address = f"/t/{people.slug}/settings/branding"
    for colour in ("#1f5fa8", "#7a1f5c"):
        files = {"logo": ("logo.png", image(colour=colour), "image/png")}
        await send(admin, address, {"colour": "", "colour_dark": ""}, files)
    before = re.search(r'<img class="logo" src="([^"]+)"', (await admin.get(address)).text)
    newest = (await admin.get(f"{address}/history")).text.split(f"{address}/history/")[1][:36]
    assert (await send(admin, f"{address}/history/{newest}", {})).status_code == 303
    after = re.search(r'<img class="logo" src="([^"]+)"', (await admin.get(address)).text)
    assert before
    assert after
    shown = await admin.get(after[1].replace("&amp;", "&"))
    assert Image.open(io.BytesIO(shown.content)).convert("RGB").getpixel((5, 5)) == (31, 95, 168)
    assert before[1] != after[1]


def test_an_image_is_drawn_anew_and_keeps_nothing_but_its_pixels() -> None:
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "<script>alert(1)</script>")
    written = io.BytesIO()
    Image.new("RGB", (960, 160), "#1f5fa8").save(written, "PNG", pnginfo=words)
    drawn = draw(written.getvalue() + b"<?php system($_GET[0]); ?>")
    assert b"script" not in drawn.content
    assert b"php" not in drawn.content
    assert (drawn.width, drawn.height) == (480, 80)
    assert drawn.width <= KEPT_SIZE[0]
    assert Image.open(io.BytesIO(drawn.content)).getpixel((10, 10)) == (31, 95, 168, 255)


def test_a_colour_that_was_saved_when_less_was_asked_of_it_is_mended() -> None:
    colours = colours_of(Branding(colour="#ffd700", colour_dark="#000000"))
    assert colours is not None
    assert not problems(Branding(colour=colours[0], colour_dark=colours[1]))


def bomb() -> bytes:
    """A small PNG that says it is 100,000 pixels wide and high."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))

    header = pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "none that we can read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "none that we can read"),
        (b"GIF89a" + b"\0" * 100, "none that we can read"),
        (image()[:200], "none that we can read"),
        (image(31, 90), "32 and 4,000"),
        (image(4001, 40), "32 and 4,000"),
        (b"\0" * (UPLOAD_LIMIT_BYTES + 1), "512 KiB"),
    ],
    ids=["nothing", "svg", "gif", "cut", "narrow", "wide", "heavy"],
)
def test_what_is_no_usable_image_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        draw(content)


def test_an_image_that_unpacks_to_gigabytes_is_refused_by_its_header() -> None:
    with pytest.raises(ValueError, match=r"none that we can read|between 32"):
        draw(bomb())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_each_kind_that_is_named_is_taken(kind: str) -> None:
    assert draw(image(kind=kind)).width == 320


async def test_the_languages_offered_are_the_only_ones_to_choose_from(
    admin: httpx.AsyncClient, app: Litestar, people: People
) -> None:
    address = f"/t/{people.slug}/settings/languages"
    answer = await send(admin, address, {"offered": ["fr", "ar"], "first": "fr"})
    assert answer.status_code == 303
    page = (await admin.get(f"/t/{people.slug}/settings?lang=en")).text
    assert '<html lang="fr"' in page
    assert 'hreflang="en"' not in page
    assert 'hreflang="ar"' in page
    arabic = await admin.get(f"/t/{people.slug}/settings?lang=ar")
    assert '<html lang="ar"' in arabic.text
    await send(admin, address, {"offered": ["en", "fr", "ar"], "first": ""})
    admin.cookies.delete("passerelle_language")
    assert '<html lang="en"' in (await admin.get(f"/t/{people.slug}/settings")).text


async def test_a_language_that_is_not_offered_cannot_come_first(
    admin: httpx.AsyncClient, people: People
) -> None:
    address = f"/t/{people.slug}/settings/languages"
    assert (await send(admin, address, {"offered": ["fr"], "first": "ar"})).status_code == 400
    assert (await send(admin, address, {"offered": [], "first": ""})).status_code == 400


async def test_only_administrators_see_previews(
    app: Litestar, client: httpx.AsyncClient, people: People
) -> None:
    await sign_in(client, app, people, "recruiter")
    for path in ("preview", "preview.css"):
        answer = await client.get(f"/t/{people.slug}/settings/branding/{path}")
        assert answer.status_code == 403
    headers = await csrf_headers(client)
    sent = await client.post(
        f"/t/{people.slug}/api/settings/branding/logo", content=image(), headers=headers
    )
    assert sent.status_code == 403
