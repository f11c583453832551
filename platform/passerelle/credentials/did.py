"""The issuer's identifier: did:web under our own address, one a tenant, and its DID document."""

import re
from urllib.parse import quote, urlsplit

import msgspec

DID_CONTEXTS = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"]
SLUG = re.compile("[a-z][a-z0-9-]{1,30}")
DID_MEDIA_TYPE = "application/did+ld+json"


class VerificationMethod(msgspec.Struct, frozen=True):
    """A public key that anyone may check signatures with."""

    id: str
    type: str
    controller: str
    public_key_multibase: str = msgspec.field(name="publicKeyMultibase")


class DidDocument(msgspec.Struct, frozen=True):
    """Which keys speak for an issuer (W3C DID Core 1.0, section 5)."""

    context: list[str] = msgspec.field(name="@context")
    id: str
    verification_method: list[VerificationMethod] = msgspec.field(name="verificationMethod")
    assertion_method: list[str] = msgspec.field(name="assertionMethod")


def issuer_did(public_url: str, slug: str) -> str:
    """The did:web of a tenant: `did:web:host%3Aport:t:slug`, read from /t/{slug}/did.json.

    The port's colon is percent-encoded (did:web method, section 2.5.2), and so are those of an
    IPv6 address.
    """
    address = urlsplit(public_url)
    path = [part for part in address.path.split("/") if part]
    host = quote(address.netloc, safe="").replace("%3a", "%3A")
    return ":".join(["did:web", host, *(quote(part, safe="") for part in path), "t", slug])


def slug_of(public_url: str, did: str) -> str | None:
    """The slug of the tenant that `did` names, if it lies under our address."""
    prefix = issuer_did(public_url, "")
    slug = did.removeprefix(prefix)
    return slug if did.startswith(prefix) and SLUG.fullmatch(slug) else None


def method_id(did: str, public_key: str) -> str:
    """The identifier of a key under `did`: its fragment is the public key itself (Multikey)."""
    return f"{did}#{public_key}"


def document(did: str, public_keys: list[str]) -> DidDocument:
    """The DID document of an issuer; keys that were retired stay in it, for what they signed."""
    methods = [
        VerificationMethod(
            id=method_id(did, key),
            type="Multikey",
            controller=did,
            public_key_multibase=key,
        )
        for key in public_keys
    ]
    return DidDocument(
        context=DID_CONTEXTS,
        id=did,
        verification_method=methods,
        assertion_method=[method.id for method in methods],
    )
