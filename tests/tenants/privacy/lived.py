"""What makes an organisation live: done once a module, through the rooms' own services."""

from uuid import UUID

import asyncpg
import msgspec

from integrations.mail.adapter import MAIL
from integrations.mail.settings import MailSettings
from lms import keys as lms_keys
from passerelle.kernel import actor as actors
from passerelle.kernel import tasks
from passerelle.kernel.actor import Actor
from passerelle.kernel.tenant_settings import change_setting, seal_text
from tenants.audit import chaining
from tenants.service import admit
from tests.conftest import People
from tests.credentials.conftest import Earn, Worker
from tests.exams.factories import make_form
from tests.exams.sitting import Sitting
from tests.hiring.factories import move, open_requisition, stages_of
from tests.people.factories import share

OFFICER_NAME = "Nadia Bennani-Officer"
LEARNER_NAME = "Youssef El-Idrissi"
LEARNER_EMAIL = "youssef.idrissi@region.example"
SECRET = "a password of the mail server"

#: What only a later room or an outside system writes: rows by hand, with the same columns.
BY_HAND = """
insert into lti_registration (tenant_id, id, name, issuer, client_id, authorization_url, token_url,
  jwks_url) values ($1, '018f0000-0000-7000-8000-000000000001', 'LMS', 'https://lms.example', 'c',
  'https://lms.example/a', 'https://lms.example/t', 'https://lms.example/k');
insert into lti_user (tenant_id, registration_id, subject, person_id)
  values ($1, '018f0000-0000-7000-8000-000000000001', 'user-17', $2);
insert into study_progress (tenant_id, person_id, item_id, times, times_right, streak, last_choice,
  answered_at, due_at) select $1, $2, id, 2, 1, 1, 0, now(), now() from study_item
  where tenant_id = $1 limit 1;
insert into mail_log (tenant_id, id, message_id, kind, person_id, address, subject, state, attempts)
  values ($1, uuidv7(), 'm-1', 'credential.issued', $2, 'youssef.idrissi@region.example', 'Hi',
    'sent', 1);
insert into notice (tenant_id, person_id, id, kind, shown, mail)
  values ($1, $2, uuidv7(), 'credential.issued', true, 'none');
insert into invitation (tenant_id, email, name, roles, locale, invited_by, expires_at)
  values ($1, 'youssef.idrissi@region.example', 'Youssef', '{learner}', 'fr', 'x', now());
insert into member_filter (tenant_id, person_id, name, query) values ($1, $2, 'mine', 'q=x');
insert into unit (tenant_id, id, parent_id, code, name, folded)
  select $1, '018f0000-0000-7000-8000-00000000000b', id, 'north', name, 'north' from unit
  where tenant_id = $1 and parent_id is null;
insert into unit (tenant_id, id, parent_id, code, name, folded)
  select $1, '018f0000-0000-7000-8000-00000000000a', id, 'north-1', name, 'north' from unit
  where tenant_id = $1 and code = 'north';
"""


class Lived(msgspec.Struct):
    people: People
    other: People
    credential_id: UUID
    requisition_id: UUID

    @property
    def tenant_id(self) -> UUID:
        return self.people.tenant_id

    @property
    def learner_id(self) -> UUID:
        return self.people.learner_id


def officer(people: People) -> Actor:
    return Actor(
        kind="person",
        display_name=OFFICER_NAME,
        person_id=people.recruiter_id,
        tenant_id=people.tenant_id,
        tenant_slug=people.slug,
        permissions=frozenset({"privacy.manage"}),
        origin="keycloak",
    )


def owner(people: People) -> Actor:
    """An officer who owns the organisation as well."""
    return msgspec.structs.replace(
        officer(people), permissions=frozenset({"privacy.manage", "tenant.own"})
    )


_lived: dict[UUID, Lived] = {}


async def live(
    work: tasks.Work,
    earn: Earn,
    run_worker: Worker,
    two: tuple[People, People],
    superuser: asyncpg.Connection,
) -> Lived:
    people, other = two
    if people.tenant_id in _lived:
        return _lived[people.tenant_id]
    async with work.database.tenant(people.tenant_id, officer(people)) as tx:
        await admit(tx, people.learner_id, LEARNER_NAME, LEARNER_EMAIL, "fr", ["candidate"])
    await superuser.execute(
        "update person set display_name = $2, email = $3 where person_id = $1",
        people.learner_id,
        LEARNER_NAME,
        LEARNER_EMAIL,
    )
    await _exam(work, people)
    credential_id = await earn(people)
    requisition_id = await hire(work, people)
    await _settings_and_files(work, people)
    for statement in filter(str.strip, BY_HAND.split(";\n")):
        arguments = (people.tenant_id, people.learner_id)
        await superuser.execute(statement, *arguments[: 2 if "$2" in statement else 1])
    await run_worker()
    await chaining.chain(work.database, people.tenant_id)
    _lived[people.tenant_id] = Lived(people, other, credential_id, requisition_id)
    return _lived[people.tenant_id]


async def _exam(work: tasks.Work, people: People) -> None:
    async with work.database.live_exam(people.tenant_id, officer(people)) as tx:
        form = await make_form(tx)
    sitting = Sitting(work.database, people, form)
    attempt = await sitting.start()
    for item_id in form.items:
        await sitting.answer(attempt.id, item_id)
    await sitting.finish(attempt.id)


async def hire(work: tasks.Work, people: People) -> UUID:
    requisition = await open_requisition(work.database, people)
    stages = await stages_of(work.database, people, requisition)
    await share(work.database, people.learner_id, people.tenant_id)
    await move(work.database, people, requisition.id, people.learner_id, stages)
    return requisition.id


async def _settings_and_files(work: tasks.Work, people: People) -> None:
    async with work.database.tenant(people.tenant_id, officer(people)) as tx:
        await lms_keys.ensure_key(tx, work.vault)
        sealed = seal_text(work.vault, people.tenant_id, MAIL.name, "password", SECRET)
        mail = MailSettings(
            host="mail.example.org", user="u", password=sealed, from_address="a@example.org"
        )
        await change_setting(tx, MAIL, mail)
        await work.objects.put(tx, "branding/logo", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9)


SYSTEM = actors.system("tests")
