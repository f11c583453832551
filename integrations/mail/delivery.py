"""Sending a tenant's mail once, and keeping what became of it."""

from uuid import UUID

from integrations.mail import store
from integrations.mail.model import MailSent, State
from integrations.mail.smtp import MailUnavailable, MessageRefused
from passerelle.kernel import actor as actors
from passerelle.kernel.errors import Problem
from passerelle.kernel.events import emit
from passerelle.kernel.http import AddressRefused
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.log import logger
from passerelle.kernel.ports import Message
from passerelle.kernel.work import Work

log = logger(__name__)
TASK = "mail.deliver"


async def deliver(work: Work, tenant_id: UUID, message: Message) -> None:
    """Hands the message over, unless one with its id went already; notes it in the mail log.

    Raises MailUnavailable, upon which the outbox tries again; a refusal for good is noted and
    raises nothing, since trying again would end the same.
    """
    actor = actors.system(TASK, tenant_id)
    async with work.database.tenant(tenant_id, actor) as tx:
        attempt = await store.note_attempt(
            tx,
            new_id(),
            message.message_id,
            message.kind,
            message.person_id,
            message.to,
            message.subject,
        )
    if attempt is None:
        return
    read = work.database.tenant_reader(tenant_id, actor)
    failure: Problem | None = None
    state: State = "sent"
    try:
        said = await work.mail.send(message, for_tenant=read)
    except MessageRefused as refused:
        log.warning("a mail was refused for good", message=message.message_id)
        state, said = "refused", refused.detail or ""
    except (MailUnavailable, AddressRefused) as away:
        failure, said = away, away.detail or type(away).__name__
        state = "given_up" if attempt >= work.settings.delivery_attempts else "waiting"
    async with work.database.tenant(tenant_id, actor) as tx:
        await store.settle(tx, message.message_id, state, said)
        if state == "sent":
            sent = MailSent(message.kind)
            await emit(tx, "mail.sent", sent, person_id=message.person_id)
    if failure is not None:
        raise failure
