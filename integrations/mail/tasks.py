"""Mail that events ask for."""

from uuid import UUID

from integrations.mail.messages import CredentialReady, Written, credential_ready, verify_url
from integrations.mail.smtp import MessageRefused
from passerelle.credentials.model import CredentialIssued
from passerelle.credentials.store import achievement, credential, organisation
from passerelle.kernel import actor as actors
from passerelle.kernel.events import Event, worker_listener
from passerelle.kernel.log import logger
from passerelle.kernel.ports import Message
from passerelle.kernel.tasks import Work
from tenants.model import Member
from tenants.store import member

log = logger(__name__)
TASK = "mail.credential-ready"
#: A repeat of the same mail within this time is not sent: longer than the outbox tries.
SENT_KEPT_S = 14 * 24 * 3600


@worker_listener("credential.issued", CredentialIssued)
async def tell_holder(work: Work, event: Event[CredentialIssued]) -> None:
    """Tells the member, by mail, that their credential is ready; who has no address is not told.

    The Message-ID comes from the event: a repeat after a crash is the same mail for every reader.
    Raises MailUnavailable, upon which the outbox tries again.
    """
    sent = f"mail:sent:{event.id}"
    if await work.valkey.exists(sent):
        return
    read = work.database.tenant_reader(event.tenant_id, actors.system(TASK, event.tenant_id))
    holder = await member(read, event.payload.person_id)
    if holder is None or holder.status != "active" or not holder.email:
        return
    written = await _written(work, event.tenant_id, event.payload.credential_id, holder)
    if written is None:
        return
    message = Message(
        to=holder.email,
        subject=written.subject,
        text=written.text,
        html=written.html,
        locale=holder.locale,
        message_id=f"credential-ready.{event.id}",
    )
    try:
        await work.mail.send(message)
    except MessageRefused as refused:
        # The credential is in the wallet all the same; trying again would end the same.
        log.warning("a mail was refused for good", event_id=str(event.id), why=refused.detail)
    await work.valkey.set(sent, b"1", ex=SENT_KEPT_S)


async def _written(
    work: Work, tenant_id: UUID, credential_id: UUID, holder: Member
) -> Written | None:
    """The message; None where the credential was erased or revoked in the meantime."""
    read = work.database.tenant_reader(tenant_id, actors.system(TASK, tenant_id))
    issued = await credential(read, credential_id)
    if issued is None or issued.document is None or issued.revoked_at is not None:
        return None
    earned, issuer = await achievement(read, issued.achievement_id), await organisation(read)
    if earned is None or issuer is None:
        return None
    ready = CredentialReady(
        name=holder.display_name,
        organisation=issuer.name.in_(holder.locale),
        achievement=earned.name.in_(holder.locale),
        verify_url=verify_url(work.settings.public_url, credential_id),
        wallet_url=f"{work.settings.public_url}/me/wallet",
    )
    return credential_ready(ready, holder.locale)
