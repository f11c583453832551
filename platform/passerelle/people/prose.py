"""What people write: cleaned to be kept, and as safe HTML to be shown.

A little Markdown is taken; no link, no image, no HTML of theirs.
"""

import re
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

TAGS: Final = {"p", "br", "strong", "em", "ul", "ol", "li", "blockquote", "code"}
# CommonMark, but HTML in it is text, and its links and images stay as they were written.
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).disable(
    ["link", "image", "autolink", "reference", "html_block", "html_inline"]
)

# What no keyboard types and PostgreSQL doesn't keep (U+0000); tabs and line ends stay.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def cleaned(text: str) -> str:
    """The text without control characters, and without blanks at its ends."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n")).strip()


def as_html(text: str) -> Markup:
    """The text with its paragraphs, lists and emphasis, and nothing else."""
    cleaned = nh3.clean(_MARKDOWN.render(text), tags=TAGS, attributes={})
    return Markup(cleaned)  # noqa: S704  nh3 has just let through those few tags alone
