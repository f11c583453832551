"""Notices by mail: each at once, or those of a day together."""

from typing import Any
from uuid import UUID

from integrations.mail.delivery import deliver
from integrations.mail.letters import Brand, Letter, Step, as_message
from passerelle.kernel import actor as actors
from passerelle.kernel.database import PersonReader, TenantReader
from passerelle.kernel.events import BULK_QUEUE, Event, worker_listener
from passerelle.kernel.ports import Message
from passerelle.kernel.tenant_settings import read_setting
from passerelle.kernel.work import Work
from passerelle.people.notices import store
from passerelle.people.notices.model import DIGEST_LINES, DigestDue, Notice, NoticesMailDue
from passerelle.people.notices.setting import NOTICES
from passerelle.people.notices.store import Contact
from passerelle.web.language import speaking, translate, translate_plural
from tenants.settings.branding import mail_colour
from tenants.store import member, tenant_by_id

TASK = "mail.notices"
#: Longer than the outbox tries.
SENT_KEPT_S = 14 * 24 * 3600


class Reader:
    """Who gets the mail, and where its links lead."""

    def __init__(self, who: Contact, email: str, *, space: str, choices: str, brand: Brand) -> None:
        self.name, self.locale, self.email = who.display_name, who.locale, email
        self.space, self.choices, self.brand = space, choices, brand

    def step(self, notice: Notice, *, titled: bool) -> Step:
        """A line of the mail, in the current language; `titled` unless its title stands above."""
        parts = (notice.title, notice.text) if titled else (notice.text,)
        text = ". ".join(part for part in parts if part)
        url = f"{self.space}{notice.link}" if notice.link else ""
        return Step(text, translate("See it"), url)


@worker_listener("notices.mail_due", NoticesMailDue)
async def mail_notices(work: Work, event: Event[NoticesMailDue]) -> None:
    """One mail for each notice. A repeat sends none twice: each has a Message-ID of its own."""
    if not await _by_mail(work, event):
        return
    read = _reader(work, event)
    for notice in await store.by_ids(read, event.payload.notice_ids):
        who = await _who(work, event, notice.person_id)
        if who is None:
            continue
        with speaking(who.locale):
            letter = _letter(who, notice.title, (who.step(notice, titled=False),))
        await _send(work, event, who, letter, f"notice.{notice.id}", "notice", notice.person_id)


@worker_listener("notices.digest_due", DigestDue, queue=BULK_QUEUE)
async def mail_digests(work: Work, event: Event[DigestDue]) -> None:
    """One mail a person with what waited since yesterday."""
    if not await _by_mail(work, event):
        return
    read = _reader(work, event)
    for person_id, ids in event.payload.notices.items():
        who = await _who(work, event, UUID(person_id))
        found = await store.by_ids(read, ids[-DIGEST_LINES:])
        if who is None or not found:
            continue
        with speaking(who.locale):
            title = translate_plural(
                "%(num)s notice since yesterday", "%(num)s notices since yesterday", len(ids)
            )
            lines = tuple(who.step(notice, titled=True) for notice in reversed(found))
            letter = _letter(who, title, lines)
        message_id = f"digest.{event.id}.{person_id}"
        await _send(work, event, who, letter, message_id, "notices.digest", UUID(person_id))


def _letter(who: Reader, title: str, lines: tuple[Step, ...]) -> Letter:
    return Letter(
        subject=title,
        title=title,
        greeting=translate("Hello %(name)s,", name=who.name),
        lines=lines,
        because=translate("You get this mail because you chose to be told by mail."),
        choose_url=who.choices,
    )


def _reader(work: Work, event: Event[Any]) -> TenantReader | PersonReader:
    if event.owner_scope == "tenant":
        return work.database.tenant_reader(event.owner_id, actors.system(TASK, event.owner_id))
    return work.database.person_reader(event.owner_id, actors.system(TASK))


async def _by_mail(work: Work, event: Event[Any]) -> bool:
    """Whether the organisation lets notices go by mail; a person's own always may."""
    read = _reader(work, event)
    return not isinstance(read, TenantReader) or (await read_setting(read, NOTICES)).by_mail


async def _who(work: Work, event: Event[Any], person_id: UUID) -> Reader | None:
    """None for who is suspended, gone, or has no address."""
    read, public = _reader(work, event), work.settings.public_url
    if isinstance(read, PersonReader):
        own = await store.contact(read)
        if own is None or not own.email:
            return None
        choices = f"{public}/me/notices/choices"
        return Reader(own, own.email, space=public, choices=choices, brand=Brand())
    found = await member(read, person_id)
    tenant = await tenant_by_id(work.database.lookup, event.owner_id)
    if found is None or found.status != "active" or not found.email or tenant is None:
        return None
    space = f"{public}/t/{tenant.slug}"
    who = Contact(found.display_name, found.email, found.locale)
    brand = Brand(name=tenant.name.in_(found.locale), colour=await mail_colour(read))
    return Reader(who, found.email, space=space, choices=f"{space}/notices/choices", brand=brand)


async def _send(
    work: Work,
    event: Event[Any],
    who: Reader,
    letter: Letter,
    message_id: str,
    kind: str,
    person_id: UUID,
) -> None:
    message: Message = as_message(
        letter,
        to=who.email,
        locale=who.locale,
        message_id=message_id,
        kind=kind,
        person_id=person_id,
        brand=who.brand,
    )
    if event.owner_scope == "tenant":
        await deliver(work, event.owner_id, message)
        return
    # A person's own has no organisation's log: a key in Valkey stands for "sent".
    sent = f"mail:sent:{message_id}"
    if not await work.valkey.exists(sent):
        await work.mail.send(message)
        await work.valkey.set(sent, b"1", ex=SENT_KEPT_S)
