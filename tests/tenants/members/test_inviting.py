"""Who may invite whom, as what and where; lists that are pasted; the invitations on screen."""

import asyncpg
import httpx
import pytest
from litestar import Litestar

from passerelle.kernel.database import Database
from passerelle.kernel.errors import Invalid
from passerelle.kernel.settings import Settings
from tenants.members import invitation_store, invitations, service
from tenants.members.invitation_model import token_of
from tests.conftest import csrf_headers
from tests.tenants.members.conftest import SYSTEM, House, actor_of, enter
from tests.tenants.members.test_invitations import EMAIL, invited, join, person


async def test_an_invitation_is_sent_ten_times_at_most(database: Database, house: House) -> None:
    held = await invited(database, house)
    actor = await actor_of(database, house, "admin")
    for _ in range(9):
        async with database.tenant(house.tenant_id, actor) as tx:
            await invitations.send_again(tx, held.id)
    with pytest.raises(invitations.SendsUsedUp):
        async with database.tenant(house.tenant_id, actor) as tx:
            await invitations.send_again(tx, held.id)


async def test_a_second_invitation_of_an_address_replaces_the_first(
    database: Database, settings: Settings, house: House
) -> None:
    first = await invited(database, house)
    second = await invited(database, house, ["learner"])
    assert (first.id, first.version + 1) == (second.id, second.version)
    assert token_of(settings, house.tenant_id, first) != token_of(settings, house.tenant_id, second)


async def test_inviting_an_address_anew_mails_it_no_more_often_than_sending_again(
    database: Database, house: House
) -> None:
    for _ in range(10):
        await invited(database, house)
    with pytest.raises(Invalid) as refused:
        await invited(database, house)
    assert refused.value.errors == {"email": invitations.SendsUsedUp.title}


async def test_a_units_manager_replaces_no_invitation_of_elsewhere(
    database: Database, house: House
) -> None:
    held = await invited(database, house)
    manager = await actor_of(database, house, "manager")
    with pytest.raises(Invalid) as refused:
        async with database.tenant(house.tenant_id, manager) as tx:
            north = house.units["north"]
            await service.invite(tx, EMAIL, ["learner"], north, "en", only_in_unit=True)
    assert refused.value.errors == {"email": invitations.INVITED_ELSEWHERE}
    read = database.tenant_reader(house.tenant_id, SYSTEM)
    after = await invitation_store.invitation(read, held.id)
    assert after is not None
    assert (after.version, after.roles) == (held.version, held.roles)


@pytest.mark.parametrize(
    ("who", "roles", "unit", "field"),
    [
        ("admin", ["owner"], None, "roles"),
        ("admin", ["assessor", "learning_manager"], None, "roles"),
        ("admin", ["nobody"], None, "roles"),
        ("admin", [], None, "roles"),
        ("manager", ["learner"], "south", "unit"),
        ("manager", ["learner"], None, "unit"),
        ("trainer", ["recruiter"], None, "roles"),
    ],
)
async def test_nobody_invites_beyond_what_they_may_give(
    database: Database, house: House, who: str, roles: list[str], unit: str | None, field: str
) -> None:
    actor = await actor_of(database, house, who)
    unit_id = house.units[unit] if unit else None
    with pytest.raises(Invalid) as refused:
        async with database.tenant(house.tenant_id, actor) as tx:
            await service.invite(tx, "a@example.org", roles, unit_id, "en")
    assert field in refused.value.errors


@pytest.mark.parametrize(
    "email",
    ["", "a", "a@b", "a b@example.org", "a@example.org\nbcc: b@example.org", "<a@example.org>"],
    ids=["empty", "word", "no-dot", "space", "header", "brackets"],
)
async def test_what_is_no_address_is_not_invited(
    database: Database, house: House, email: str
) -> None:
    with pytest.raises(Invalid) as refused:
        async with database.tenant(house.tenant_id, SYSTEM) as tx:
            await service.invite(tx, email, ["learner"], None, "en")
    assert "email" in refused.value.errors


async def test_a_units_manager_invites_into_the_unit_and_the_roles_count_there(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    settings: Settings,
    house: House,
) -> None:
    await enter(client, app, database, house, "manager")
    data = {"emails": EMAIL, "roles": "learner", "unit": str(house.units["health"])}
    sent = await client.post(
        f"/t/{house.slug}/members/invite", data=data, headers=await csrf_headers(client)
    )
    assert sent.status_code == 303, sent.text
    row = await superuser.fetchrow(
        "select id, unit_id, only_in_unit from invitation where tenant_id = $1", house.tenant_id
    )
    assert (row["unit_id"], row["only_in_unit"]) == (house.units["health"], True)
    read = database.tenant_reader(house.tenant_id, SYSTEM)
    held = await invitation_store.invitation(read, row["id"])
    assert held is not None
    person_id = await person(client, app, database, "khadija@example.org")
    await join(client, house.slug, token_of(settings, house.tenant_id, held))
    granted = await superuser.fetchrow(
        "select unit_id, granted_by from member_role where person_id = $1", person_id
    )
    assert granted["unit_id"] == house.units["health"]
    assert granted["granted_by"] == "Mouna Manager"


async def test_a_pasted_list_goes_out_whole_or_not_at_all(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    await enter(client, app, database, house, "admin")

    async def paste(emails: str) -> httpx.Response:
        data = {"emails": emails, "roles": ["learner"], "language": "ar"}
        return await client.post(
            f"/t/{house.slug}/members/invite", data=data, headers=await csrf_headers(client)
        )

    count = "select count(*) from invitation where tenant_id = $1"
    wrong = await paste("a@example.org\nnot-an-address\nb@example.org")
    assert wrong.status_code == 400
    assert "not-an-address" in wrong.text
    member = await superuser.fetchval(
        "select email from member where person_id = $1", house.people["amina"]
    )
    assert "belongs to a member" in (await paste(f"a@example.org {member.upper()}")).text
    assert "at most 100" in (await paste(" ".join(f"p{n}@example.org" for n in range(101)))).text
    assert await superuser.fetchval(count, house.tenant_id) == 0
    right = await paste("a@example.org, b@example.org; A@example.org")
    assert right.status_code == 303
    assert await superuser.fetchval(count, house.tenant_id) == 2


async def test_the_invitations_are_listed_by_state_and_withdrawn(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    held = await invited(database, house)
    await enter(client, app, database, house, "admin")
    path = f"/t/{house.slug}/members/invitations"
    assert EMAIL in (await client.get(f"{path}?state=open")).text
    assert EMAIL not in (await client.get(f"{path}?state=accepted")).text
    assert EMAIL in (await client.get(f"{path}/export.csv")).text
    headers = await csrf_headers(client)
    assert (await client.post(f"{path}/{held.id}/withdraw", headers=headers)).status_code == 303
    assert EMAIL in (await client.get(f"{path}?state=withdrawn")).text
    again = await client.post(f"{path}/{held.id}/again", headers=headers)
    assert again.status_code == 410
    client.cookies.clear()
    await enter(client, app, database, house, "manager")
    assert EMAIL not in (await client.get(path)).text
    headers = await csrf_headers(client)
    foreign = await client.post(f"{path}/{held.id}/withdraw", headers=headers)
    assert foreign.status_code == 404
