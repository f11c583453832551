"""An organisation's own mail server: guarded, tried out by a real mail, its password sealed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from icalendar import Calendar

from infra.servers.mail import MailCatcher
from integrations.mail.adapter import MAIL, SmtpMail, send_test
from integrations.mail.calendar import Appointment, cancellation, invitation
from integrations.mail.composing import compose
from integrations.mail.letters import Brand, Letter, Step, as_message
from integrations.mail.settings import MailSettings, problems
from integrations.mail.smtp import MailUnavailable, MessageRefused, hand_over
from integrations.objects.adapter import StoredObjects
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.http import AddressRefused, GuardedClient
from passerelle.kernel.language import LOCALES, Locale
from passerelle.kernel.ports import Attachment, Message
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from passerelle.kernel.tenant_settings import change_setting, seal_text
from passerelle.kernel.work import Work
from tests.conftest import People

SYSTEM = actors.system("tests")
Tenants = tuple[People, People]


class TheirServer:
    """An organisation's server: keeps what it gets, and who signed in."""

    def __init__(self) -> None:
        self.port = 0
        self.got: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.got.append(envelope)
        return "250 queued as THEIRS-1"


@pytest.fixture
async def their_server() -> AsyncIterator[TheirServer]:
    handler = TheirServer()

    def sign_in(*_: Any) -> AuthResult:
        return AuthResult(success=True)

    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, authenticator=sign_in), "127.0.0.1", 0
    )
    handler.port = server.sockets[0].getsockname()[1]
    yield handler
    server.close()


def theirs(port: int, **more: Any) -> MailSettings:
    return MailSettings(
        host="127.0.0.1",
        port=port,
        security="none",
        from_address="people@region.example",
        from_name="La Région",
        **more,
    )


def message(to: str) -> Message:
    return Message(
        to=to, subject="News", text="News", html="<p>News</p>", locale="en", message_id=to
    )


async def chosen(database: Database, people: People, value: MailSettings) -> Any:
    async with database.tenant(people.tenant_id, SYSTEM) as tx:
        await change_setting(tx, MAIL, value)
    return database.tenant_reader(people.tenant_id, SYSTEM)


async def test_mail_goes_by_the_organisations_own_server_in_its_name(
    mail_settings: Settings,
    database: Database,
    two_tenants: Tenants,
    their_server: TheirServer,
    catcher: MailCatcher,
) -> None:
    allowed = msgspec.structs.replace(
        mail_settings, allowed_private_addresses=frozenset({f"127.0.0.1:{their_server.port}"})
    )
    region, retail = two_tenants
    read = await chosen(database, region, theirs(their_server.port))
    to = f"{uuid4().hex}@example.org"
    said = await SmtpMail(allowed).send(message(to), for_tenant=read)
    assert "THEIRS-1" in said
    (envelope,) = their_server.got
    assert envelope.mail_from == "people@region.example"
    content = envelope.content
    assert isinstance(content, bytes)
    parsed = message_from_bytes(content, policy=policy.default)
    assert parsed["From"].addresses[0].display_name == "La Région"
    # Another organisation's mail goes by the operator's.
    other = database.tenant_reader(retail.tenant_id, SYSTEM)
    await SmtpMail(allowed).send(message(to), for_tenant=other)
    assert len(their_server.got) == 1
    assert [mail for mail in catcher.messages() if mail.recipients == (to,)]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.7", "169.254.169.254", "[::1]"])
async def test_a_server_on_a_private_network_is_not_spoken_to(
    mail_settings: Settings,
    database: Database,
    two_tenants: Tenants,
    their_server: TheirServer,
    host: str,
) -> None:
    value = msgspec.structs.replace(theirs(their_server.port), host=host.strip("[]"))
    read = database.tenant_reader(two_tenants[0].tenant_id, SYSTEM)
    mail = SmtpMail(mail_settings)
    server = mail.server_of(read, value)
    assert server.guarded
    with pytest.raises(AddressRefused):
        await hand_over(server, compose(message("a@b.example"), server.sender), "a@b.example")
    assert not their_server.got


