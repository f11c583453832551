"""Connecting an LMS to a tenant, and finding the tenant of a login that is bound to none yet."""

from urllib.parse import urlsplit
from uuid import UUID

from lms import keys, refusals, store
from lms.model import LmsConnected, NewRegistration, Registration
from passerelle.kernel.database import Lookup, TenantTransaction
from passerelle.kernel.errors import Conflict, Invalid
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings


class LmsAlreadyConnected(Conflict):
    title = N_("This LMS is connected already")
    mend = N_(
        "Issuer, client id and deployment id together belong to one connection. Change "
        "that one, or add another deployment."
    )


class LmsAddressInvalid(Invalid):
    title = N_("An address of the LMS can't be used")
    mend = N_("Copy the addresses from the LMS's own page for this tool; they begin with https.")


async def connect(
    tx: TenantTransaction, settings: Settings, vault: Vault, new: NewRegistration
) -> UUID:
    """Connects an LMS that was set up by hand; returns the registration's id.

    Raises LmsAlreadyConnected or LmsAddressInvalid.
    """
    errors = {
        field: N_("This must be a whole https address")
        for field in ("authorization_url", "token_url", "jwks_url")
        if not _usable(getattr(new, field), settings)
    }
    if errors:
        raise LmsAddressInvalid(errors=errors)
    registration_id = await store.insert_registration(tx, new)
    if registration_id is None:
        raise LmsAlreadyConnected()
    added = await store.insert_deployments(tx, registration_id, new)
    if added != len(set(new.deployment_ids)):
        raise LmsAlreadyConnected()
    await keys.ensure_key(tx, vault)
    connected = LmsConnected(
        registration_id, new.name, new.issuer, new.client_id, new.deployment_ids
    )
    await emit(tx, "lms.connected", connected, subject=registration_id)
    return registration_id


def _usable(address: str, settings: Settings) -> bool:
    try:
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return False
    if parts.hostname is None or parts.username or parts.password or parts.fragment:
        return False
    local = f"{parts.hostname}:{port}" in settings.allowed_private_addresses
    return parts.scheme == "https" or (parts.scheme == "http" and local)


async def find(
    lookup: Lookup, issuer: str, client_id: str | None, deployment_id: str | None
) -> store.Found:
    """The one registration that a login belongs to.

    Raises RegistrationUnknown, or RegistrationAmbiguous: between two we never guess.
    """
    found = await store.candidates(lookup, issuer, client_id, deployment_id)
    if not found:
        raise refusals.RegistrationUnknown(
            f"iss {issuer[:200]}, client_id {(client_id or '—')[:80]}"
        )
    if len(found) > 1:
        raise refusals.RegistrationAmbiguous()
    return found[0]


def deployment_ids(registration: Registration) -> tuple[str, ...]:
    return tuple(deployment.deployment_id for deployment in registration.deployments)
