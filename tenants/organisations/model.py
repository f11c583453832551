"""An organisation to be made, as it stands, and what stays of it after its end."""

import re
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import LOCALES, N_, Locale, Localised

SLUG = re.compile(r"[a-z][a-z0-9-]{1,30}")
SLUG_WRONG = N_("Two to 31 small letters, digits or hyphens, a letter first")
NAME_LIMIT_CHARACTERS = 120
REASON_LIMIT_CHARACTERS = 500
REQUEST_KEY_LIMIT_CHARACTERS = 255

#: Nobody's: they speak for the service itself, or would be taken to.
RESERVED_SLUGS = frozenset(
    """
    about abuse account accounts admin administrator api app apps auth billing cdn
    contact credentials dns docs download email ftp guest help hostmaster imap
    info invite keycloak localhost login logout lti mail mailer me new none
    noreply no-reply null operator organisation organisations organization owner passerelle
    password ping pop postmaster privacy problems public register root schema security settings
    sign-in sign-out sign-up smtp ssl staff static status styleguide support sysadmin system
    tenant tenants terms test undefined user users verify webmaster well-known www
    """.split()  # noqa: SIM905
)

Status = Literal["active", "suspended", "deleting"]


class NewOrganisation(msgspec.Struct, frozen=True, kw_only=True):
    """What an organisation is at first. `slug` is its address for good: /t/<slug>."""

    slug: str
    name: Localised
    default_locale: Locale = "en"
    # Stands in the list from which a person chooses whom to share with.
    listed: bool = False


class Provisioned(msgspec.Struct, frozen=True):
    """`created` is false for the repeat of a request that made it before."""

    id: UUID
    slug: str
    created: bool


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation as its operator sees it: nothing of what is inside."""

    id: UUID
    slug: str
    name: Localised
    default_locale: Locale
    status: Status
    listed: bool
    created_at: datetime
    members: int
    suspended_at: datetime | None = None
    suspended_reason: str | None = None
    deletion_asked_at: datetime | None = None
    deletion_reason: str | None = None
    erase_after: datetime | None = None


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """What stays of an erased organisation. `receipt` says what was erased, table by table."""

    tenant_id: UUID
    slug: str
    name: Localised
    created_at: datetime
    erased_at: datetime | None
    receipt: Any


class SignUp(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, and who asked."""

    id: UUID
    slug: str
    name: Localised
    default_locale: Locale
    email: str
    locale: Locale
    asked_at: datetime
    expires_at: datetime

    @property
    def organisation(self) -> NewOrganisation:
        return NewOrganisation(slug=self.slug, name=self.name, default_locale=self.default_locale)


class StandingChanged(msgspec.Struct, frozen=True):
    """`tenant.suspended`, `.lifted`, `.deletion_asked`, `.restored`: how it stands since."""

    status: Status
    erase_after: datetime | None = None


def slug_problem(slug: str) -> str | None:
    """What is wrong with an address, whoever else has it; None where nothing is."""
    if not SLUG.fullmatch(slug):
        return SLUG_WRONG
    if slug in RESERVED_SLUGS or slug.endswith("-") or "--" in slug:
        return N_("This address is kept for the service itself: choose another")
    return None


def name_problems(name: Localised, field: str = "name") -> dict[str, str]:
    """Field (`name.fr`) → what is wrong with the name in that language."""
    errors = {}
    for locale in LOCALES:
        text = getattr(name, locale)
        if not text.strip():
            errors[f"{field}.{locale}"] = N_("Give the name")
        elif len(text) > NAME_LIMIT_CHARACTERS:
            errors[f"{field}.{locale}"] = N_("Use at most 120 characters")
        elif text != text.strip() or any(not each.isprintable() for each in text):
            errors[f"{field}.{locale}"] = N_("Leave out line breaks and signs that can't be seen")
    return errors


def check_reason(reason: str) -> str:
    """The reason without spaces around it. Raises Invalid."""
    reason = reason.strip()
    if not reason:
        raise Invalid(errors={"reason": N_("Give the reason: it stays on record")})
    if len(reason) > REASON_LIMIT_CHARACTERS:
        raise Invalid(errors={"reason": N_("Use at most 500 characters")})
    return reason
