"""Organizations and accounts in Keycloak, kept by the service account `passerelle-admin`.

Everything here may be called again: what is there already is found, not made twice.
"""

from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import msgspec
from keycloak import KeycloakAdmin
from keycloak.exceptions import KeycloakConnectionError, KeycloakError, KeycloakPostError

from integrations.keycloak.connection import OneRefreshConnection
from integrations.keycloak.model import KeycloakUnavailable
from passerelle.kernel.errors import Conflict, Invalid
from passerelle.kernel.language import N_, Locale
from passerelle.kernel.settings import Settings

HTTP_BAD_REQUEST, HTTP_NOT_FOUND, HTTP_CONFLICT = 400, 404, 409
#: The attribute by which a tenant's organization is found again.
TENANT_ATTRIBUTE = "tenant"
LABEL_LIMIT_CHARACTERS = 100


class AccountNotVerified(Conflict):
    """Somebody registered this address and never proved it is theirs: it can't be trusted."""

    title = N_("This e-mail address has an account that was never verified")
    mend = N_("Have its owner verify the address, or delete the account in Keycloak, then repeat.")


class AccountRefused(Invalid):
    """Keycloak's rules are against it; the detail is Keycloak's own."""

    title = N_("The sign-in service does not take this account")
    mend = N_("Mend what it names: mostly the e-mail address, or a password that is too weak.")


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account to be found or made; the e-mail address is its user name."""

    email: str
    first_name: str
    last_name: str
    locale: Locale
    #: Without a password, Keycloak sends the person a link to choose one.
    password: str | None = None
    organization_id: str | None = None


class Account(msgspec.Struct, frozen=True):
    """`subject` is the `sub` that the account's tokens carry; `created` tells a new account."""

    subject: str
    created: bool


class WayIn(msgspec.Struct, frozen=True):
    """One credential of an account, without its secret."""

    id: str
    # Keycloak's: password, otp, webauthn-passwordless, recovery-authn-codes.
    kind: str
    label: str
    added_at: datetime | None


class WaysIn(msgspec.Struct, frozen=True, kw_only=True):
    """How an account may sign in."""

    email: str | None
    email_verified: bool
    credentials: tuple[WayIn, ...]
    # Aliases of the identity providers that the account comes in by.
    providers: tuple[str, ...]


