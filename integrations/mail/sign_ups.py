"""Mails the link with which an organisation that was asked for is made."""

from integrations.mail.letters import Letter, Step, as_message
from integrations.mail.smtp import MessageRefused
from passerelle.kernel import actor as actors
from passerelle.kernel.events import Event, worker_listener
from passerelle.kernel.log import logger
from passerelle.kernel.work import Work
from passerelle.web.language import speaking, translate, translate_plural
from tenants.organisations import sign_up_store
from tenants.organisations.model import SignUp
from tenants.organisations.sign_up import VALID_HOURS, SignUpAsked, token_of

log = logger(__name__)
TASK = "mail.sign-up"
#: A repeat of the same mail within this time is not sent: longer than the link works.
SENT_KEPT_S = 2 * VALID_HOURS * 3600


@worker_listener("organisation.sign_up_asked", SignUpAsked)
async def mail_link(work: Work, event: Event[SignUpAsked]) -> None:
    """Nothing for one that was used or has expired. Raises MailUnavailable: it is tried again."""
    sent = f"mail:sent:{event.id}"
    read = work.database.person_reader(event.owner_id, actors.system(TASK))
    asked = await sign_up_store.sign_up(read, event.payload.sign_up_id)
    if asked is None or await work.valkey.exists(sent):
        return
    token = token_of(work.vault, event.owner_id, asked.id)
    message = as_message(
        letter(asked, f"{work.settings.public_url}/me/organisations/{token}"),
        to=asked.email,
        locale=asked.locale,
        message_id=f"sign-up.{event.id}",
        kind="organisation.sign_up_asked",
    )
    try:
        await work.mail.send(message)
    except MessageRefused as refused:
        log.warning("a mail was refused for good", event_id=str(event.id), why=refused.detail)
    await work.valkey.set(sent, b"1", ex=SENT_KEPT_S)


def letter(asked: SignUp, url: str) -> Letter:
    """In the language of the page on which it was asked for."""
    with speaking(asked.locale):
        name = asked.name.in_(asked.locale)
        return Letter(
            subject=translate("Make your organisation: %(name)s", name=name),
            title=name,
            greeting=translate("Hello,"),
            paragraphs=(
                translate("Someone, probably you, asked for an organisation at this address."),
            ),
            steps=(
                Step(
                    translate_plural(
                        "Open the link within %(num)s hour, sign in, and confirm.",
                        "Open the link within %(num)s hours, sign in, and confirm.",
                        VALID_HOURS,
                    ),
                    translate("Make the organisation"),
                    url,
                ),
            ),
            because=translate(
                "It wasn't you? Then do nothing: without the link nothing is made,"
                " and your address is forgotten."
            ),
        )
