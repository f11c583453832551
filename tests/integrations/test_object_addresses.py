"""Addresses of objects: signed, for one reader or for anyone, and nothing that a browser runs."""

import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from litestar import Litestar

from integrations.objects.adapter import StoredObjects
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from tests.conftest import People, sign_in, sign_in_person

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
SYSTEM = actors.system("tests")
Tenants = tuple[People, People]


async def kept_in(app: Litestar, database: Database, people: People, content: bytes) -> Any:
    objects: StoredObjects = app.state.objects
    async with database.tenant(people.tenant_id, SYSTEM) as tx:
        return await objects.put(tx, f"files/{hashlib.sha256(content).hexdigest()}", content)


def moved(address: str, **changed: str) -> str:
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return f"{parts.path}?{urlencode(query | changed)}"


async def test_an_address_serves_its_reader_alone(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    region, retail = two_tenants
    stored = await kept_in(app, database, region, PNG)
    objects: StoredObjects = app.state.objects
    recruiter = await sign_in(client, app, region, "recruiter")
    read = database.tenant_reader(region.tenant_id, recruiter)
    address = objects.address(read, stored, reader=recruiter, file_name="logo é.png")
    answer = await client.get(address)
    assert answer.status_code == 200
    assert answer.content == PNG
    assert answer.headers["cache-control"].startswith("private, max-age=")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''logo%20")
    assert "sandbox" in answer.headers["content-security-policy"]
    for wrong in (
        moved(address, seal="x"),
        moved(address, until="0"),
        moved(address, until="99999999999"),
        moved(address, until="soon"),
        moved(address, name="other"),
        urlsplit(address).path,
        address.replace(region.slug, retail.slug),
    ):
        assert (await client.get(wrong)).status_code == 404, wrong
    await sign_in(client, app, region, "learner")
    assert (await client.get(address)).status_code == 404
    client.cookies.clear()
    assert (await client.get(address)).status_code == 404


async def test_what_a_public_page_shows_is_for_anyone(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    region = two_tenants[0]
    stored = await kept_in(app, database, region, PNG + b"public")
    objects: StoredObjects = app.state.objects
    read = database.tenant_reader(region.tenant_id, SYSTEM)
    answer = await client.get(objects.address(read, stored, reader=None, slug=region.slug))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "inline"
    assert answer.headers["cache-control"].startswith("public, max-age=31536000, immutable")


@pytest.mark.parametrize("content", [b"<html><script>1</script>", b"<svg onload='1'/>"])
async def test_nothing_that_a_browser_would_run_is_shown(
    client: httpx.AsyncClient,
    app: Litestar,
    database: Database,
    two_tenants: Tenants,
    content: bytes,
) -> None:
    region = two_tenants[0]
    stored = await kept_in(app, database, region, content)
    objects: StoredObjects = app.state.objects
    read = database.tenant_reader(region.tenant_id, SYSTEM)
    answer = await client.get(objects.address(read, stored, reader=None, slug=region.slug))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_persons_file_is_theirs_alone(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    objects: StoredObjects = app.state.objects
    person_id = two_tenants[0].learner_id
    async with database.person(person_id, SYSTEM) as tx:
        stored = await objects.put(tx, "exports/all", b"mine")
    actor = await sign_in_person(client, app, person_id)
    address = objects.address(database.person_reader(person_id, actor), stored, reader=actor)
    assert (await client.get(address)).content == b"mine"
    await sign_in_person(client, app, two_tenants[0].recruiter_id)
    assert (await client.get(address)).status_code == 404
    with pytest.raises(ValueError, match="never for anyone"):
        objects.address(database.person_reader(person_id, actor), stored, reader=None)
