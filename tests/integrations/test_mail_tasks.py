"""What events ask to be mailed: once, in the person's language, and later if it must be."""

import socket
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import dramatiq
import msgspec
import pytest
from dramatiq.brokers.stub import StubBroker
from redis.asyncio import Redis

import passerelle.credentials.tasks  # noqa: F401  registers the listeners
from infra.servers.mail import MailCatcher
from integrations.mail import tasks as mail_tasks
from integrations.mail.adapter import SmtpMail
from integrations.objects.adapter import StoredObjects
from passerelle.credentials import service
from passerelle.credentials.model import NewAchievement
from passerelle.kernel import actor as actors
from passerelle.kernel import tasks
from passerelle.kernel.database import Database
from passerelle.kernel.events import LISTENERS
from passerelle.kernel.http import GuardedClient
from passerelle.kernel.language import Localised
from passerelle.kernel.relay import Relay
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from tests.conftest import People

LEVEL = Localised("AI fluency, level 1", "Maîtrise de l’IA, niveau 1", "إتقان الذكاء الاصطناعي، 1")


class Post:
    """Issues credentials, and carries out what their events ask for."""

    def __init__(self, work: tasks.Work, people: People, achievement_id: UUID) -> None:
        self.work, self.people, self.achievement_id = work, people, achievement_id
        self.broker = StubBroker()
        for queue in tasks.QUEUES:
            self.broker.declare_queue(queue)

    async def issue(self) -> UUID:
        async with self.work.database.tenant(self.people.tenant_id, actors.system("tests")) as tx:
            return await service.issue(
                tx,
                person_id=self.people.learner_id,
                achievement_id=self.achievement_id,
                attempt_id=uuid4(),
            )

    async def carry_out(self, work: tasks.Work | None = None) -> None:
        work = work or self.work
        relay = Relay(work.settings, work.database, self.broker, work.valkey)
        while await relay.round():
            for queue in self.broker.queues.values():
                while not queue.empty():
                    scope, owner, event, name = dramatiq.Message.decode(queue.get()).args
                    await tasks.carry_out(work, scope, UUID(owner), UUID(event), name)


@pytest.fixture
async def post(
    mail_settings: Settings,
    database: Database,
    valkey: Redis,
    two_tenants: tuple[People, People],
    superuser: Any,
) -> AsyncIterator[Post]:
    people = two_tenants[0]
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        achievement_id = await service.save_achievement(
            tx,
            NewAchievement(
                code="level-1", name=LEVEL, description=LEVEL, criteria=LEVEL, skills=[]
            ),
        )
    await superuser.execute(
        "update member set email = $2, locale = 'ar' where person_id = $1",
        people.learner_id,
        f"{uuid4().hex}@example.org",
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
    yield Post(work, people, achievement_id)
    await http.close()


ADDRESS_OF = "select email from member where person_id = $1"
DELIVERIES = """
select done_at is not null as done, attempts from tenant_delivery where listener = $1
order by event_id desc limit 1
"""
LISTENER = next(name for name, each in LISTENERS.items() if each.handler is mail_tasks.tell_holder)


async def test_a_new_credential_is_told_once_with_the_way_to_see_it(
    post: Post, superuser: Any, catcher: MailCatcher
) -> None:
    credential_id = await post.issue()
    await post.carry_out()
    address = await superuser.fetchval(ADDRESS_OF, post.people.learner_id)
    caught = [mail for mail in catcher.messages() if mail.recipients == (address,)]
    assert len(caught) == 1
    assert LEVEL.ar in caught[0].subject
    assert f"/verify/{credential_id}" in caught[0].text
    # The same delivery once more, as after a crash between sending and noting it down.
    event = await superuser.fetchrow(
        "select tenant_id, event_id from tenant_delivery where listener = $1"
        " order by event_id desc limit 1",
        LISTENER,
    )
    await superuser.execute(
        "update tenant_delivery set done_at = null where event_id = $1", event[1]
    )
    await tasks.carry_out(post.work, "tenant", event["tenant_id"], event["event_id"], LISTENER)
    again = [mail for mail in catcher.messages() if mail.recipients == (address,)]
    assert len(again) == 1


async def test_a_mail_that_could_not_be_sent_waits_and_is_sent_later(
    post: Post, superuser: Any, catcher: MailCatcher, mail_settings: Settings
) -> None:
    await post.issue()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        away = msgspec.structs.replace(mail_settings, smtp_port=probe.getsockname()[1])
        await post.carry_out(msgspec.structs.replace(post.work, mail=SmtpMail(away)))
    address = await superuser.fetchval(ADDRESS_OF, post.people.learner_id)
    assert not [mail for mail in catcher.messages() if mail.recipients == (address,)]
    row = await superuser.fetchrow(DELIVERIES, LISTENER)
    assert (row["done"], row["attempts"]) == (False, 1)
    noted = "select state from mail_log where address = $1"
    assert await superuser.fetchval(noted, address) == "waiting"
    await superuser.execute(
        "update tenant_delivery set next_attempt_at = now() where done_at is null"
    )
    await post.carry_out()
    assert len([mail for mail in catcher.messages() if mail.recipients == (address,)]) == 1
    assert await superuser.fetchval(noted, address) == "sent"


async def test_who_has_no_address_is_not_told_and_nothing_waits(
    post: Post, superuser: Any, catcher: MailCatcher
) -> None:
    await superuser.execute(
        "update member set email = null where person_id = $1", post.people.learner_id
    )
    before = len(catcher.messages())
    await post.issue()
    await post.carry_out()
    assert len(catcher.messages()) == before
    assert (await superuser.fetchrow(DELIVERIES, LISTENER))["done"]


async def test_an_address_that_is_refused_for_good_does_not_wait_for_ever(
    post: Post, superuser: Any
) -> None:
    await superuser.execute(
        "update member set email = 'not an address' where person_id = $1", post.people.learner_id
    )
    await post.issue()
    await post.carry_out()
    assert (await superuser.fetchrow(DELIVERIES, LISTENER))["done"]
    noted = "select state, detail from mail_log where address = 'not an address'"
    assert tuple(await superuser.fetchrow(noted)) == ("refused", "the address is not one")
