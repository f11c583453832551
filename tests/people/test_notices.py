"""Notices: who is told, what they chose, and whose they are."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.people.notices import bar, service, store
from passerelle.people.notices.model import Choice, NoticeKind, declare
from passerelle.people.notices.service import ChoiceUnknown, notify, notify_person
from passerelle.web.language import speaking
from tests.conftest import People, csrf_headers, sign_in, sign_in_person

SYSTEM = actors.system("tests")
HTML = {"accept": "text/html"}
Tenants = tuple[People, People]
#: With the words of a kind that exists, so that they are in the catalogue.
KIND = declare(
    NoticeKind(
        name="tests.ready",
        label="A credential is ready",
        title="Your credential is ready: %(achievement)s",
        spaces=frozenset({"tenant", "person"}),
        mail="digest",
    )
)
NOW = declare(
    NoticeKind(name="tests.now", label="A test", title="The notices work", mail="at_once")
)
LEVEL = Localised("Level one", "Niveau un", "المستوى الأول")


async def told(database: Database, people: People, person_id: UUID, **more: Any) -> int:
    async with database.tenant(people.tenant_id, SYSTEM) as tx:
        return await notify(tx, person_id, KIND, {"achievement": LEVEL}, **more)


async def seen(database: Database, people: People, person_id: UUID) -> list[Any]:
    read = database.tenant_reader(people.tenant_id, SYSTEM)
    return await store.listed(read, person_id, unread=False, kind=None, before=None, limit=50)


async def member_of(database: Database, people: People) -> UUID:
    """A further member, with nothing told yet."""
    from tenants.service import admit

    person_id = new_id()
    async with database.person(person_id, SYSTEM) as person_tx:
        await person_tx.execute("insert into person (person_id) values ($1)", person_id)
    async with database.tenant(people.tenant_id, SYSTEM) as tx:
        await admit(tx, person_id, "Further", None, "en", ["learner"])
    return person_id


async def test_a_notice_is_read_in_the_readers_language(
    database: Database, two_tenants: Tenants
) -> None:
    people = two_tenants[0]
    person_id = await member_of(database, people)
    assert await told(database, people, person_id, link="/learn") == 1
    (notice,) = await seen(database, people, person_id)
    for locale, words in (("en", "Level one"), ("fr", "Niveau un"), ("ar", "المستوى الأول")):
        with speaking(locale):  # type: ignore[arg-type]
            assert words in notice.title


async def test_the_same_thing_is_told_once(database: Database, two_tenants: Tenants) -> None:
    people = two_tenants[0]
    person_id = await member_of(database, people)
    assert await told(database, people, person_id, key="one") == 1
    assert await told(database, people, person_id, key="one") == 0
    assert await told(database, people, person_id, key="two") == 1


async def test_nobody_is_told_who_is_no_active_member(
    database: Database, two_tenants: Tenants, superuser: Any
) -> None:
    region, retail = two_tenants
    stranger, left = await member_of(database, retail), await member_of(database, region)
    await superuser.execute("update member set status = 'suspended' where person_id = $1", left)
    async with database.tenant(region.tenant_id, SYSTEM) as tx:
        assert await notify(tx, [stranger, left, uuid4()], KIND, {"achievement": LEVEL}) == 0


async def test_one_tenants_notices_are_not_anothers(
    database: Database, two_tenants: Tenants
) -> None:
    region, retail = two_tenants
    person_id = await member_of(database, region)
    await told(database, region, person_id)
    assert await seen(database, retail, person_id) == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(retail.tenant_id, SYSTEM) as tx:
            await tx.execute(
                "insert into notice (tenant_id, person_id, id, kind, shown, mail)"
                " values ($1, $2, $3, 'x', true, 'none')",
                region.tenant_id,
                person_id,
                new_id(),
            )


async def test_what_a_person_chose_decides(
    database: Database, two_tenants: Tenants, superuser: Any
) -> None:
    people = two_tenants[0]
    person_id = await member_of(database, people)
    mail_of = "select shown, mail from notice where person_id = $1 order by id desc limit 1"
    for choice, expected in (
        (Choice(KIND.name, False, "none"), None),
        (Choice(KIND.name, False, "digest"), (False, "digest")),
        (Choice(KIND.name, True, "at_once"), (True, "at_once")),
    ):
        async with database.tenant(people.tenant_id, SYSTEM) as tx:
            await service.choose(tx, person_id, [choice])
        made = await told(database, people, person_id)
        assert made == (0 if expected is None else 1)
        if expected is not None:
            assert tuple(await superuser.fetchrow(mail_of, person_id)) == expected
    # The one that is not shown goes by mail alone.
    assert len(await seen(database, people, person_id)) == 1


@pytest.mark.parametrize("choice", [Choice("no.such", True, "none"), Choice(KIND.name, True, "x")])  # type: ignore[arg-type]
async def test_a_choice_that_is_none_is_refused(
    database: Database, two_tenants: Tenants, choice: Choice
) -> None:
    people = two_tenants[0]
    with pytest.raises(ChoiceUnknown):
        async with database.tenant(people.tenant_id, SYSTEM) as tx:
            await service.choose(tx, people.learner_id, [choice])


async def test_mail_at_once_goes_to_the_outbox_with_the_notice(
    database: Database, two_tenants: Tenants, superuser: Any
) -> None:
    people = two_tenants[0]
    person_id = await member_of(database, people)
    due = "select count(*) from tenant_event where name = 'notices.mail_due'"
    before = await superuser.fetchval(due)
    async with database.tenant(people.tenant_id, SYSTEM) as tx:
        await notify(tx, [person_id, people.learner_id], NOW)
    assert await superuser.fetchval(due) == before + 1, "one event for all of them"


async def test_the_days_mail_waits_for_the_day_and_goes_once(
    database: Database, two_tenants: Tenants, superuser: Any
) -> None:
    people = two_tenants[1]
    person_id = await member_of(database, people)
    await told(database, people, person_id)
    async with database.tenant(people.tenant_id, SYSTEM) as tx:
        assert await service.take_digest(tx) == 0
    await superuser.execute(
        "update notice set made_at = now() - interval '25 hours' where person_id = $1", person_id
    )
    await told(database, people, person_id)
    owners = await store.digests_due(database.lookup, timedelta(hours=24), 500)
    assert people.tenant_id in {owner.owner_id for owner in owners}
    async with database.tenant(people.tenant_id, SYSTEM) as tx:
        assert await service.take_digest(tx) == 1
        assert await service.take_digest(tx) == 0
    payload = await superuser.fetchval(
        "select payload from tenant_event where name = 'notices.digest_due'"
        " and tenant_id = $1 order by id desc limit 1",
        people.tenant_id,
    )
    assert payload.count(str(person_id)) == 1


async def page(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_the_bell_counts_and_reading_takes_away(
    client: httpx.AsyncClient,
    app: Litestar,
    database: Database,
    two_tenants: Tenants,
    valkey: Redis,
) -> None:
    region = two_tenants[0]
    actor = await sign_in(client, app, region, "recruiter")
    await bar.forget(valkey, actor)
    await told(database, region, region.recruiter_id, link="/hiring")
    home = f"/t/{region.slug}/notices"
    assert "bell-count" in await page(client, home)
    (notice,) = await seen(database, region, region.recruiter_id)
    answer = await client.post(
        home, data={"open": str(notice.id)}, headers=await csrf_headers(client) | HTML
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/t/{region.slug}/hiring")
    assert "bell-count" not in await page(client, home)
    assert "bell-count" not in await page(client, f"{home}?show=unread")


async def test_nobody_marks_or_opens_anothers_notice(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    region = two_tenants[0]
    person_id = await member_of(database, region)
    await told(database, region, person_id, link="/learn")
    (notice,) = await seen(database, region, person_id)
    await sign_in(client, app, region, "recruiter")
    home = f"/t/{region.slug}/notices"
    for data in ({"open": str(notice.id)}, {"id": str(notice.id)}, {"all": "yes"}, {"id": "x"}):
        answer = await client.post(home, data=data, headers=await csrf_headers(client) | HTML)
        assert answer.headers["location"] == home
    (unread,) = await seen(database, region, person_id)
    assert unread.read_at is None


async def test_choices_are_kept_and_shown_again(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    region = two_tenants[0]
    await sign_in(client, app, region, "learner")
    choices = f"/t/{region.slug}/notices/choices"
    answer = await client.post(
        choices,
        data={f"mail.{KIND.name}": "at_once"},
        headers=await csrf_headers(client) | HTML,
    )
    assert answer.status_code == 303
    read = database.tenant_reader(region.tenant_id, SYSTEM)
    kept = (await store.choices(read, region.learner_id))[KIND.name]
    assert (kept.shown, kept.mail) == (False, "at_once")
    assert await page(client, choices)
    wrong = await client.post(
        choices, data={f"mail.{KIND.name}": "weekly"}, headers=await csrf_headers(client) | HTML
    )
    assert wrong.status_code == 400


async def test_a_person_is_told_in_their_own_space(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    person_id = await member_of(database, two_tenants[0])
    async with database.person(person_id, SYSTEM) as tx:
        assert await notify_person(tx, KIND, {"achievement": LEVEL}, link="/me/wallet", key="a")
        assert not await notify_person(tx, KIND, {"achievement": LEVEL}, key="a")
    await sign_in_person(client, app, person_id)
    shown = await page(client, "/me/notices")
    assert "Level one" in shown
    assert "bell-count" in shown
    (notice,) = await store.listed(
        database.person_reader(person_id, SYSTEM),
        person_id,
        unread=True,
        kind=None,
        before=None,
        limit=5,
    )
    answer = await client.post(
        "/me/notices", data={"open": str(notice.id)}, headers=await csrf_headers(client) | HTML
    )
    assert answer.headers["location"] == "/me/wallet"


@pytest.mark.parametrize("link", ["//evil.example", "https://evil.example", "/\\evil", "x"])
async def test_a_link_leads_nowhere_else(
    database: Database, two_tenants: Tenants, link: str
) -> None:
    people = two_tenants[0]
    with pytest.raises(asyncpg.CheckViolationError):
        await told(database, people, people.learner_id, link=link)
