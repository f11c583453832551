"""Invitations: a link works once, for its address, in its organisation, as what it was made for."""

import base64
from datetime import timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest
from litestar import Litestar

from passerelle.kernel.actor import PERSON, Actor
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.settings import Settings
from tenants.access.sessions import COOKIE
from tenants.members import invitation_store, service
from tenants.members.invitation_model import Invitation, token_of
from tenants.members.invitations import VERIFIED_EMAIL
from tests.conftest import csrf_headers
from tests.tenants.members.conftest import SYSTEM, House, enter, events, make_house

EMAIL = "Khadija@Example.org"


async def invited(
    database: Database, house: House, roles: list[str] | None = None, **more: object
) -> Invitation:
    async with database.tenant(house.tenant_id, SYSTEM) as tx:
        return await service.invite(tx, EMAIL, roles or ["recruiter"], None, "fr", **more)  # type: ignore[arg-type]


async def person(
    client: httpx.AsyncClient, app: Litestar, database: Database, email: str | None
) -> UUID:
    """Someone in their own space, whose address the sign-in service verified (or none)."""
    person_id = new_id()
    async with database.person(person_id, SYSTEM) as tx:
        await tx.execute(
            "insert into person (person_id, display_name) values ($1, 'Khadija')", person_id
        )
    actor = Actor(
        kind="person",
        display_name="Khadija",
        person_id=person_id,
        permissions=frozenset({PERSON}),
        origin="keycloak",
        attributes={VERIFIED_EMAIL: email or ""},
    )
    header = await app.state.sessions.open(actor)
    token = header.split(";", 1)[0].split("=", 1)[1]
    client.cookies.set(COOKIE, token, domain="localhost.local", path="/me")
    return person_id


async def join(client: httpx.AsyncClient, slug: str, token: str) -> httpx.Response:
    return await client.post(f"/me/join/{slug}/{token}", headers=await csrf_headers(client))


async def grants_of(superuser: asyncpg.Connection, person_id: UUID) -> list[tuple[str, str]]:
    rows = await superuser.fetch(
        "select tenant_id, role from member_role where person_id = $1 order by role", person_id
    )
    return [(str(row["tenant_id"]), row["role"]) for row in rows]


async def test_the_invited_person_joins_once_with_the_invited_roles(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    settings: Settings,
    house: House,
) -> None:
    held = await invited(database, house, ["recruiter", "learner"])
    token = token_of(settings, house.tenant_id, held)
    public = await client.get(f"/t/{house.slug}/join/{token}")
    assert public.status_code == 200
    assert "Recruiter" in public.text
    assert "K…@Example.org" in public.text
    assert EMAIL not in public.text
    assert public.headers["referrer-policy"] == "no-referrer"
    led = await client.get(f"/me/join/{house.slug}/{token}", headers={"accept": "text/html"})
    assert led.status_code == 303
    assert led.headers["location"].startswith("/me/sign-in?next=%2Fme%2Fjoin%2F")
    person_id = await person(client, app, database, "khadija@example.org")
    asked = await client.get(f"/me/join/{house.slug}/{token}")
    assert "You are signed in as khadija@example.org" in asked.text
    joined = await join(client, house.slug, token)
    assert joined.status_code == 303
    tenant = str(house.tenant_id)
    assert await grants_of(superuser, person_id) == [(tenant, "learner"), (tenant, "recruiter")]
    assert len(await events(superuser, house, "member.joined")) == 1
    again = await join(client, house.slug, token)
    assert again.status_code == 410
    assert "used already" in again.text
    assert len(await events(superuser, house, "member.joined")) == 1


@pytest.mark.parametrize("email", ["other@example.org", "", None, "khadija@example.org.evil.test"])
async def test_a_link_in_other_hands_makes_nobody_a_member_and_is_on_record(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    settings: Settings,
    house: House,
    email: str | None,
) -> None:
    token = token_of(settings, house.tenant_id, await invited(database, house))
    person_id = await person(client, app, database, email)
    asked = await client.get(f"/me/join/{house.slug}/{token}")
    assert "This invitation is for another address" in asked.text
    refused = await join(client, house.slug, token)
    assert refused.status_code == 403
    assert "for another address" in refused.text
    assert await grants_of(superuser, person_id) == []
    assert len(await events(superuser, house, "invitation.refused")) == 1


