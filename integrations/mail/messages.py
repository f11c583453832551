"""The messages whose words are written here, in the person's language."""

from urllib.parse import quote

import msgspec

from integrations.mail.letters import Brand, Letter, Step, Written, written
from passerelle.kernel.language import N_, Locale
from passerelle.web.language import speaking, translate

SEE_IT = N_("See it, and show it to anyone: they can check it without an account.")
KEEP_IT = N_("Keep it in your wallet, which belongs to you and stays yours when you leave.")


class CredentialReady(msgspec.Struct, frozen=True, kw_only=True):
    """What the message about a new credential says; names are in the person's language."""

    name: str
    organisation: str
    achievement: str
    verify_url: str
    wallet_url: str
    choose_url: str | None = None


def credential_ready(ready: CredentialReady, locale: Locale) -> Written:
    """Your credential is ready: where to see it, and where to keep it."""
    return written(credential_letter(ready, locale), locale, Brand(name=ready.organisation))


def credential_letter(ready: CredentialReady, locale: Locale) -> Letter:
    with speaking(locale):
        return Letter(
            subject=translate("Your credential is ready: %(name)s", name=ready.achievement),
            title=ready.achievement,
            greeting=translate("Hello %(name)s,", name=ready.name),
            paragraphs=(
                translate(
                    "%(organisation)s issued you a credential: %(achievement)s.",
                    organisation=ready.organisation,
                    achievement=ready.achievement,
                ),
            ),
            steps=(
                Step(translate(SEE_IT), translate("See the credential"), ready.verify_url),
                Step(translate(KEEP_IT), translate("Open my wallet"), ready.wallet_url),
            ),
            because=translate(
                "You get this mail because you earned a credential."
                " Nobody reads answers to this address."
            ),
            choose_url=ready.choose_url,
        )


def verify_url(public_url: str, credential_id: object) -> str:
    return f"{public_url}/verify/{quote(str(credential_id))}"
