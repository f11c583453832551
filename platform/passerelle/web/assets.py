"""The built front end: `asset("app.css")` is the address of the built file, its hash in its name.

`make setup` builds `frontend/` into `static/built/` and writes `manifest.json` there.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from litestar import Router
from litestar.datastructures import CacheControlHeader
from litestar.static_files import create_static_files_router

BUILT: Final = Path(__file__).parent / "static" / "built"
ADDRESS: Final = "/static"
#: A name never changes its content, so a browser never asks twice.
IMMUTABLE: Final = CacheControlHeader(max_age=365 * 24 * 3600, public=True, immutable=True)


class FrontEndMissing(Exception):
    """The front end has not been built, or lacks a file that a template names."""


@lru_cache(maxsize=1)
def manifest() -> dict[str, str]:
    """Source name → built name. Raises FrontEndMissing, saying how to mend it."""
    path = BUILT / "manifest.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        raise FrontEndMissing("The front end is not built. Run `make setup`.") from None
    except msgspec.DecodeError as error:
        raise FrontEndMissing(f"{path} can't be read ({error}). Run `make setup`.") from error


def asset(name: str) -> str:
    """The address of a built file. Raises FrontEndMissing for a name the build didn't make."""
    try:
        return f"{ADDRESS}/{manifest()[name]}"
    except KeyError:
        raise FrontEndMissing(f"The front end has no {name!r}. Run `make setup`.") from None


def static_router() -> Router:
    """Serves the built files, public, to be kept for a year."""
    BUILT.mkdir(parents=True, exist_ok=True)
    return create_static_files_router(
        path=ADDRESS,
        directories=[BUILT],
        cache_control=IMMUTABLE,
        opt={"permission": "public", "exclude_from_csrf": True},
        include_in_schema=False,
    )
