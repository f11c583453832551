"""An invitation's mail: the link in it works, in the language chosen, once for each sending."""

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from infra.servers.mail import MailCatcher
from integrations.mail import invitations as mail_invitations
from integrations.mail.adapter import SmtpMail
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.events import Event
from passerelle.kernel.settings import Settings
from tenants.members import invitations, service
from tenants.members.invitation_model import Invitation, Invited, authentic
from tests.conftest import People

ADDRESS = "nadia@example.org"


def work_of(settings: Settings, database: Database) -> Any:
    return SimpleNamespace(settings=settings, database=database, mail=SmtpMail(settings))


def event_of(tenant_id: UUID, held: Invitation) -> Event[Invited]:
    return Event(
        id=held.id,
        name="member.invited",
        payload=Invited(held.id, held.roles, held.unit_id, held.version),
        occurred_at=datetime.now(UTC),
        owner_scope="tenant",
        owner_id=tenant_id,
        person_id=None,
        actor_name="tests",
    )


async def test_the_link_in_the_mail_proves_the_invitation(
    database: Database,
    mail_settings: Settings,
    catcher: MailCatcher,
    two_tenants: tuple[People, People],
) -> None:
    people = two_tenants[0]
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        held = await service.invite(tx, ADDRESS, ["recruiter"], None, "ar", name="ناديا")
    work, event = work_of(mail_settings, database), event_of(people.tenant_id, held)
    await mail_invitations.mail_invitation(work, event)
    await mail_invitations.mail_invitation(work, event)
    caught = [mail for mail in catcher.messages() if mail.recipients == (ADDRESS,)]
    assert len(caught) == 1, "the same event once more sends nothing"
    text = caught[0].text
    assert "دعوة" in caught[0].subject
    assert "ناديا" in text
    found = re.search(rf"{mail_settings.public_url}/t/{people.slug}/join/([A-Za-z0-9_-]+)", text)
    assert found
    assert authentic(mail_settings, people.tenant_id, held, found[1])


async def test_what_was_withdrawn_or_sent_again_in_the_meantime_is_not_mailed(
    database: Database,
    mail_settings: Settings,
    catcher: MailCatcher,
    two_tenants: tuple[People, People],
) -> None:
    people = two_tenants[0]
    system = actors.system("tests")
    address = "omar@example.org"
    async with database.tenant(people.tenant_id, system) as tx:
        first = await service.invite(tx, address, ["learner"], None, "fr")
        await invitations.send_again(tx, first.id)
    work = work_of(mail_settings, database)
    await mail_invitations.mail_invitation(work, event_of(people.tenant_id, first))
    async with database.tenant(people.tenant_id, system) as tx:
        await invitations.withdraw(tx, first.id)
    await mail_invitations.mail_invitation(work, event_of(people.tenant_id, first))
    assert not [mail for mail in catcher.messages() if mail.recipients == (address,)]
