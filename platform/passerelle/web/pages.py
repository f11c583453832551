"""The style guide, which shows every component, and a page for each kind of problem."""

from collections.abc import Iterator
from typing import Any

from litestar import get

from passerelle.kernel.errors import NotFound, Problem
from passerelle.web.language import translate
from passerelle.web.page import Page
from passerelle.web.styleguide import examples


@get("/styleguide", permission="public", include_in_schema=False, sync_to_thread=False)
def styleguide() -> Page:
    """Every component in one page: for eyes, and for the tests that look at it."""
    return Page("web/styleguide.html", examples())


@get("/problems/{slug:str}", permission="public", include_in_schema=False, sync_to_thread=False)
def problem(slug: str) -> Page:
    """What a problem's type (RFC 9457, 3.1.1) means and how to mend it."""
    for kind in _kinds(Problem):
        if kind.slug() == slug:
            shown = {"title": translate(kind.title), "mend": translate(kind.mend)}
            return Page("web/problem.html", {"problem": shown})
    raise NotFound()


def _kinds(parent: type[Problem]) -> Iterator[type[Problem]]:
    yield parent
    for child in parent.__subclasses__():
        yield from _kinds(child)


handlers: list[Any] = [styleguide, problem]