async def test_a_password_is_sealed_for_its_organisation_alone(
    mail_settings: Settings, database: Database, two_tenants: Tenants
) -> None:
    region, retail = two_tenants
    vault = Vault(mail_settings.master_key)
    sealed = seal_text(vault, region.tenant_id, "mail", "password", "s3cret")
    assert "s3cret" not in sealed
    value = theirs(25, user="region", password=sealed)
    mail = SmtpMail(mail_settings)
    read = database.tenant_reader(region.tenant_id, SYSTEM)
    server = mail.server_of(read, value)
    assert server.password == "s3cret"
    assert "s3cret" not in repr(server)
    other = database.tenant_reader(retail.tenant_id, SYSTEM)
    with pytest.raises(MailUnavailable):
        mail.server_of(other, value)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (MailSettings(host="mail example"), "host"),
        (MailSettings(host="-mail.example"), "host"),
        (MailSettings(host="mail.example\r\nX", from_address="a@b.example"), "host"),
        (MailSettings(host="mail.example", port=0, from_address="a@b.example"), "port"),
        (MailSettings(host="mail.example", port=70_000, from_address="a@b.example"), "port"),
        (MailSettings(host="mail.example", from_address="nobody"), "from_address"),
        (MailSettings(host="mail.example", from_address="a@b.example", password="x"), "user"),
        (
            MailSettings(
                host="mail.example", from_address="a@b.example", user="u", security="none"
            ),
            "security",
        ),
        (MailSettings(user="somebody"), "host"),
        (MailSettings(from_name="two\r\nlines"), "from_name"),
        (MailSettings(from_name="x" * 101), "from_name"),
    ],
    ids=range(11),
)
def test_what_is_wrong_is_said_at_its_field(value: MailSettings, field: str) -> None:
    assert field in problems(value)


def test_no_server_and_a_whole_one_are_right() -> None:
    assert problems(MailSettings()) == {}
    assert problems(MailSettings(from_name="La Région")) == {}
    assert problems(MailSettings(host="mail.example", from_address="a@b.example")) == {}


async def test_the_test_sends_a_real_mail_and_says_what_the_server_said(
    mail_settings: Settings,
    database: Database,
    two_tenants: Tenants,
    superuser: Any,
    catcher: MailCatcher,
) -> None:
    people = two_tenants[1]
    to = f"{uuid4().hex}@example.org"
    set_address = "update member set email = $2, locale = 'fr' where person_id = $1"
    await superuser.execute(set_address, people.recruiter_id, to)
    actor = Actor(
        kind="person",
        display_name="Amal",
        person_id=people.recruiter_id,
        tenant_id=people.tenant_id,
    )
    work = _work(mail_settings, database)
    result = await send_test(work, actor, MailSettings())
    assert result.ok
    assert "Caught" in result.detail
    assert [mail.subject for mail in catcher.messages() if mail.recipients == (to,)] == [
        "Un essai du courriel de votre organisation"
    ]
    refused = await send_test(work, actor, theirs(25))
    assert not refused.ok
    assert "private network" in refused.detail
    await superuser.execute("update member set email = null where person_id = $1", actor.person_id)
    assert not (await send_test(work, actor, MailSettings())).ok


def _work(settings: Settings, database: Database) -> Work:
    return Work(
        settings=settings,
        database=database,
        valkey=None,  # type: ignore[arg-type]
        http=GuardedClient(settings),
        vault=Vault(settings.master_key),
        mail=SmtpMail(settings),
        objects=StoredObjects(settings),
    )


APPOINTMENT = Appointment(
    id=UUID(int=7),
    sequence=0,
    starts_at=datetime(2026, 12, 1, 9, 30, tzinfo=ZoneInfo("Africa/Casablanca")),
    ends_at=datetime(2026, 12, 1, 10, 15, tzinfo=ZoneInfo("Africa/Casablanca")),
    summary="Entretien ; accueil, مقابلة",
    description="Première ligne\nDeuxième ligne",
    location="Rabat, salle 3",
    organiser_name='La "Région"\r\n',
    organiser_email="people@region.example",
    attendees=(("Amal Bennani", "amal@example.org"),),
    stamped_at=datetime(2026, 11, 24, tzinfo=UTC),
)


