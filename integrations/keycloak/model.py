"""What a sign-in is while it is under way, and how one can fail."""

from typing import Literal
from uuid import UUID

import msgspec

from integrations.keycloak.tokens import IdToken
from passerelle.kernel.errors import Conflict, NotSignedIn, Problem, Unavailable
from passerelle.kernel.language import N_, Locale

NAME_LIMIT_CHARACTERS = 200
RefusalReason = Literal[
    "not-a-member", "suspended", "outside-the-organization", "organisation-suspended"
]


class KeycloakUnavailable(Unavailable):
    title = N_("The sign-in service is not answering")
    mend = N_("Try again in a few minutes. Whoever is signed in already can go on working.")


class SignInExpired(Problem):
    """Unknown, used, too old, or begun in another browser: the four can't be told apart."""

    status = 400
    title = N_("This sign-in is no longer open")
    mend = N_("Begin again from the sign-in page, in the same browser, within 10 minutes.")


class SignInRefused(Problem):
    """What came back from the sign-in service proves nothing. The log says why."""

    status = 400
    title = N_("This sign-in could not be verified")
    mend = N_("Begin again from the sign-in page.")


class SignInStopped(Problem):
    """The person, or Keycloak for them, ended it before its end."""

    status = 400
    title = N_("The sign-in was not finished")
    mend = N_("Begin again from the sign-in page when you want to sign in.")


class NotAMember(Problem):
    status = 403
    title = N_("This account is not a member of the organisation")
    mend = N_("Sign in with another account, or ask an administrator to admit you.")


class OutsideTheOrganization(Problem):
    status = 403
    title = N_("This organisation asks you to come through its own sign-in")
    mend = N_("Sign in with the account that the organisation gave you.")


class LaunchEnded(NotSignedIn):
    """The session from which the link was begun lives no more."""

    title = N_("Your learning session has ended")
    mend = N_("Open the activity again from where you learn, then link your account from there.")


class AccountLinkedElsewhere(Conflict):
    title = N_("This account belongs to another wallet already")
    mend = N_("Sign in with an account of your own that is not linked yet. Nothing was changed.")


class WalletLinkedElsewhere(Conflict):
    title = N_("Your wallet is linked to another account already")
    mend = N_("Sign in with the account that you linked first. Nothing was changed.")


class OtherAccountChanged(Conflict):
    """Keycloak did what was asked to the account it had open, which is not this session's."""

    title = N_("Another account was signed in")
    mend = N_("Sign out here and there, then sign in again with your own account and look at it.")


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """The learning session that asks for a link, and whose wallet it is about."""

    tenant_id: UUID
    tenant_slug: str
    tenant_name: str
    person_id: UUID
    display_name: str
    session_id: str


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in under way, from the redirect to Keycloak until the return from it."""

    into: Literal["tenant", "person", "link"]
    next: str
    nonce: str
    code_verifier: str
    tenant_slug: str | None = None
    link: Link | None = None
    # What Keycloak is asked to do besides (its `kc_action`), and for which account.
    action: str | None = None
    # Keycloak begins with a new account instead of asking for one (its `prompt=create`).
    register: bool = False
    subject: str | None = None


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """Who came back from Keycloak: verified claims, and the token itself for the sign-out."""

    issuer: str
    claims: IdToken
    id_token: str

    @property
    def display_name(self) -> str:
        return (self.claims.name or self.claims.email or "")[:NAME_LIMIT_CHARACTERS]

    @property
    def verified_email(self) -> str | None:
        return self.claims.email if self.claims.email_verified else None


class PendingLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that waits for the person's yes, with both names before their eyes."""

    link: Link
    arrival: Arrival


class AnotherAccount(msgspec.Struct, frozen=True):
    """A refused account's token, with which Keycloak lets go of it."""

    id_token: str
    tenant_slug: str


class Tenancy(msgspec.Struct, frozen=True):
    """A tenant's organization in Keycloak, and whether its members must come through it."""

    organization_id: str
    required: bool


class Person(msgspec.Struct, frozen=True, kw_only=True):
    display_name: str
    email: str | None
    locale: Locale


class Identity(msgspec.Struct, frozen=True):
    issuer: str
    subject: str


class PersonSignedIn(msgspec.Struct, frozen=True):
    """`member.signed_in`, `person.signed_in`: an account came in."""

    subject: str
    acr: str | None


class AccountChanged(msgspec.Struct, frozen=True):
    """`account.changed`: a way in was added, changed or removed at Keycloak."""

    action: str


class RefusedSignIn(msgspec.Struct, frozen=True):
    """`sign_in.refused`: an account that the organisation does not let in. No name is kept."""

    subject: str
    reason: RefusalReason


class IdentityLinked(msgspec.Struct, frozen=True):
    """`identity.linked`: from now on this account opens the wallet."""

    issuer: str
    subject: str
