"""What a mail says, in the reader's language: one plain and one HTML template for all of them."""

from functools import lru_cache
from uuid import UUID

import msgspec
from jinja2 import Environment

from passerelle.kernel.language import Locale
from passerelle.kernel.ports import Attachment, Message
from passerelle.web.language import speaking, translate
from passerelle.web.templates import make_environment

PRODUCT = "Passerelle"


class Step(msgspec.Struct, frozen=True):
    """A paragraph that leads somewhere."""

    text: str
    label: str
    url: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A mail's words, translated already; nothing in them is HTML."""

    subject: str
    title: str
    greeting: str
    paragraphs: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    # Short lines, each with an address of its own: what a digest lists.
    lines: tuple[Step, ...] = ()
    # Why this person gets it, in small print.
    because: str
    # Where they say which mails they want; None for a mail that is needed.
    choose_url: str | None = None


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """What stands above a mail: the organisation, and its colour as `#rrggbb`."""

    name: str = PRODUCT
    colour: str = "#0b6259"


class Written(msgspec.Struct, frozen=True):
    subject: str
    text: str
    html: str


def written(letter: Letter, locale: Locale, brand: Brand | None = None) -> Written:
    """The letter as a mail's two parts. Its direction follows the language."""
    with speaking(locale) as language:
        context = {
            "letter": letter,
            "brand": brand or Brand(),
            "locale": language.locale,
            "direction": language.direction,
        }
        environment = _environment()
        return Written(
            subject=letter.subject,
            text=environment.get_template("integrations/letter.txt").render(context).strip() + "\n",
            html=environment.get_template("integrations/letter.html").render(context),
        )


def as_message(
    letter: Letter,
    *,
    to: str,
    locale: Locale,
    message_id: str,
    kind: str,
    person_id: UUID | None = None,
    brand: Brand | None = None,
    attachments: tuple[Attachment, ...] = (),
) -> Message:
    """The letter ready to be sent."""
    ready = written(letter, locale, brand)
    return Message(
        to=to,
        subject=ready.subject,
        text=ready.text,
        html=ready.html,
        locale=locale,
        message_id=message_id,
        kind=kind,
        person_id=person_id,
        attachments=attachments,
        unsubscribe_url=letter.choose_url,
    )


def trial_message(to: str, name: str, locale: Locale, message_id: UUID) -> Message:
    """The mail of a test, in the language of who asked for it."""
    with speaking(locale):
        letter = Letter(
            subject=translate("A test of your organisation's mail"),
            title=translate("The mail works"),
            greeting=translate("Hello %(name)s,", name=name),
            paragraphs=(
                translate("This mail was sent by the settings you tested. There is nothing to do."),
            ),
            because=translate("You get this mail because you asked for a test."),
        )
    return as_message(
        letter, to=to, locale=locale, message_id=f"test.{message_id}", kind="mail.test"
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return make_environment()
