"""Notices by mail: as each person chose, once, noted in the organisation's mail log."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import dramatiq
import httpx
import pytest
from dramatiq.brokers.stub import StubBroker
from litestar import Litestar
from redis.asyncio import Redis

import tenants.notices.tasks
from infra.servers.mail import MailCatcher
from integrations.mail import notice_tasks
from integrations.mail.adapter import SmtpMail
from integrations.objects.adapter import StoredObjects
from passerelle.credentials.notices import ISSUED, RECEIVED
from passerelle.kernel import actor as actors
from passerelle.kernel import tasks
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.events import emit
from passerelle.kernel.http import GuardedClient
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Localised
from passerelle.kernel.relay import Relay
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from passerelle.kernel.tenant_settings import change_setting
from passerelle.people.notices import service, store
from passerelle.people.notices.model import Choice
from passerelle.people.notices.service import notify, notify_person
from passerelle.people.notices.setting import NOTICES, NoticeSettings, send_test
from tenants.plans.model import LimitNear
from tests.conftest import People, create_people, sign_in

LISTENING = (notice_tasks, tenants.notices.tasks)
SYSTEM = actors.system("tests")
HTML = {"accept": "text/html"}
LEVEL = Localised("Level one", "Niveau un", "المستوى الأول")
NEAR = tenants.notices.tasks.LIMIT_NEAR


class House:
    """An organisation whose learner reads Arabic and has an address; and its worker."""

    def __init__(self, work: tasks.Work, people: People, address: str) -> None:
        self.work, self.people, self.address = work, people, address
        self.broker = StubBroker()
        for queue in tasks.QUEUES:
            self.broker.declare_queue(queue)

    async def carry_out(self) -> None:
        relay = Relay(self.work.settings, self.work.database, self.broker, self.work.valkey)
        while await relay.round():
            for queue in self.broker.queues.values():
                while not queue.empty():
                    scope, owner, event, name = dramatiq.Message.decode(queue.get()).args
                    await tasks.carry_out(self.work, scope, UUID(owner), UUID(event), name)

    async def tell(self, kind: Any, fills: Any) -> None:
        async with self.work.database.tenant(self.people.tenant_id, SYSTEM) as tx:
            await notify(tx, self.people.learner_id, kind, fills, link="/learn")

    async def choose(self, kind: Any, mail: Any) -> None:
        async with self.work.database.tenant(self.people.tenant_id, SYSTEM) as tx:
            await service.choose(tx, self.people.learner_id, [Choice(kind.name, True, mail)])


@pytest.fixture
async def house(
    mail_settings: Settings, database: Database, valkey: Redis, superuser: Any
) -> AsyncIterator[House]:
    people = await create_people(database, f"h{uuid4().hex[:8]}")
    address = f"{uuid4().hex}@example.org"
    await superuser.execute(
        "update member set email = $2, locale = 'ar' where person_id = $1",
        people.learner_id,
        address,
    )
    http = GuardedClient(mail_settings)
    work = tasks.Work(
        settings=mail_settings,
        database=database,
        valkey=valkey,
        http=http,
        vault=Vault(mail_settings.master_key),
        mail=SmtpMail(mail_settings),
        objects=StoredObjects(mail_settings),
    )
    yield House(work, people, address)
    await http.close()


def caught(catcher: MailCatcher, address: str) -> list[Any]:
    return [mail for mail in catcher.messages() if mail.recipients == (address,)]


async def test_a_notice_at_once_is_mailed_once_and_logged(
    house: House, catcher: MailCatcher, superuser: Any
) -> None:
    await house.tell(NEAR, {"limit": Localised("seats", "places", "المقاعد")})
    await house.carry_out()
    (mail,) = caught(catcher, house.address)
    assert "المقاعد" in mail.subject
    assert f"/t/{house.people.slug}/learn" in mail.text
    assert f"/t/{house.people.slug}/notices/choices" in mail.text
    await superuser.execute("update tenant_delivery set done_at = null, next_attempt_at = now()")
    await house.carry_out()
    assert len(caught(catcher, house.address)) == 1
    logged = "select kind, state, person_id from mail_log where address = $1"
    assert tuple(await superuser.fetchrow(logged, house.address)) == (
        "notice",
        "sent",
        house.people.learner_id,
    )


async def test_the_days_notices_are_one_mail(house: House, catcher: MailCatcher) -> None:
    await house.choose(NEAR, "digest")
    for limit in ("seats", "storage"):
        await house.tell(NEAR, {"limit": limit})
    await house.carry_out()
    assert caught(catcher, house.address) == []
    from datetime import timedelta

    async with house.work.database.tenant(house.people.tenant_id, SYSTEM) as tx:
        assert await service.take_digest(tx, after=timedelta()) == 1
    await house.carry_out()
    (mail,) = caught(catcher, house.address)
    assert "إشعاران" in mail.subject
    assert "seats" in mail.text
    assert "storage" in mail.text


async def test_an_organisation_may_keep_notices_out_of_the_mail(
    house: House, catcher: MailCatcher, database: Database
) -> None:
    async with database.tenant(house.people.tenant_id, SYSTEM) as tx:
        await change_setting(tx, NOTICES, NoticeSettings(by_mail=False))
    await house.tell(NEAR, {"limit": "seats"})
    await house.carry_out()
    assert caught(catcher, house.address) == []


async def test_a_person_is_mailed_in_their_own_space(
    house: House, catcher: MailCatcher, superuser: Any, database: Database
) -> None:
    person_id, address = house.people.recruiter_id, f"{uuid4().hex}@example.org"
    await superuser.execute(
        "update person set email = $2, locale = 'fr' where person_id = $1", person_id, address
    )
    async with database.person(person_id, SYSTEM) as tx:
        await service.choose(tx, person_id, [Choice(RECEIVED.name, True, "at_once")])
        await notify_person(tx, RECEIVED, {"achievement": LEVEL}, link="/me/wallet")
    await house.carry_out()
    (mail,) = caught(catcher, address)
    assert "Niveau un" in mail.subject
    assert "/me/wallet" in mail.text
    await superuser.execute("update person_delivery set done_at = null, next_attempt_at = now()")
    await house.carry_out()
    assert len(caught(catcher, address)) == 1


async def test_administrators_are_told_of_a_limit_once_a_day(
    house: House, database: Database
) -> None:
    from tenants.service import admit

    admin_id = new_id()
    async with database.person(admin_id, SYSTEM) as person_tx:
        await person_tx.execute("insert into person (person_id) values ($1)", admin_id)
    async with database.tenant(house.people.tenant_id, SYSTEM) as tx:
        await admit(tx, admin_id, "Admin", None, "en", ["tenant_admin"])
        for used in (90, 91):
            await emit(tx, "limit.near", LimitNear("seats", used, 100))
    await house.carry_out()
    read = database.tenant_reader(house.people.tenant_id, SYSTEM)

    async def told(person_id: UUID) -> list[str]:
        found = await store.listed(read, person_id, unread=False, kind=None, before=None, limit=9)
        return [notice.kind for notice in found]

    assert await told(admin_id) == ["limit.near"]
    assert await told(house.people.learner_id) == []


async def test_the_test_of_the_notices_says_whether_one_arrived(
    house: House, database: Database
) -> None:
    actor = Actor(
        kind="person",
        display_name="Amal",
        person_id=house.people.recruiter_id,
        tenant_id=house.people.tenant_id,
    )
    assert (await send_test(house.work, actor, NoticeSettings())).ok
    async with database.tenant(house.people.tenant_id, SYSTEM) as tx:
        choice = Choice("notices.test", False, "none")
        await service.choose(tx, house.people.recruiter_id, [choice])
    assert not (await send_test(house.work, actor, NoticeSettings())).ok


async def test_the_log_is_the_administrators_and_of_one_organisation(
    client: httpx.AsyncClient,
    app: Litestar,
    house: House,
    two_tenants: tuple[People, People],
) -> None:
    await house.tell(NEAR, {"limit": "=cmd()"})
    await house.carry_out()
    page = f"/t/{house.people.slug}/mail"
    await sign_in(client, app, house.people, "learner")
    assert (await client.get(page, headers=HTML)).status_code == 403
    await sign_in(client, app, house.people, "tenant_admin")
    assert house.address in (await client.get(page, headers=HTML)).text
    begins = {"address": house.address[:8].upper(), "status": "sent", "kind": "notice"}
    assert house.address in (await client.get(page, params=begins, headers=HTML)).text
    for other in ({"address": "nobody"}, {"status": "refused"}, {"kind": "mail.test"}):
        assert house.address not in (await client.get(page, params=other, headers=HTML)).text
    export = await client.get(f"{page}.csv", params={"status": "no such"})
    assert house.address in export.text
    await sign_in(client, app, two_tenants[0], "tenant_admin")
    other_log = await client.get(f"/t/{two_tenants[0].slug}/mail", headers=HTML)
    assert house.address not in other_log.text


async def test_a_credentials_mail_is_the_persons_to_refuse(
    house: House, database: Database
) -> None:
    read = database.tenant_reader(house.people.tenant_id, SYSTEM)
    assert await service.wants_mail(read, house.people.learner_id, ISSUED) == "at_once"
    await house.choose(ISSUED, "none")
    assert await service.wants_mail(read, house.people.learner_id, ISSUED) == "none"
