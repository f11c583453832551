"""Mail that events ask for."""

from integrations.mail.delivery import deliver
from integrations.mail.letters import Brand, as_message
from integrations.mail.messages import CredentialReady, credential_letter, verify_url
from passerelle.credentials.model import CredentialIssued
from passerelle.credentials.notices import ISSUED
from passerelle.credentials.store import achievement, credential, organisation
from passerelle.kernel import actor as actors
from passerelle.kernel.events import Event, worker_listener
from passerelle.kernel.ports import Message
from passerelle.kernel.work import Work
from passerelle.people.notices.service import wants_mail
from tenants.model import Member
from tenants.settings.branding import mail_colour
from tenants.store import member, tenant_by_id

TASK = "mail.credential-ready"


@worker_listener("credential.issued", CredentialIssued)
async def tell_holder(work: Work, event: Event[CredentialIssued]) -> None:
    """Tells the member, by mail, that their credential is ready; who has no address is not told.

    The Message-ID comes from the event: a repeat after a crash is the same mail for every reader.
    Raises MailUnavailable, upon which the outbox tries again.
    """
    read = work.database.tenant_reader(event.tenant_id, actors.system(TASK, event.tenant_id))
    holder = await member(read, event.payload.person_id)
    if holder is None or holder.status != "active" or not holder.email:
        return
    if await wants_mail(read, holder.person_id, ISSUED) != "at_once":
        return
    message = await _message(work, event, holder)
    if message is not None:
        await deliver(work, event.tenant_id, message)


async def _message(work: Work, event: Event[CredentialIssued], holder: Member) -> Message | None:
    """The message; None where the credential was erased or revoked in the meantime."""
    tenant_id, credential_id = event.tenant_id, event.payload.credential_id
    read = work.database.tenant_reader(tenant_id, actors.system(TASK, tenant_id))
    issued = await credential(read, credential_id)
    if issued is None or issued.document is None or issued.revoked_at is not None:
        return None
    earned, issuer = await achievement(read, issued.achievement_id), await organisation(read)
    tenant = await tenant_by_id(work.database.lookup, tenant_id)
    if earned is None or issuer is None or tenant is None or not holder.email:
        return None
    public = work.settings.public_url
    ready = CredentialReady(
        name=holder.display_name,
        organisation=issuer.name.in_(holder.locale),
        achievement=earned.name.in_(holder.locale),
        verify_url=verify_url(public, credential_id),
        wallet_url=f"{public}/me/wallet",
        choose_url=f"{public}/t/{tenant.slug}/notices/choices",
    )
    return as_message(
        credential_letter(ready, holder.locale),
        to=holder.email,
        locale=holder.locale,
        message_id=f"credential-ready.{event.id}",
        kind="credential.issued",
        person_id=holder.person_id,
        brand=Brand(name=ready.organisation, colour=await mail_colour(read)),
    )
