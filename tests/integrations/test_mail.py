"""Mail: one message for one event, in the person's language, through a real server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import uuid4

import msgspec
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

import passerelle.credentials.tasks  # noqa: F401  registers the listeners
from infra.servers.mail import MailCatcher
from integrations.mail.adapter import SmtpMail
from integrations.mail.composing import compose
from integrations.mail.messages import CredentialReady, credential_ready
from integrations.mail.smtp import MailUnavailable, MessageRefused
from passerelle.kernel.language import LOCALES, Locale
from passerelle.kernel.ports import Message
from passerelle.kernel.settings import Settings

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