def event_in(attachment: Attachment) -> Any:
    calendar = Calendar.from_ical(attachment.content)
    return calendar, calendar.walk("VEVENT")[0]


def test_an_invitation_reads_as_it_was_meant_and_a_cancellation_takes_it_back() -> None:
    calendar, event = event_in(invitation(APPOINTMENT))
    assert calendar["METHOD"] == "REQUEST"
    assert event["SUMMARY"] == APPOINTMENT.summary
    assert event["DESCRIPTION"] == APPOINTMENT.description
    assert event["DTSTART"].dt == APPOINTMENT.starts_at.astimezone(UTC)
    assert event["ORGANIZER"].params["CN"] == "La Région"
    assert max(len(line) for line in invitation(APPOINTMENT).content.split(b"\r\n")) <= 75
    later = msgspec.structs.replace(APPOINTMENT, sequence=2)
    calendar, cancelled = event_in(cancellation(later))
    assert (calendar["METHOD"], cancelled["STATUS"]) == ("CANCEL", "CANCELLED")
    assert cancelled["UID"] == event["UID"]
    assert (event["SEQUENCE"], cancelled["SEQUENCE"]) == (0, 2)


def test_an_appointment_has_a_zone_and_an_end_after_its_start() -> None:
    with pytest.raises(ValueError, match="time zone"):
        invitation(msgspec.structs.replace(APPOINTMENT, starts_at=datetime(2026, 12, 1, 9)))  # noqa: DTZ001
    with pytest.raises(ValueError, match="after it starts"):
        invitation(
            msgspec.structs.replace(
                APPOINTMENT, ends_at=APPOINTMENT.starts_at - timedelta(minutes=1)
            )
        )


def test_an_invitation_travels_as_an_alternative_and_as_a_file() -> None:
    with_file = msgspec.structs.replace(
        message("amal@example.org"), attachments=(invitation(APPOINTMENT),)
    )
    sent = message_from_bytes(
        compose(with_file, "people@region.example").as_bytes(policy=policy.SMTP),
        policy=policy.default,
    )
    calendars = [part for part in sent.walk() if part.get_content_type() == "text/calendar"]
    assert [part.get_filename() for part in calendars] == [None, "invite.ics"]
    assert calendars[0].get_param("method") == "REQUEST"
    for part in calendars:
        assert Calendar.from_ical(part.get_payload(decode=True)).walk("VEVENT")


def test_too_large_files_are_refused() -> None:
    large = Attachment(name="x", content_type="application/pdf", content=b"x" * 5_000_001)
    with pytest.raises(MessageRefused):
        compose(
            msgspec.structs.replace(message("a@b.example"), attachments=(large,)), "x@y.example"
        )


@pytest.mark.parametrize("locale", LOCALES)
def test_a_letter_says_where_to_choose_only_where_one_may(locale: Locale) -> None:
    letter = Letter(
        subject="S",
        title="<T>",
        greeting="G",
        paragraphs=("<b>P</b>",),
        steps=(Step("text", "label", "https://x.example/?a=1&b=2"),),
        because="B",
    )
    needed = as_message(letter, to="a@b.example", locale=locale, message_id="1", kind="invitation")
    assert compose(needed, "x@y.example")["List-Unsubscribe"] is None
    chosen_freely = as_message(
        msgspec.structs.replace(letter, choose_url="https://x.example/me/notices"),
        to="a@b.example",
        locale=locale,
        message_id="1",
        kind="notice",
        brand=Brand(name="Région <i>", colour="#123456"),
    )
    sent = compose(chosen_freely, "x@y.example")
    assert sent["List-Unsubscribe"] == "<https://x.example/me/notices>"
    assert "&lt;b&gt;P&lt;/b&gt;" in chosen_freely.html
    assert "Région &lt;i&gt;" in chosen_freely.html
    assert "<b>P</b>" in chosen_freely.text
    assert "https://x.example/?a=1&b=2" in chosen_freely.text
