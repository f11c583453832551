"""A person's own words as safe HTML: a little Markdown, no link, no image, no HTML of theirs."""

from typing import Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

TAGS: Final = {"p", "br", "strong", "em", "ul", "ol", "li", "blockquote", "code"}
# CommonMark, but HTML in it is text, and its links and images stay as they were written.
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).disable(
    ["link", "image", "autolink", "reference", "html_block", "html_inline"]
)


def as_html(text: str) -> Markup:
    """The text with its paragraphs, lists and emphasis, and nothing else."""
    cleaned = nh3.clean(_MARKDOWN.render(text), tags=TAGS, attributes={})
    return Markup(cleaned)  # noqa: S704  nh3 has just let through those few tags alone
