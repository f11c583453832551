"""The mailed link: once, in the language of the page, to the address that was given."""

from uuid import UUID

import asyncpg
import msgspec
import pytest

from integrations.mail import sign_ups
from passerelle.kernel.database import Database, TenantRead
from passerelle.kernel.events import Event
from passerelle.kernel.language import Localised
from passerelle.kernel.ports import Message
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from passerelle.kernel.work import Work
from tenants.organisations import sign_up
from tenants.organisations.model import NewOrganisation
from tests.credentials.conftest import work as work

SCHOOL = Localised("School", "École", "المدرسة")


class Outbox:
    """A mail server, as far as the port goes."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    async def send(self, message: Message, *, for_tenant: TenantRead | None = None) -> str:
        assert for_tenant is None
        self.sent.append(message)
        return "250 taken"


@pytest.fixture
async def outbox(work: Work) -> tuple[Work, Outbox]:
    mail = Outbox()
    return msgspec.structs.replace(work, mail=mail), mail


async def asked(
    superuser: asyncpg.Connection, slug: str
) -> tuple[asyncpg.Record, Event[sign_up.SignUpAsked]]:
    row = await superuser.fetchrow("select * from sign_up where slug = $1", slug)
    event = await superuser.fetchrow(
        "select id, occurred_at from person_event where subject = $1", row["id"]
    )
    return row, Event(
        id=event["id"],
        name="organisation.sign_up_asked",
        payload=sign_up.SignUpAsked(row["id"]),
        occurred_at=event["occurred_at"],
        owner_scope="person",
        owner_id=row["person_id"],
        person_id=row["person_id"],
        actor_name="organisations.sign-up",
    )


@pytest.mark.parametrize("locale", ["en", "fr", "ar"])
async def test_the_link_is_mailed_once_and_opens_the_sign_up(
    database: Database,
    settings: Settings,
    superuser: asyncpg.Connection,
    outbox: tuple[Work, Outbox],
    locale: str,
) -> None:
    work, mail = outbox
    slug = f"mailed-{locale}"
    new = NewOrganisation(slug=slug, name=SCHOOL)
    await sign_up.ask(database, new, "head@school.example", locale)  # type: ignore[arg-type]
    row, event = await asked(superuser, slug)
    await sign_ups.mail_link(work, event)
    await sign_ups.mail_link(work, event)
    assert len(mail.sent) == 1
    message = mail.sent[0]
    assert (message.to, message.locale) == ("head@school.example", locale)
    assert SCHOOL.in_(locale) in message.subject
    assert ("Hello" in message.text) is (locale == "en")
    assert 'dir="rtl"' in message.html or locale != "ar"
    token = message.text.split("/me/organisations/")[1].split()[0]
    found = await sign_up.shown(database, Vault(settings.master_key), token)
    assert found[0] == UUID(str(row["person_id"]))
    assert "head@school.example" not in token


async def test_what_was_used_or_is_too_old_is_not_mailed(
    database: Database, superuser: asyncpg.Connection, outbox: tuple[Work, Outbox]
) -> None:
    work, mail = outbox
    await sign_up.ask(
        database, NewOrganisation(slug="too-late", name=SCHOOL), "a@school.example", "en"
    )
    row, event = await asked(superuser, "too-late")
    await superuser.execute("update sign_up set expires_at = now() where id = $1", row["id"])
    await sign_ups.mail_link(work, event)
    assert mail.sent == []
