"""Mails an invitation's link to its address, in the language that was chosen for it."""

from integrations.mail.delivery import deliver
from integrations.mail.letters import Brand, Letter, Step, as_message
from passerelle.credentials.store import organisation
from passerelle.kernel import actor as actors
from passerelle.kernel.events import Event, worker_listener
from passerelle.kernel.language import N_
from passerelle.kernel.work import Work
from passerelle.web.formats import format_date
from passerelle.web.language import speaking, translate
from tenants.members import invitation_store, labels
from tenants.members.invitation_model import Invitation, Invited, token_of
from tenants.settings.branding import mail_colour
from tenants.store import tenant_by_id

TASK = "mail.invitation"
#: The link is shown to nobody but the mail: it is made here, from what the database holds and a key
#: that it doesn't.
ONCE = N_("The link works once, for this address alone, until %(day)s.")


@worker_listener("member.invited", Invited)
async def mail_invitation(work: Work, event: Event[Invited]) -> None:
    """The invitation's first mail. Raises MailUnavailable, upon which the outbox tries again."""
    await _mail(work, event)


@worker_listener("invitation.sent_again", Invited)
async def mail_invitation_again(work: Work, event: Event[Invited]) -> None:
    await _mail(work, event)


async def _mail(work: Work, event: Event[Invited]) -> None:
    """Nothing for an invitation that was taken or withdrawn, or sent again, in the meantime."""
    read = work.database.tenant_reader(event.tenant_id, actors.system(TASK, event.tenant_id))
    held = await invitation_store.invitation(read, event.payload.invitation_id)
    tenant = await tenant_by_id(work.database.lookup, event.tenant_id)
    if held is None or tenant is None or held.state != "open":
        return
    if held.version != event.payload.version:
        return
    issuer = await organisation(read)
    name = (issuer.name if issuer else tenant.name).in_(held.locale)
    token = token_of(work.settings, event.tenant_id, held)
    address = f"{work.settings.public_url}/t/{tenant.slug}/join/{token}"
    roles = await labels.role_names(read)
    message = as_message(
        letter_of(held, name, address, roles),
        to=held.email,
        locale=held.locale,
        message_id=f"invitation.{held.id}.{held.version}",
        kind="member.invited",
        brand=Brand(name=name, colour=await mail_colour(read)),
    )
    await deliver(work, event.tenant_id, message)


def letter_of(
    held: Invitation, organisation_name: str, address: str, roles: labels.RoleNames
) -> Letter:
    """The letter's words."""
    with speaking(held.locale):
        given = ", ".join(roles.name(role) for role in held.roles)
        return Letter(
            subject=translate("Invitation to %(organisation)s", organisation=organisation_name),
            title=translate("Join %(organisation)s", organisation=organisation_name),
            greeting=translate("Hello %(name)s,", name=held.name)
            if held.name
            else translate("Hello,"),
            paragraphs=(
                translate(
                    "%(name)s invites you to %(organisation)s, as: %(roles)s.",
                    name=held.invited_by,
                    organisation=organisation_name,
                    roles=given,
                ),
            ),
            steps=(
                Step(
                    translate(ONCE, day=format_date(held.expires_at)),
                    translate("See the invitation"),
                    address,
                ),
            ),
            because=translate(
                "You get this mail because someone of the organisation gave this address."
                " If it isn't for you, do nothing. Nobody reads answers to this address."
            ),
        )
