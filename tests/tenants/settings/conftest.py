"""An administrator in a browser, forms as they send them, and images as they choose them."""

import io
import re
from typing import Any

import httpx
import pytest
from litestar import Litestar
from PIL import Image

from tests.conftest import People, csrf_headers, sign_in

Tenants = tuple[People, People]


@pytest.fixture
def people(two_tenants: Tenants) -> People:
    return two_tenants[0]


@pytest.fixture
async def admin(app: Litestar, client: httpx.AsyncClient, people: People) -> httpx.AsyncClient:
    await sign_in(client, app, people, "tenant_admin")
    return client


def image(width: int = 320, height: int = 90, kind: str = "PNG", colour: str = "#1f5fa8") -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(written, kind)
    return written.getvalue()


async def version_of(client: httpx.AsyncClient, address: str) -> str:
    """The version that the form of a setting holds."""
    page = (await client.get(address)).text
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found, page[:2000]
    return found[1]


async def send(
    client: httpx.AsyncClient,
    address: str,
    data: dict[str, Any],
    files: dict[str, Any] | None = None,
) -> httpx.Response:
    """Sends a form as a browser does, with the version that it shows unless one is given."""
    if "version" not in data:
        data = {**data, "version": await version_of(client, address)}
    return await client.post(address, data=data, files=files, headers=await csrf_headers(client))
