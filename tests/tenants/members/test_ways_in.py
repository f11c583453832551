"""Every standing that bars a member × every way in: session, API, Keycloak, an LMS, a look."""

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from integrations.keycloak import login
from integrations.keycloak.linking import add_identity
from integrations.keycloak.model import Arrival, Identity, NotAMember
from integrations.keycloak.tokens import IdToken
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Problem
from tenants.members.problems import MemberRemoved, MemberSuspended
from tenants.service import active_member, admit
from tests.tenants.members.conftest import SYSTEM, House, enter

ISSUER = "https://sign-in.example/realms/passerelle"
REFUSALS = {"suspended": MemberSuspended, "removed": MemberRemoved}


@pytest.fixture(params=["suspended", "removed"])
async def barred(
    request: pytest.FixtureRequest, superuser: asyncpg.Connection, house: House
) -> tuple[House, str]:
    await superuser.execute(
        "update member set status = $2 where person_id = $1", house.people["amina"], request.param
    )
    return house, request.param


def arrival(subject: str) -> Arrival:
    claims = msgspec.convert(
        {
            "iss": ISSUER,
            "sub": subject,
            "aud": "passerelle",
            "azp": "passerelle",
            "exp": 2**31,
            "iat": 1,
            "nonce": "n",
            "sid": "a-sign-in",
            "typ": "ID",
            "name": "Amina",
            "email": "amina@example.org",
            "email_verified": True,
        },
        IdToken,
    )
    return Arrival(issuer=ISSUER, claims=claims, id_token="")


async def test_an_open_session_ends_for_pages_and_for_the_api(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    for status in REFUSALS:
        await superuser.execute(
            "update member set status = 'active' where person_id = $1", house.people["amina"]
        )
        await enter(client, app, database, house, "amina")
        assert (await client.get(f"/t/{house.slug}/learn")).status_code == 200
        await superuser.execute(
            "update member set status = $2 where person_id = $1", house.people["amina"], status
        )
        await app.state.sessions.changed(house.tenant_id)
        answer = await client.get(
            f"/t/{house.slug}/api/requisitions", headers={"accept": "application/json"}
        )
        assert answer.status_code == 401
        client.cookies.clear()


async def test_keycloak_lets_them_into_their_own_space_and_not_into_the_organisation(
    app: Litestar, database: Database, valkey: Redis, barred: tuple[House, str]
) -> None:
    house, status = barred
    person_id, subject = house.people["amina"], f"subject-{house.slug}-{status}"
    async with database.person(person_id, SYSTEM) as tx:
        await add_identity(tx, Identity(ISSUER, subject))
    expected = {"suspended": MemberSuspended, "removed": NotAMember}[status]
    sessions = app.state.sessions
    with pytest.raises(expected):
        await login.into_tenant(database, sessions, valkey, house.tenant, arrival(subject))
    actor, _ = await login.into_person(database, sessions, valkey, arrival(subject))
    assert actor.person_id == person_id
    assert actor.attributes["verified_email"] == "amina@example.org"


async def test_a_launch_from_an_lms_admits_nobody_who_is_barred(
    database: Database, superuser: asyncpg.Connection, barred: tuple[House, str]
) -> None:
    """A launch comes in through `admit`, and again through `active_member`."""
    house, status = barred
    person_id = house.people["amina"]
    for role in ("learner", "recruiter"):
        with pytest.raises(REFUSALS[status]):
            async with database.tenant(house.tenant_id, SYSTEM) as tx:
                await admit(tx, person_id, "Amina", None, "en", [role])
    with pytest.raises(Problem):
        async with database.tenant(house.tenant_id, SYSTEM) as tx:
            await active_member(tx, person_id)
    kept = await superuser.fetchval("select status from member where person_id = $1", person_id)
    assert kept == status


async def test_nobody_looks_as_someone_who_is_barred(
    app: Litestar, client: httpx.AsyncClient, database: Database, barred: tuple[House, str]
) -> None:
    from tests.conftest import csrf_headers

    house, _ = barred
    await enter(client, app, database, house, "admin")
    looked = await client.post(
        f"/t/{house.slug}/members/{house.people['amina']}/look",
        data={"reason": "A question"},
        headers=await csrf_headers(client),
    )
    assert looked.status_code == 404
