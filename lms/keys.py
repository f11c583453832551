"""The tool's keys: the RSA key with which a tenant signs to its LMSes, and its public part."""

import time
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

from lms import store
from lms.key_sets import ALGORITHM
from lms.model import Registration, ToolKey
from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.errors import Unavailable
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.secrets import Vault, register_sealed

KEY_BITS = 2048
ASSERTION_LIFETIME_S = 300
CONTEXT = "lti key {id} of tenant {tenant_id}"
register_sealed("lti_key", "sealed_private_key", CONTEXT)


class ToolKeyLost(Unavailable):
    """A tenant has no key for its LMSes where one was made with the connection."""


async def ensure_key(tx: TenantTransaction, vault: Vault) -> None:
    """Makes the tenant's key where it has none."""
    if await store.current_key(tx) is None:
        await store.insert_key(tx, _new_key(tx.tenant_id, vault))


async def key_set(read: TenantRead) -> dict[str, list[dict[str, str]]]:
    """The tenant's JSON Web Key Set, for its LMSes."""
    return {"keys": [key.public_jwk for key in await store.published_keys(read)]}


async def client_assertion(read: TenantRead, vault: Vault, registration: Registration) -> str:
    """Our proof to the LMS's token address (RFC 7523; LTI security framework 4.1.1).

    Raises ToolKeyLost.
    """
    key = await store.current_key(read)
    if key is None:
        raise ToolKeyLost()
    now = int(time.time())
    claims = {
        "iss": registration.client_id,
        "sub": registration.client_id,
        "aud": registration.token_audience or registration.token_url,
        "iat": now,
        "exp": now + ASSERTION_LIFETIME_S,
        "jti": str(new_id()),
    }
    secret = vault.open(key.sealed_private_key, context=_context(read.tenant_id, key.id))
    header = {"alg": ALGORITHM, "kid": str(key.id), "typ": "JWT"}
    return jwt.encode(header, claims, RSAKey.import_key(secret))


def _new_key(tenant_id: UUID, vault: Vault) -> ToolKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    secret = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key_id = new_id()
    public = RSAKey.import_key(secret).as_dict(private=False)
    return ToolKey(
        id=key_id,
        public_jwk={
            "kty": "RSA",
            "n": str(public["n"]),
            "e": str(public["e"]),
            "kid": str(key_id),
            "alg": ALGORITHM,
            "use": "sig",
        },
        sealed_private_key=vault.seal(secret, context=_context(tenant_id, key_id)),
    )


def _context(tenant_id: UUID, key_id: UUID) -> str:
    return CONTEXT.format(id=key_id, tenant_id=tenant_id)
