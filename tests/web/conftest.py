"""The face alone, in process and on a port."""

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from tests.browser import browser as browser
from tests.browser import serving
from tests.web.faces import make_app


@pytest.fixture(scope="session")
def face() -> Litestar:
    return make_app()


@pytest.fixture
async def asking(face: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A browser's requests, without a browser."""
    async with AsyncTestClient(face, base_url="http://localhost:8000") as client:
        client.headers["accept"] = "text/html,application/xhtml+xml"
        client.headers["accept-language"] = ""
        yield client


@pytest.fixture(scope="session")
async def address(face: Litestar) -> AsyncIterator[str]:
    async with serving(face) as served:
        yield served
