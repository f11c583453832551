"""Connecting an LMS: what is checked, who may, and to whom a deployment belongs."""

from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar

from lms import registrations
from lms.model import NewRegistration
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from tests.conftest import People, csrf_headers, sign_in

NEW = NewRegistration(
    name="Campus",
    issuer="https://campus.example",
    client_id="client-1",
    deployment_ids=["1", "2"],
    authorization_url="https://campus.example/authorize",
    token_url="https://campus.example/token",
    jwks_url="https://campus.example/keys",
)


async def connect(database: Database, settings: Settings, people: People, **changes: Any) -> object:
    actor = actors.system("tests", people.tenant_id)
    async with database.tenant(people.tenant_id, actor) as tx:
        new = msgspec.structs.replace(NEW, **changes)
        return await registrations.connect(tx, settings, Vault(settings.master_key), new)


async def test_a_deployment_belongs_to_one_connection_of_one_organisation(
    database: Database, settings: Settings, two_tenants: tuple[People, People]
) -> None:
    region, retail = two_tenants
    registration_id = await connect(database, settings, region)
    found = await registrations.find(database.lookup, NEW.issuer, NEW.client_id, "2")
    assert (found.tenant_id, found.registration_id) == (region.tenant_id, registration_id)
    for people in (region, retail):
        with pytest.raises(registrations.LmsAlreadyConnected):
            await connect(database, settings, people)
    # A hosted LMS shares issuer and client id among organisations; its deployments tell them apart.
    theirs = await connect(database, settings, retail, deployment_ids=["3"])
    found = await registrations.find(database.lookup, NEW.issuer, NEW.client_id, "3")
    assert (found.tenant_id, found.registration_id) == (retail.tenant_id, theirs)


@pytest.mark.parametrize(
    "address",
    [
        "http://campus.example/x",
        "ftp://campus.example/x",
        "campus.example/x",
        "https://",
        "https://user:secret@campus.example/x",
        "https://campus.example/x#part",
        "https://campus.example:port/x",
        "javascript:alert(1)",
    ],
)
@pytest.mark.parametrize("field", ["authorization_url", "token_url", "jwks_url"])
async def test_an_address_that_cannot_be_used_is_named(
    database: Database,
    settings: Settings,
    two_tenants: tuple[People, People],
    field: str,
    address: str,
) -> None:
    with pytest.raises(registrations.LmsAddressInvalid) as caught:
        await connect(database, settings, two_tenants[0], client_id="other", **{field: address})
    assert caught.value.errors.keys() == {field}


async def test_an_administrator_connects_an_lms_and_a_learner_does_not(
    app: Litestar, client: httpx.AsyncClient, two_tenants: tuple[People, People]
) -> None:
    document = msgspec.to_builtins(msgspec.structs.replace(NEW, client_id="by-api"))
    address = "/t/retail/api/lms/registrations"
    await sign_in(client, app, two_tenants[1], "learner")
    headers = await csrf_headers(client)
    refused = await client.post(
        address, json={**document, "deployment_ids": ["9"]}, headers=headers
    )
    assert refused.status_code == 403
    await sign_in(client, app, two_tenants[1], "tenant_admin")
    made = await client.post(address, json={**document, "deployment_ids": ["9"]}, headers=headers)
    assert made.status_code == 201
    again = await client.post(address, json={**document, "deployment_ids": ["9"]}, headers=headers)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/lms-already-connected")
    unknown = await client.post(address, json={**document, "more": 1}, headers=headers)
    assert unknown.status_code == 400
