"""Learners whom an LMS launched, and accounts of persons' own."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar

from integrations.keycloak import store
from integrations.keycloak.administration import Administration, NewAccount
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from tenants.access.roles import permissions_of
from tenants.access.sessions import COOKIE, Sessions
from tenants.service import admit
from tests.integrations.conftest import PASSWORD, House

Browsers = Callable[[], httpx.AsyncClient]


class Learner(msgspec.Struct):
    """Someone whom an LMS launched, in the browser of their frame."""

    actor: Actor
    session_id: str
    client: httpx.AsyncClient


@pytest.fixture
async def launched(
    served: Litestar, database: Database, house: House, person_browser: Browsers
) -> Callable[[], Any]:
    async def launch(frame_origin: str = "") -> Learner:
        tenant_id, slug = house.region
        person_id, system = new_id(), actors.system("tests")
        async with database.person(person_id, system) as person_tx:
            await store.insert_person(person_tx, "", None, "fr")
        async with database.tenant(tenant_id, system) as tx:
            await admit(tx, person_id, "Salma Bennis", None, "fr", ["learner"])
        actor = Actor(
            kind="person",
            display_name="Salma Bennis",
            person_id=person_id,
            tenant_id=tenant_id,
            tenant_slug=slug,
            tenant_name=Localised("Région", "Région", "Région"),
            permissions=permissions_of(["learner"]),
            locale="fr",
            origin="lti",
            attributes={"frame_origin": frame_origin} if frame_origin else {},
        )
        sessions: Sessions = served.state.sessions
        token = (await sessions.open(actor)).split(";", 1)[0].split("=", 1)[1]
        found = await sessions.find(token)
        assert found is not None
        assert found.session_id is not None
        client = person_browser()
        client.cookies.set(COOKIE, token, domain="localhost.local", path=f"/t/{slug}")
        return Learner(actor, found.session_id, client)

    return launch


@pytest.fixture
async def own_account(administration: Administration) -> Callable[[], Any]:
    async def create() -> tuple[str, str]:
        email = f"{new_id().hex[-12:]}@home.example"
        account = await administration.ensure_account(
            NewAccount(
                email=email,
                first_name="Salma",
                last_name="Bennis",
                locale="fr",
                password=PASSWORD,
            )
        )
        return email, account.subject

    return create
