"""Receipts that prove themselves: signed (RFC 7515, EdDSA), checked offline with one public key."""

import hashlib
import hmac
from base64 import b64decode
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from passerelle.kernel.settings import Settings

ALGORITHM: Final = "Ed25519"
USE: Final = b"receipts of erasures"


def _key(settings: Settings) -> OKPKey:
    """A key of its own, derived (HMAC-SHA-256) from the master key."""
    seed = hmac.new(b64decode(settings.master_key), USE, hashlib.sha256).digest()
    private = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return OKPKey.import_key(private)


def public_key(settings: Settings) -> dict[str, Any]:
    """As a JSON Web Key (RFC 8037)."""
    key = _key(settings)
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "alg": ALGORITHM, "use": "sig"}


def signed(settings: Settings, receipt: object) -> dict[str, Any]:
    """The receipt in the clear, the same signed, and where the key is."""
    key = _key(settings)
    header = {"alg": ALGORITHM, "kid": key.thumbprint(), "typ": "erasure-receipt+jws"}
    content = msgspec.json.encode(receipt)
    return {
        "receipt": msgspec.json.decode(content),
        "jws": jws.serialize_compact(header, content, key, algorithms=[ALGORITHM]),
        "key": f"{settings.public_url}/erasure/key.json",
    }


def checked(settings: Settings, text: str) -> object | None:
    """What a signed receipt says; None where it was changed, or is not ours."""
    try:
        found = jws.deserialize_compact(text, _key(settings), algorithms=[ALGORITHM])
        said: object = msgspec.json.decode(found.payload)
    except (JoseError, ValueError, msgspec.DecodeError):
        return None
    return said
