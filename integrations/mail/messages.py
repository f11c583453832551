"""The messages, in the person's language: each a plain and an HTML template of the same words."""

from functools import lru_cache
from urllib.parse import quote

import msgspec
from jinja2 import Environment

from passerelle.kernel.language import Locale
from passerelle.web.language import speaking, translate
from passerelle.web.templates import make_environment


class Written(msgspec.Struct, frozen=True):
    subject: str
    text: str
    html: str


class CredentialReady(msgspec.Struct, frozen=True, kw_only=True):
    """What the message about a new credential says; names are in the person's language."""

    name: str
    organisation: str
    achievement: str
    verify_url: str
    wallet_url: str


def credential_ready(ready: CredentialReady, locale: Locale) -> Written:
    """Your credential is ready: where to see it, and where to keep it."""
    with speaking(locale) as language:
        context = {
            "ready": ready,
            "locale": language.locale,
            "direction": language.direction,
        }
        subject = translate("Your credential is ready: %(name)s", name=ready.achievement)
        environment = _environment()
        return Written(
            subject=subject,
            text=environment.get_template("integrations/credential_ready.txt").render(context),
            html=environment.get_template("integrations/credential_ready.html").render(
                context | {"subject": subject}
            ),
        )


def verify_url(public_url: str, credential_id: object) -> str:
    return f"{public_url}/verify/{quote(str(credential_id))}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return make_environment()
