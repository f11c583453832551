"""The pages of members: what they show and do, and what they refuse."""

import re
from collections.abc import Mapping
from uuid import uuid4

import asyncpg
import httpx
import pytest
from litestar import Litestar

from passerelle.kernel.database import Database
from tests.conftest import csrf_headers
from tests.tenants.members.conftest import House, enter, events


async def page(client: httpx.AsyncClient, house: House, path: str) -> httpx.Response:
    return await client.get(f"/t/{house.slug}{path}", headers={"accept": "text/html"})


async def send(
    client: httpx.AsyncClient, house: House, path: str, data: Mapping[str, object]
) -> httpx.Response:
    return await client.post(
        f"/t/{house.slug}{path}", data=data, headers=await csrf_headers(client)
    )


@pytest.mark.parametrize(
    "path",
    [
        "/members",
        "/members?q=elan+ben&role=learner&status=active&language=en&sort=newest",
        "/members?unit=not-a-unit&status=nonsense&after=01980000-0000-7000-8000-000000000000",
        "/members/{amina}",
        "/members/{amina}?day=2030-01-01",
        "/members/{amina}/look",
        "/members/roles",
        "/members/roles/owner",
        "/members/role?copy=recruiter",
        "/members/invitations",
        "/members/invitations?state=open&q=x",
        "/members/invite",
        "/members/import",
        "/members/actions?person={amina}",
        "/members/actions?every=yes&q=amina",
    ],
)
async def test_each_page_opens_for_an_administrator(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House, path: str
) -> None:
    await enter(client, app, database, house, "admin")
    answer = await page(client, house, path.format(amina=house.people["amina"]))
    assert answer.status_code == 200, answer.text


async def test_the_search_finds_words_in_any_spelling_and_part_of_an_address(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "admin")
    for text in ("elan", "ÉLAN amina", "benaissa", "amin", "amina-"):
        found = await page(client, house, f"/members?q={text}")
        assert "Amina Élan-Benaïssa" in found.text, text
        assert "Bilal" not in found.text
    nobody = await page(client, house, "/members?q=lan")
    assert "Nobody matches" in nobody.text


async def test_a_units_manager_sees_that_unit_alone_on_every_page(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "manager")
    listed = await page(client, house, "/members?status=all")
    assert "Amina" in listed.text
    assert "Bilal" not in listed.text
    assert "Olivia" not in listed.text
    assert "South" not in listed.text
    for who in ("bilal", "owner"):
        person_id = house.people[who]
        assert (await page(client, house, f"/members/{person_id}")).status_code == 404
        suspended = await send(
            client, house, f"/members/{person_id}", {"kind": "suspend", "reason": "x"}
        )
        assert suspended.status_code == 404
        looked = await send(client, house, f"/members/{person_id}/look", {"reason": "x"})
        assert looked.status_code == 404
    unknown = await page(client, house, f"/members/{uuid4()}")
    foreign = await page(client, house, f"/members/{house.people['bilal']}")
    for each in (unknown, foreign):
        each_text = re.sub(r"[0-9a-f-]{16,36}", "", each.text)
        assert "There is nothing here for you" in each_text
    exported = await page(client, house, "/members/export.csv?status=all")
    assert "Amina" in exported.text
    assert "Bilal" not in exported.text
    learners = await page(client, house, "/members/roles/learner")
    assert "Amina" in learners.text
    assert "Bilal" not in learners.text
    filtered = await page(client, house, f"/members?unit={house.units['south']}")
    assert "Bilal" not in filtered.text


async def test_a_member_is_suspended_and_let_in_again_from_their_page(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "admin")
    path = f"/members/{house.people['amina']}"
    without = await send(client, house, path, {"kind": "suspend"})
    assert without.status_code == 400
    assert "Say why" in without.text
    done = await send(client, house, path, {"kind": "suspend", "reason": "On leave <b>"})
    assert done.status_code == 303
    shown = await page(client, house, path)
    assert "Suspended" in shown.text
    assert "On leave &lt;b&gt;" in shown.text
    lifted = await send(client, house, path, {"kind": "reinstate"})
    assert lifted.status_code == 303
    assert "Lift the suspension" not in (await page(client, house, path)).text


