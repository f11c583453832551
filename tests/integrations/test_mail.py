"""Mail: one message for one event, in the person's language, through a real server."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import dramatiq
import msgspec
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from dramatiq.brokers.stub import StubBroker
from redis.asyncio import Redis

import passerelle.credentials.tasks  # noqa: F401  registers the listeners
from infra.servers.mail import MailCatcher
from integrations.mail import tasks as mail_tasks
from integrations.mail.messages import CredentialReady, credential_ready
from integrations.mail.smtp import MailUnavailable, MessageRefused, SmtpMail, compose
from passerelle.credentials import service
from passerelle.credentials.model import NewAchievement
from passerelle.kernel import actor as actors
from passerelle.kernel import tasks
from passerelle.kernel.database import Database
from passerelle.kernel.events import LISTENERS
from passerelle.kernel.http import GuardedClient
from passerelle.kernel.language import LOCALES, Locale, Localised
from passerelle.kernel.ports import Message
from passerelle.kernel.relay import Relay
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from tests.conftest import People

LEVEL = Localised("AI fluency, level 1", "Maîtrise de l’IA, niveau 1", "إتقان الذكاء الاصطناعي، 1")
MESSAGE = Message(
    to="amal@example.org",
    subject="Votre attestation est prête",
    text="Bonjour",
    html="<p>Bonjour</p>",
    locale="fr",
    message_id="credential-ready.1",
)
READY = CredentialReady(
    name="<b>Amal</b> & co",
    organisation="Région",
    achievement="IA",
    verify_url="https://passerelle.example/verify/1",
    wallet_url="https://passerelle.example/me/wallet",
)


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailCatcher]:
    with MailCatcher(tmp_path_factory.mktemp("mail")) as running:
        yield running


@pytest.fixture(scope="module")
def mail_settings(settings: Settings, catcher: MailCatcher) -> Settings:
    return msgspec.structs.replace(settings, smtp_host="127.0.0.1", smtp_port=catcher.smtp_port)


def as_sent(content: EmailMessage) -> EmailMessage:
    parsed = message_from_bytes(content.as_bytes(policy=policy.SMTP), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_a_message_has_both_parts_and_says_what_it_is() -> None:
    sent = as_sent(compose(MESSAGE, "no-reply@passerelle.example"))
    assert sent["Message-ID"] == "<credential-ready.1@passerelle.example>"
    assert sent["Content-Language"] == "fr"
    assert sent["Auto-Submitted"] == "auto-generated"
    assert sent["Subject"] == MESSAGE.subject
    assert part(sent, "plain").strip() == "Bonjour"
    assert "<p>" in part(sent, "html")


@pytest.mark.parametrize(
    "to",
    [
        "",
        "nobody",
        "a@b\r\nBcc: everyone@example.org",
        "a@b, c@d",
        "A <a@b.example>",
        "a b@c.example",
        "@b.example",
        "a@" + "b" * 300,
    ],
)
def test_what_is_no_single_address_is_refused(to: str) -> None:
    with pytest.raises(MessageRefused):
        compose(msgspec.structs.replace(MESSAGE, to=to), "no-reply@passerelle.example")


def test_a_subject_can_carry_no_header() -> None:
    evil = msgspec.structs.replace(MESSAGE, subject="Hello\r\nBcc: everyone@example.org\n\nbody")
    sent = as_sent(compose(evil, "no-reply@passerelle.example"))
    assert sent["Bcc"] is None
    assert sent["Subject"] == "Hello Bcc: everyone@example.org body"


def test_a_message_has_a_largest_size() -> None:
    with pytest.raises(MessageRefused):
        compose(msgspec.structs.replace(MESSAGE, html="x" * 200_001), "no-reply@example.org")


@pytest.mark.parametrize("locale", LOCALES)
def test_the_news_of_a_credential_is_in_the_persons_language(locale: Locale) -> None:
    written = credential_ready(READY, locale)
    direction = "rtl" if locale == "ar" else "ltr"
    assert f'lang="{locale}" dir="{direction}"' in written.html
    words = {"en": "Your credential is ready", "fr": "Votre attestation", "ar": "شهادتك جاهزة"}
    assert words[locale] in written.subject
    for content in (written.text, written.html):
        assert READY.verify_url in content
        assert READY.wallet_url in content


def test_a_name_is_a_name_in_both_parts() -> None:
    written = credential_ready(READY, "en")
    assert "Hello <b>Amal</b> & co," in written.text
    assert "<b>Amal</b>" not in written.html
    assert "&lt;b&gt;Amal&lt;/b&gt; &amp; co" in written.html


async def test_a_message_arrives(mail_settings: Settings, catcher: MailCatcher) -> None:
    to = f"{uuid4().hex}@example.org"
    await SmtpMail(mail_settings).send(msgspec.structs.replace(MESSAGE, to=to))
    caught = [mail for mail in catcher.messages() if mail.recipients == (to,)]
    assert [mail.subject for mail in caught] == [MESSAGE.subject]


async def test_a_server_that_is_away_is_tried_again_later(mail_settings: Settings) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        away = msgspec.structs.replace(mail_settings, smtp_port=probe.getsockname()[1])
        with pytest.raises(MailUnavailable):
            await SmtpMail(away).send(MESSAGE)


class Refuser:
    """Answers the recipient with one reply."""

    reply = "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "554 no"


@pytest.fixture
async def refuser(mail_settings: Settings) -> AsyncIterator[tuple[Refuser, Settings]]:
    handler = Refuser()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield handler, msgspec.structs.replace(mail_settings, smtp_port=port)
    server.close()


@pytest.mark.parametrize(
    ("reply", "raised"),
    [
        ("550 no such person", MessageRefused),
        ("450 later", MailUnavailable),
        ("250 OK", MessageRefused),
    ],
)
async def test_a_refusal_for_good_and_one_for_now_are_told_apart(
    refuser: tuple[Refuser, Settings], reply: str, raised: type[Exception]
) -> None:
    handler, settings = refuser
    handler.reply = reply
    with pytest.raises(raised):
        await SmtpMail(settings).send(MESSAGE)


async def test_a_password_is_not_sent_in_the_clear(mail_settings: Settings) -> None:
    """The catcher offers no TLS: with a password set, nothing goes there."""
    with_password = msgspec.structs.replace(
        mail_settings, smtp_user="passerelle", smtp_password="secret"
    )
    with pytest.raises(MailUnavailable):
        await SmtpMail(with_password).send(MESSAGE)


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
    await superuser.execute(
        "update tenant_delivery set next_attempt_at = now() where done_at is null"
    )
    await post.carry_out()
    assert len([mail for mail in catcher.messages() if mail.recipients == (address,)]) == 1


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
