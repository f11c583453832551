"""Each tenant's own signing key: made when it first issues, sealed in its row."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from passerelle.credentials import multibase, store
from passerelle.credentials.model import SigningKey
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import Unavailable
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.secrets import Vault, register_sealed

CONTEXT = "issuer key {id} of tenant {tenant_id}"
register_sealed("issuer_key", "sealed_private_key", CONTEXT)


class SigningKeyLost(Unavailable):
    """A tenant has no key where one was made a moment ago: tried again later."""


async def current_key(tx: TenantTransaction, vault: Vault, did: str) -> SigningKey:
    """The key that the tenant signs with under `did`, made now where there is none.

    A key made under another address of ours is retired: what it signed still verifies. Raises
    SigningKeyLost.
    """
    found = await store.signing_key(tx)
    if found is not None and found.controller != did:
        await store.retire_signing_key(tx, found.id)
        found = None
    if found is None:
        await store.insert_signing_key(tx, _new_key(tx, vault, did))
        # Read back: of two that make one at the same moment, the first stands.
        found = await store.signing_key(tx)
    if found is None:
        raise SigningKeyLost()
    return found


def opened(tx: TenantTransaction, vault: Vault, key: SigningKey) -> Ed25519PrivateKey:
    """The private half. Raises kernel.secrets.SealBroken."""
    secret = vault.open(key.sealed_private_key, context=_context(tx, key.id))
    return Ed25519PrivateKey.from_private_bytes(secret)


def _new_key(tx: TenantTransaction, vault: Vault, did: str) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    key_id = new_id()
    return SigningKey(
        id=key_id,
        controller=did,
        public_key=multibase.encode_public_key(private.public_key().public_bytes_raw()),
        sealed_private_key=vault.seal(private.private_bytes_raw(), context=_context(tx, key_id)),
    )


def _context(tx: TenantTransaction, key_id: object) -> str:
    return CONTEXT.format(id=key_id, tenant_id=tx.tenant_id)
