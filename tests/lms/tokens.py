"""What an LMS sends, made by hand with PyJWT, so that a test can spoil any part of it."""

import base64
import json
import secrets
import time
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lms import state as states
from lms.claims import AGS, LTI, SCORE_SCOPE
from lms.key_sets import read_key_set
from lms.verification import Snapshot

ISSUER = "https://lms.example"
CLIENT_ID = "client-1"
PUBLIC_URL = "https://passerelle.example"
TENANT_ID = UUID(int=1)
REGISTRATION_ID = UUID(int=2)
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"

KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)
WEAK_KEY = rsa.generate_private_key(65537, 1024)
CURVE_KEY = ec.generate_private_key(ec.SECP256R1())
PRIVATE_PEM = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)
PUBLIC_PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def public_jwk(key: rsa.RSAPrivateKey, kid: str, **changes: Any) -> dict[str, Any]:
    numbers: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    made = {"kty": "RSA", "n": numbers["n"], "e": numbers["e"], "kid": kid, "use": "sig"}
    return {**made, "alg": "RS256", **changes}


def key_set_document() -> dict[str, Any]:
    """The LMS's key set: one good key and one of each useless kind."""
    curve: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(CURVE_KEY.public_key(), as_dict=True)
    return {
        "keys": [
            public_jwk(KEY, "good"),
            public_jwk(WEAK_KEY, "weak"),
            public_jwk(KEY, "for-encryption", use="enc"),
            public_jwk(KEY, "for-rs512", alg="RS512"),
            {**curve, "kid": "curve"},
            {"kty": "oct", "k": base64.urlsafe_b64encode(PUBLIC_PEM).decode(), "kid": "symmetric"},
        ]
    }


def snapshot(**changes: Any) -> Snapshot:
    values = {
        "tenant_id": TENANT_ID,
        "registration_id": REGISTRATION_ID,
        "issuer": ISSUER,
        "client_id": CLIENT_ID,
        "deployment_ids": ("deployment-1",),
        "key_set": read_key_set(key_set_document()),
        "public_url": PUBLIC_URL,
    }
    return Snapshot(**{**values, **changes})


def login_state(now: float | None = None, browser: str = "the-browser") -> states.LoginState:
    return states.begin(TENANT_ID, REGISTRATION_ID, browser, time.time() if now is None else now)


def body(state: states.LoginState, **changes: Any) -> dict[str, Any]:
    """A whole, good body; a change to `...` leaves that claim out."""
    now = int(time.time())
    made: dict[str, Any] = {
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "sub": "user-1",
        "iat": now,
        "exp": now + 60,
        "nonce": state.nonce,
        "name": "Amina Bennani",
        "email": "amina@region.example",
        LTI + "version": "1.3.0",
        LTI + "message_type": "LtiResourceLinkRequest",
        LTI + "deployment_id": "deployment-1",
        LTI + "target_link_uri": f"{PUBLIC_URL}/lti/launch",
        LTI + "resource_link": {"id": "link-1", "title": "AI fluency, level 1"},
        LTI + "roles": [LEARNER],
        LTI + "context": {"id": "course-1", "title": "Digital skills"},
        LTI + "launch_presentation": {"locale": "fr-MA", "return_url": f"{ISSUER}/course/1"},
        LTI + "custom": {"achievement": "ai-fluency-1"},
        AGS: {"scope": [SCORE_SCOPE], "lineitem": f"{ISSUER}/items/7?type_id=1"},
    }
    for name, value in changes.items():
        made[name] = value
    return {name: value for name, value in made.items() if value is not ...}


def signed(
    content: dict[str, Any] | bytes,
    *,
    key: Any = KEY,
    header: dict[str, Any] | None = None,
) -> str:
    """A compact token under RS256 whose header can be spoiled; None leaves a header out."""
    made = {"alg": "RS256", "typ": "JWT", "kid": "good", **(header or {})}
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    head = json.dumps({name: value for name, value in made.items() if value is not None}).encode()
    signing_input = part(head) + b"." + part(payload)
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return (signing_input + b"." + part(algorithm.sign(signing_input, key))).decode()


def part(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def fresh_browser() -> str:
    return secrets.token_urlsafe(states.BROWSER_BYTES)