class Administration:
    """Use as an async context manager; one instance may serve concurrent calls."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.connection = OneRefreshConnection(
            server_url=settings.keycloak_url,
            realm=settings.keycloak_realm,
            token_realm=settings.keycloak_realm,
            client_id=settings.keycloak_admin_client_id,
            client_secret=settings.keycloak_admin_client_secret,
        )
        self._admin = KeycloakAdmin(connection=self.connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.connection.aclose()

    async def ensure_organization(self, slug: str, name: str, domain: str) -> str:
        """The organization with this alias, by its id; made with `domain` where it is missing.

        Raises KeycloakUnavailable; Conflict where another organization holds the domain or name.
        """
        found = await self._organization(slug)
        if found is not None:
            return found
        try:
            created = await self._admin.a_create_organization(
                {
                    "name": name,
                    "alias": slug,
                    "enabled": True,
                    "domains": [{"name": domain, "verified": False}],
                    "attributes": {TENANT_ATTRIBUTE: [slug]},
                }
            )
        except KeycloakConnectionError:
            raise KeycloakUnavailable from None
        except KeycloakPostError as error:
            # Made by someone else since we looked (which Keycloak may answer with 500); or the
            # domain belongs to another.
            created = await self._organization(slug)
            if created is None and error.response_code not in (HTTP_BAD_REQUEST, HTTP_CONFLICT):
                raise
        if created is None:
            raise Conflict(f"the domain {domain} or the name {name} is another organization's")
        return created

    async def _organization(self, slug: str) -> str | None:
        # Keycloak searches names, domains and attributes, not aliases.
        try:
            found: list[dict[str, Any]] = await self._admin.a_get_organizations(
                {"q": f"{TENANT_ATTRIBUTE}:{slug}", "max": 2}
            )
        except KeycloakConnectionError:
            raise KeycloakUnavailable from None
        ids = [str(each["id"]) for each in found if each["alias"] == slug]
        return ids[0] if ids else None

    async def ensure_account(self, wanted: NewAccount) -> Account:
        """The account with this e-mail address, made where it is missing, in its organization.

        An account that exists keeps its password and names. Raises AccountNotVerified where it
        was registered and never proved, KeycloakUnavailable.
        """
        try:
            account = await self._ensure_account(wanted)
            if wanted.organization_id is not None:
                await self._join(account.subject, wanted.organization_id)
            return account
        except KeycloakConnectionError:
            raise KeycloakUnavailable from None

    async def _ensure_account(self, wanted: NewAccount) -> Account:
        subject = await self._verified_subject(wanted.email)
        if subject is not None:
            return Account(subject, created=False)
        payload: dict[str, Any] = {
            "username": wanted.email,
            "email": wanted.email,
            "emailVerified": True,
            "enabled": True,
            "firstName": wanted.first_name,
            "lastName": wanted.last_name,
            "attributes": {"locale": [wanted.locale]},
        }
        if wanted.password is None:
            payload |= {"emailVerified": False, "requiredActions": ["UPDATE_PASSWORD"]}
        else:
            payload["credentials"] = [
                {"type": "password", "value": wanted.password, "temporary": False}
            ]
        try:
            subject = await self._admin.a_create_user(payload)
        except KeycloakPostError as error:
            # Made by someone else since we looked; or the password is too weak, for example.
            subject = await self._verified_subject(wanted.email)
            if subject is None and error.response_code == HTTP_BAD_REQUEST:
                raise AccountRefused(str(error.error_message)[:300]) from None
            if subject is None:
                raise
            return Account(subject, created=False)
        if wanted.password is None:
            await self._admin.a_send_update_account(
                subject,
                ["UPDATE_PASSWORD", "VERIFY_EMAIL"],
                client_id=self._settings.keycloak_client_id,
            )
        return Account(subject, created=True)

    async def _verified_subject(self, email: str) -> str | None:
        found: list[dict[str, Any]] = await self._admin.a_get_users(
            {"email": email, "exact": True, "max": 2}
        )
        if not found:
            return None
        if not found[0].get("emailVerified"):
            raise AccountNotVerified(email)
        return str(found[0]["id"])

    async def _join(self, subject: str, organization_id: str) -> None:
        try:
            await self._admin.a_organization_user_add(subject, organization_id)
        except KeycloakPostError as error:
            if error.response_code != HTTP_CONFLICT:  # a member already
                raise

    async def ways_in(self, subject: str) -> WaysIn | None:
        """How this account may sign in; None where it is gone. Raises KeycloakUnavailable."""
        try:
            user = await self._admin.a_get_user(subject)
            credentials: list[dict[str, Any]] = await self._admin.a_get_credentials(subject)
        except KeycloakConnectionError:
            raise KeycloakUnavailable from None
        except KeycloakError as error:
            if error.response_code == HTTP_NOT_FOUND:
                return None
            raise KeycloakUnavailable from None
        return WaysIn(
            email=user.get("email"),
            email_verified=bool(user.get("emailVerified")),
            credentials=tuple(_way_in(each) for each in credentials),
            providers=tuple(
                str(each["identityProvider"]) for each in user.get("federatedIdentities", [])
            ),
        )

    async def end_sessions(self, subject: str) -> None:
        """Signs the account out everywhere; its clients hear of it by back-channel logout."""
        try:
            await self._admin.a_user_logout(subject)
        except KeycloakConnectionError:
            raise KeycloakUnavailable from None

    async def delete_account(self, subject: str) -> None:
        """Erases the account; nothing where it is gone already. Raises KeycloakError."""
        try:
            await self._admin.a_delete_user(subject)
        except KeycloakConnectionError:
            raise KeycloakUnavailable from None
        except KeycloakError as error:
            if error.response_code != HTTP_NOT_FOUND:
                raise


def _way_in(credential: dict[str, Any]) -> WayIn:
    created_ms = credential.get("createdDate")
    return WayIn(
        id=str(credential["id"]),
        kind=str(credential["type"]),
        label=str(credential.get("userLabel") or "")[:LABEL_LIMIT_CHARACTERS],
        added_at=datetime.fromtimestamp(created_ms / 1000, UTC) if created_ms else None,
    )
