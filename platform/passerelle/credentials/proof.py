"""Signing and checking: Data Integrity with the cryptosuite eddsa-rdfc-2022.

W3C Data Integrity EdDSA Cryptosuites 1.0, section 3.2: the document without its proof and the
proof's options are canonicalised each (RDFC-1.0), hashed (SHA-256) and signed together (Ed25519).
Canonicalising takes some ten milliseconds of one core: keep it off the event loop.
"""

import hashlib
from datetime import datetime
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import UNSET
from pyld import jsonld

from passerelle.credentials import contexts, multibase
from passerelle.credentials.badge import Credential, Proof, moment

SIGNATURE_BYTES = 64


class ProofBroken(Exception):
    """The proof doesn't hold for this document and key."""


def sign(
    credential: Credential, key: Ed25519PrivateKey, method_id: str, created: datetime
) -> Credential:
    """The credential with its proof; `method_id` is the key's address in the DID document."""
    options = Proof(
        type="DataIntegrityProof",
        cryptosuite="eddsa-rdfc-2022",
        created=moment(created),
        verification_method=method_id,
        proof_purpose="assertionMethod",
    )
    signature = key.sign(_hash(credential, options))
    signed = msgspec.structs.replace(options, proof_value=multibase.encode(signature))
    return msgspec.structs.replace(credential, proof=signed)


def check(credential: Credential, public_key: str) -> None:
    """Raises ProofBroken unless the proof was made with this key (a Multikey) over every member."""
    signed = credential.proof
    if signed is UNSET or signed.proof_value is UNSET:
        raise ProofBroken("there is no proof")
    try:
        signature = multibase.decode(signed.proof_value, SIGNATURE_BYTES)
        key = Ed25519PublicKey.from_public_bytes(multibase.decode_public_key(public_key))
        key.verify(signature, _hash(credential, signed))
    except multibase.NotMultibase as error:
        raise ProofBroken(f"the signature or the key can't be read: {error}") from error
    except InvalidSignature as error:
        raise ProofBroken("the signature does not match") from error
    except jsonld.JsonLdError as error:
        raise ProofBroken("the document can't be canonicalised") from error


def _hash(credential: Credential, options: Proof) -> bytes:
    unsigned = msgspec.structs.replace(credential, proof=UNSET)
    configuration = msgspec.structs.replace(options, proof_value=UNSET)
    return (
        hashlib.sha256(
            canonical({"@context": list(credential.context)} | _builtins(configuration))
        ).digest()
        + hashlib.sha256(canonical(_builtins(unsigned))).digest()
    )


def _builtins(part: msgspec.Struct) -> dict[str, Any]:
    # By way of JSON, for the types JSON-LD knows: a list is not a tuple there.
    built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(part))
    return built


def canonical(document: dict[str, Any]) -> bytes:
    """The document's canonical N-Quads. Raises JsonLdError for a context or member unknown here.

    pyld calls the algorithm by its former name; the two differ only in how control characters are
    written, and badge.Text has none.
    """
    processor = jsonld.JsonLdProcessor(on_property_dropped=_refuse)
    quads: str = processor.normalize(
        document,
        {
            "algorithm": "URDNA2015",
            "format": "application/n-quads",
            "documentLoader": contexts.loader(),
        },
    )
    return quads.encode()


def _refuse(member: str) -> None:
    raise jsonld.JsonLdError(
        "a member that no context defines would stay unsigned",
        "jsonld.InvalidProperty",
        {"member": member},
    )
