"""Tokens as Keycloak would sign them, and as a forger would."""

import base64
import hmac
import json
import time
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from integrations.keycloak.tokens import LOGOUT_EVENT, Expected

ISSUER = "https://sign-in.example/realms/passerelle"
EXPECTED = Expected(ISSUER, "passerelle-web")
NONCE = "n" * 43
NOW = time.time()
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig"})
FORGER = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
ALGORITHMS = ["RS256", "RS384", "PS256", "ES256"]


def document(*keys: RSAKey | ECKey) -> bytes:
    """The realm's key set as it is served."""
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


def id_claims(**changes: Any) -> dict[str, Any]:
    """A good id token's claims; `None` leaves a claim out."""
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "sub": "6f8d0c2e-0000-4000-8000-000000000001",
        "aud": "passerelle-web",
        "azp": "passerelle-web",
        "typ": "ID",
        "iat": NOW - 2,
        "exp": NOW + 300,
        "nonce": NONCE,
        "sid": "a-session",
        "email": "amal@example.org",
        "email_verified": True,
        "name": "Amal Idrissi",
    }
    return _changed(claims, changes)


def logout_claims(**changes: Any) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "sub": "6f8d0c2e-0000-4000-8000-000000000001",
        "aud": "passerelle-web",
        "iat": NOW - 2,
        "exp": NOW + 120,
        "jti": "a-notice",
        "sid": "a-session",
        "events": {LOGOUT_EVENT: {}},
    }
    return _changed(claims, changes)


def _changed(claims: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (claims | changes).items() if value is not None}


def sign(
    claims: dict[str, Any],
    key: RSAKey | ECKey = RSA,
    **header: Any,
) -> str:
    header = {"alg": "RS256", "typ": "JWT", "kid": "rsa-1"} | header
    kept = {name: value for name, value in header.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    return jws.serialize_compact(
        kept, json.dumps(claims).encode(), key, algorithms=ALGORITHMS, registry=registry
    )


def unsigned(claims: dict[str, Any], alg: str = "none", signature: str = "") -> str:
    header = {"alg": alg, "typ": "JWT", "kid": "rsa-1"}
    parts = [json.dumps(each).encode() for each in (header, claims)]
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, signature])


def signed_with_the_public_key(claims: dict[str, Any]) -> str:
    """The classic confusion: the public key's text as an HMAC secret."""
    content = unsigned(claims, alg="HS256").removesuffix(".")
    code = hmac.digest(RSA.as_pem(private=False), content.encode(), "sha256")
    return f"{content}.{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"
