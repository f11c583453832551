"""Images that an organisation sends: drawn anew from their pixels, so that nothing else is kept.

What is stored was encoded by us: no words, places or programs hidden in a file survive, nor what
another reader would take for something else. Drawings in SVG can hold scripts and are not taken.
"""

import asyncio
import hashlib
import io
import warnings
from typing import Final

import msgspec
from PIL import Image, UnidentifiedImageError

from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import N_
from passerelle.kernel.ports import Objects
from tenants.settings.fields import Picture

UPLOAD_LIMIT_BYTES: Final = 512 * 1024
LEAST_PIXELS: Final = 32
MOST_PIXELS: Final = 4_000
KINDS: Final = ("PNG", "JPEG", "WEBP")
#: Twice the size at which a page shows it, for fine screens.
KEPT_SIZE: Final = (480, 160)
#: Earlier images that can be put back.
KEPT_PICTURES: Final = 20
FOLDER: Final = "branding/"

TOO_LARGE = N_("Send an image of at most 512 KiB")
NOT_AN_IMAGE = N_("Send a PNG, JPEG or WebP image: this file is none that we can read")
WRONG_SIZE = N_("Send an image between 32 and 4,000 pixels a side")


class Drawn(msgspec.Struct, frozen=True):
    """PNG, and its size in pixels."""

    content: bytes
    width: int
    height: int


async def keep(tx: TenantTransaction, objects: Objects, field: str, content: bytes) -> Picture:
    """Draws the image anew and keeps it; the oldest beyond KEPT_PICTURES goes. Raises Invalid."""
    try:
        drawn = await asyncio.to_thread(draw, content)
    except ValueError as error:
        raise Invalid(errors={field: str(error)}) from None
    name = FOLDER + hashlib.sha256(drawn.content).hexdigest()
    if await objects.find(tx, name) is None:
        earlier = await objects.list(tx, FOLDER, limit=KEPT_PICTURES + 1)
        earlier.sort(key=lambda one: one.written_at)
        for one in earlier[: max(0, len(earlier) + 1 - KEPT_PICTURES)]:
            await objects.delete(tx, one.name)
        await objects.put(tx, name, drawn.content, kinds=frozenset({"image/png"}))
    return Picture(name, drawn.width, drawn.height)


def draw(content: bytes) -> Drawn:
    """The image within KEPT_SIZE, as PNG. Raises ValueError, saying what is wrong."""
    if len(content) > UPLOAD_LIMIT_BYTES:
        raise ValueError(TOO_LARGE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(content), formats=KINDS) as image:
                # The size stands in the header: nothing is unpacked before it is known.
                if not all(LEAST_PIXELS <= side <= MOST_PIXELS for side in image.size):
                    raise ValueError(WRONG_SIZE)
                drawn = image.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, Warning, Image.DecompressionBombError):
        raise ValueError(NOT_AN_IMAGE) from None
    drawn.thumbnail(KEPT_SIZE, Image.Resampling.LANCZOS)
    written = io.BytesIO()
    drawn.save(written, "PNG", optimize=True)
    return Drawn(written.getvalue(), *drawn.size)