async def test_the_newest_change_is_taken_back_and_an_older_one_is_not(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    await enter(client, app, database, house, "admin")
    path = f"/members/{house.people['amina']}"
    await send(client, house, path, {"kind": "remove", "reason": "Mistaken for another"})
    older = (await events(superuser, house, "member.removed"))[0]["id"]
    undone = await send(client, house, f"{path}/undo", {"event": str(older)})
    assert undone.status_code == 303
    shown = await page(client, house, path)
    assert "Learner" in shown.text
    again = await send(client, house, f"{path}/undo", {"event": str(older)})
    assert again.status_code == 404


async def test_how_a_member_stood_on_a_day_comes_with_the_event_that_proves_it(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    await enter(client, app, database, house, "admin")
    person_id = house.people["amina"]
    path = f"/members/{person_id}"
    await send(client, house, path, {"kind": "grant", "role": "recruiter"})
    await send(client, house, path, {"kind": "suspend", "reason": "Later"})
    for days, name in (
        (30, "member.admitted"),
        (20, "member.role_given"),
        (10, "member.suspended"),
    ):
        await superuser.execute(
            "update tenant_event set occurred_at = now() - $3 * interval '1 day'"
            " where person_id = $1 and name = $2",
            person_id,
            name,
            days,
        )
    day = "select (now() - $1 * interval '1 day')::date::text"
    proofs = {
        event["name"]: str(event["id"])
        for event in await superuser.fetch(
            "select name, id from tenant_event where person_id = $1", person_id
        )
    }
    for days, proof, status in (
        (5, "member.suspended", "Suspended"),
        (15, "member.role_given", "Recruiter"),
        (25, "member.admitted", "Learner"),
    ):
        on = await superuser.fetchval(day, days)
        stood = (await page(client, house, f"{path}?day={on}")).text
        told = stood.split('id="as-of"')[1].split('id="history"')[0]
        assert proofs[proof] in told, days
        assert status in told
    before = await superuser.fetchval(day, 40)
    assert "not a member yet" in (await page(client, house, f"{path}?day={before}")).text
    assert (await page(client, house, f"{path}?day=yesterday")).status_code == 400


async def test_many_are_changed_at_once_and_who_could_not_be_is_told_by_name(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "admin")
    people = [str(house.people[who]) for who in ("amina", "bilal", "owner", "admin")]
    data = {"person": people, "kind": "grant", "role": "recruiter"}
    outcome = await send(client, house, "/members/actions", data)
    assert outcome.status_code == 200
    assert "2 members were changed" in outcome.text
    told = outcome.text.split("Not changed")[1]
    assert "Olivia Owner" in told
    assert "Adil Admin" in told
    assert "Amina" not in told


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"kind": "grant"}, "role"),
        ({"kind": "grant", "role": "emperor"}, "role"),
        ({"kind": "fly"}, "kind"),
        ({"kind": "suspend"}, "reason"),
        ({"kind": "move", "unit": "nowhere"}, "unit"),
    ],
)
async def test_an_action_that_makes_no_sense_stays_on_screen(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    house: House,
    data: dict[str, str],
    field: str,
) -> None:
    await enter(client, app, database, house, "admin")
    sent = {**data, "person": str(house.people["amina"])}
    answer = await send(client, house, "/members/actions", sent)
    assert answer.status_code == 400
    assert f'href="#field-{field}"' in answer.text


async def test_a_filter_is_kept_for_oneself_and_forgotten(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "admin")
    kept = await send(
        client, house, "/members/filters", {"name": "My suspended", "status": "suspended"}
    )
    assert kept.headers["location"].endswith("/members?status=suspended")
    shown = await page(client, house, "/members")
    assert "My suspended" in shown.text
    identifier = re.search(r"/members/filters/([0-9a-f-]{36})/forget", shown.text)
    assert identifier
    client.cookies.clear()
    await enter(client, app, database, house, "owner")
    assert "My suspended" not in (await page(client, house, "/members")).text
    await send(client, house, f"/members/filters/{identifier[1]}/forget", {})
    client.cookies.clear()
    await enter(client, app, database, house, "admin")
    assert "My suspended" in (await page(client, house, "/members")).text
    await send(client, house, f"/members/filters/{identifier[1]}/forget", {})
    assert "My suspended" not in (await page(client, house, "/members")).text


async def test_an_export_is_safe_to_open_and_on_record(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    await superuser.execute(
        "update member set display_name = '=cmd()' where person_id = $1", house.people["amina"]
    )
    await enter(client, app, database, house, "admin")
    exported = await page(client, house, "/members/export.csv?role=learner")
    assert '"\'=cmd()"' in exported.text
    event = (await events(superuser, house, "members.exported"))[0]
    assert '"people": 2' in event["payload"]


@pytest.mark.parametrize("who", ["amina", "assessor"])
async def test_who_may_not_see_members_sees_none(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House, who: str
) -> None:
    await enter(client, app, database, house, who)
    for path in ("/members", "/members/roles", "/members/invitations", "/members/import"):
        assert (await page(client, house, path)).status_code == 403


async def test_who_may_only_read_changes_nothing(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "trainer")
    path = f"/members/{house.people['amina']}"
    shown = await page(client, house, path)
    assert shown.status_code == 200
    assert "Suspend" not in shown.text
    refused = await send(client, house, path, {"kind": "suspend", "reason": "x"})
    assert refused.status_code == 403


async def test_a_program_reads_the_members_that_its_session_sees(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "manager")
    answer = await client.get(f"/t/{house.slug}/api/members?standing=all")
    assert {one["display_name"] for one in answer.json()["members"]} == {
        "Amina Élan-Benaïssa",
        "Mouna Manager",
    }
    bad = await client.get(f"/t/{house.slug}/api/members?after=nobody")
    assert bad.status_code == 400