async def test_a_tampered_link_is_as_unknown_as_none(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    settings: Settings,
    house: House,
) -> None:
    """Another organisation, address, role, unit or version; another key; no key at all; noise."""
    other = await make_house(database, f"other-{house.slug[-6:]}")
    held = await invited(database, house)
    token = token_of(settings, house.tenant_id, held)
    person_id = await person(client, app, database, "khadija@example.org")
    raw = base64.urlsafe_b64decode(token)
    flipped = [
        base64.urlsafe_b64encode(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]).decode()
        for at in (0, 15, 16, 30, 47)
    ]
    unsigned = base64.urlsafe_b64encode(held.id.bytes + bytes(32)).decode()
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    forged = [*flipped, unsigned, f"{header}.{held.id}.", "x" * 64, "x", "%00", token + "A"]
    for each in forged:
        refused = await join(client, house.slug, each)
        assert refused.status_code in (400, 404), each
        if len(each) == 64:
            assert "This invitation is not valid" in refused.text
    elsewhere = await join(client, other.slug, token)
    assert elsewhere.status_code == 404
    for change in (
        "email = 'khadija@evil.test'",
        "roles = '{owner}'",
        "version = version + 1",
        "unit_id = (select id from unit where unit.tenant_id = invitation.tenant_id limit 1)",
    ):
        await superuser.execute(f"update invitation set {change} where id = $1", held.id)
        assert (await join(client, house.slug, token)).status_code == 404, change
        await superuser.execute("delete from invitation where id = $1", held.id)
        held = await invited(database, house)
        token = token_of(settings, house.tenant_id, held)
    assert await grants_of(superuser, person_id) == []


async def test_the_row_of_one_organisation_serves_no_other(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    settings: Settings,
    house: House,
) -> None:
    """Copied whole, id and all, by whoever could write into the other organisation."""
    other = await make_house(database, f"copy-{house.slug[-6:]}")
    held = await invited(database, house)
    await superuser.execute(
        "insert into invitation (tenant_id, id, email, roles, locale, invited_by, expires_at)"
        " select $2, id, email, roles, locale, invited_by, expires_at"
        " from invitation where id = $1",
        held.id,
        other.tenant_id,
    )
    await person(client, app, database, "khadija@example.org")
    token = token_of(settings, house.tenant_id, held)
    assert (await join(client, other.slug, token)).status_code == 404


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("expires_at = now() - interval '1 second'", "expired"),
        ("withdrawn_at = now()", "withdrawn"),
    ],
)
async def test_an_expired_or_withdrawn_link_says_so(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    settings: Settings,
    house: House,
    change: str,
    words: str,
) -> None:
    held = await invited(database, house)
    token = token_of(settings, house.tenant_id, held)
    await superuser.execute(f"update invitation set {change} where id = $1", held.id)
    person_id = await person(client, app, database, "khadija@example.org")
    for answer in (
        await client.get(f"/t/{house.slug}/join/{token}"),
        await join(client, house.slug, token),
    ):
        assert answer.status_code == 410
        assert words in answer.text
    assert await grants_of(superuser, person_id) == []


async def test_sending_again_makes_the_older_link_worthless(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    settings: Settings,
    house: House,
) -> None:
    held = await invited(database, house)
    older = token_of(settings, house.tenant_id, held)
    await enter(client, app, database, house, "admin")
    sent = await client.post(
        f"/t/{house.slug}/members/invitations/{held.id}/again", headers=await csrf_headers(client)
    )
    assert sent.status_code == 303
    read = database.tenant_reader(house.tenant_id, SYSTEM)
    newer = await invitation_store.invitation(read, held.id)
    assert newer is not None
    assert newer.expires_at > held.expires_at - timedelta(seconds=1)
    await person(client, app, database, "khadija@example.org")
    assert (await join(client, house.slug, older)).status_code == 404
    token = token_of(settings, house.tenant_id, newer)
    assert (await join(client, house.slug, token)).status_code == 303


async def test_a_suspended_member_is_not_let_in_by_an_invitation(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    settings: Settings,
    house: House,
) -> None:
    held = await invited(database, house)
    token = token_of(settings, house.tenant_id, held)
    person_id = await person(client, app, database, "khadija@example.org")
    await superuser.execute(
        "insert into member (tenant_id, person_id, display_name, locale, status)"
        " values ($1, $2, 'Khadija', 'fr', 'suspended')",
        house.tenant_id,
        person_id,
    )
    refused = await join(client, house.slug, token)
    assert refused.status_code == 403
    assert "suspended" in refused.text
    await superuser.execute("update member set status = 'removed' where person_id = $1", person_id)
    assert (await join(client, house.slug, token)).status_code == 303
    assert (
        await superuser.fetchval("select status from member where person_id = $1", person_id)
        == "active"
    )


async def test_an_invitation_does_not_bring_together_what_is_kept_apart(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    settings: Settings,
    house: House,
) -> None:
    held = await invited(database, house, ["assessor"])
    person_id = await person(client, app, database, "khadija@example.org")
    async with database.tenant(house.tenant_id, SYSTEM) as tx:
        from tenants.service import admit

        await admit(tx, person_id, "Khadija", None, "fr", ["learner"])
    refused = await join(client, house.slug, token_of(settings, house.tenant_id, held))
    assert refused.status_code == 409
    assert [role for _, role in await grants_of(superuser, person_id)] == ["learner"]
