"""What kind of thing some bytes are: found by looking at them, never by what was claimed."""

import re
from typing import Final

import puremagic

#: How many of the first bytes are looked at.
LOOKED_AT_BYTES: Final = 8_192
UNKNOWN: Final = "application/octet-stream"
TEXT: Final = "text/plain"

#: What a browser shows in its own window; anything else is offered as a file to be kept.
SHOWN: Final = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", TEXT}
)
# A browser runs what looks like one of these, whatever comes before it.
_MARKUP: Final = re.compile(
    rb"<\s*(!doctype|html|svg|script|head|body|iframe|\?xml)", re.IGNORECASE
)
_MARKUP_KINDS: Final = {b"svg": "image/svg+xml", b"?xml": "application/xml"}
_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0e-\x1f]")


def content_type_of(start: bytes) -> str:
    """The content type (RFC 6838) that the first bytes show; `application/octet-stream` if none."""
    start = start[:LOOKED_AT_BYTES]
    if not start:
        return TEXT
    markup = _MARKUP.search(start)
    found = _by_signature(start)
    # Signatures stand at the very start; markup may hide behind blanks, comments or other text.
    if markup is not None and (found == UNKNOWN or found.startswith("text/")):
        return _MARKUP_KINDS.get(markup[1].lower(), "text/html")
    if found != UNKNOWN:
        return found
    return TEXT if _is_text(start) else UNKNOWN


def _by_signature(start: bytes) -> str:
    try:
        found = str(puremagic.from_string(start, mime=True))
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    return found if re.fullmatch(r"[a-z]+/[a-z0-9.+-]{1,100}", found) else UNKNOWN


def _is_text(start: bytes) -> bool:
    if _CONTROLS.search(start):
        return False
    try:
        start.decode()
    except UnicodeDecodeError as error:
        # A character may be cut where the look ends.
        return error.start >= len(start) - 3 and len(start) == LOOKED_AT_BYTES
    return True
