"""A token proves something only if the realm signed it, for us, now, in answer to this sign-in."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from integrations.keycloak.tokens import (
    AGE_LIMIT_S,
    LEEWAY_S,
    TOKEN_LIMIT_BYTES,
    IdToken,
    TokenError,
    key_set,
    verify_id_token,
    verify_logout_token,
)
from tests.integrations import forgery
from tests.integrations.forgery import EXPECTED, NONCE, NOW, id_claims, logout_claims, sign

KEYS = key_set(forgery.document(forgery.RSA, forgery.EC))


def verify(token: str) -> IdToken:
    return verify_id_token(token, KEYS, EXPECTED, nonce=NONCE, now=NOW)


def test_a_good_token_yields_its_claims() -> None:
    claims = verify(sign(id_claims(organization={"region": {"id": "org-1"}})))
    assert claims.sub == id_claims()["sub"]
    assert claims.organization["region"].id == "org-1"


@pytest.mark.parametrize(
    "token",
    [
        sign(id_claims(), alg="PS256"),
        sign(id_claims(), forgery.EC, alg="ES256", kid="ec-1"),
        sign(id_claims(aud=["passerelle-web"])),
        sign(id_claims(aud=["account", "passerelle-web"])),
        sign(id_claims(azp=None)),
        sign(id_claims(iat=NOW + LEEWAY_S - 1)),
        sign(id_claims(exp=NOW - LEEWAY_S + 1)),
        sign(id_claims(nbf=NOW)),
    ],
)
def test_every_honest_variant_is_taken(token: str) -> None:
    assert verify(token).sid == "a-session"


def flipped(letter: str) -> str:
    return "B" if letter == "A" else "A"


GOOD = sign(id_claims())
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")
OTHER_PAYLOAD = sign(id_claims(sub="someone-else")).split(".")[1]

FORGERIES: dict[str, str] = {
    "no algorithm": forgery.unsigned(id_claims()),
    "no algorithm, otherwise spelt": forgery.unsigned(id_claims(), alg="NoNe"),
    "no algorithm, a good signature kept": forgery.unsigned(id_claims(), signature=SIGNATURE),
    "HMAC with the public key": forgery.signed_with_the_public_key(id_claims()),
    "another key under our kid": sign(id_claims(), forgery.FORGER),
    "its own key in the header": sign(
        id_claims(), forgery.FORGER, jwk=forgery.FORGER.as_dict(private=False)
    ),
    "our key in the header": sign(id_claims(), jwk=forgery.RSA.as_dict(private=False)),
    "an address of keys in the header": sign(id_claims(), jku="https://forger.example/keys"),
    "a certificate's address in the header": sign(id_claims(), x5u="https://forger.example/c"),
    "a certificate in the header": sign(id_claims(), x5c=["MIIB"]),
    "no kid": sign(id_claims(), kid=None),
    "an unknown kid": sign(id_claims(), kid="other"),
    "the kid of a key of another kind": sign(id_claims(), kid="ec-1"),
    "an algorithm that we don't take": sign(id_claims(), alg="RS384"),
    "another payload under a good signature": f"{HEADER}.{OTHER_PAYLOAD}.{SIGNATURE}",
    "no signature": f"{HEADER}.{PAYLOAD}.",
    "one letter of the signature changed": GOOD[:-8]
    + ("A" if GOOD[-8] != "A" else "B")
    + GOOD[-7:],
    "two parts": f"{HEADER}.{PAYLOAD}",
    "four parts": GOOD + ".x",
    "nothing": "",
    "not base64": "!!!.???.***",
    "too long": sign(id_claims(name="x" * TOKEN_LIMIT_BYTES)),
    "another issuer": sign(id_claims(iss="https://forger.example/realms/passerelle")),
    "the issuer with a slash more": sign(id_claims(iss=forgery.ISSUER + "/")),
    "another audience": sign(id_claims(aud="account")),
    "no audience": sign(id_claims(aud=None)),
    "an audience that begins like ours": sign(id_claims(aud="passerelle-web-2")),
    "several audiences and no authorized party": sign(
        id_claims(aud=["passerelle-web", "account"], azp=None)
    ),
    "another authorized party": sign(id_claims(azp="account-console")),
    "expired": sign(id_claims(exp=NOW - LEEWAY_S)),
    "no expiry": sign(id_claims(exp=None)),
    "an expiry in words": sign(id_claims(exp="tomorrow")),
    "from the future": sign(id_claims(iat=NOW + LEEWAY_S + 1)),
    "from long ago": sign(id_claims(iat=NOW - AGE_LIMIT_S - 1)),
    "no time": sign(id_claims(iat=None)),
    "not valid yet": sign(id_claims(nbf=NOW + LEEWAY_S + 1)),
    "the nonce of another sign-in": sign(id_claims(nonce="m" * 43)),
    "no nonce": sign(id_claims(nonce=None)),
    "no session": sign(id_claims(sid=None)),
    "no subject": sign(id_claims(sub=None)),
    "an empty subject": sign(id_claims(sub="")),
    "an access token": sign(id_claims(typ="Bearer")),
    "a logout token": sign(logout_claims(), typ="logout+jwt"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_id_token_is_refused(name: str) -> None:
    with pytest.raises(TokenError):
        verify(FORGERIES[name])


def test_a_critical_header_is_refused_even_under_a_good_signature() -> None:
    token = sign(id_claims(), crit=["b64"], b64=True)
    with pytest.raises(TokenError, match="crit"):
        verify(token)


def test_a_logout_token_yields_the_sign_in_that_ended() -> None:
    for kind in ("logout+jwt", "JWT"):
        token = sign(logout_claims(), typ=kind)
        assert verify_logout_token(token, KEYS, EXPECTED, now=NOW).sid == "a-session"


@pytest.mark.parametrize(
    "forge",
    [
        lambda: forgery.unsigned(logout_claims()),
        lambda: forgery.signed_with_the_public_key(logout_claims()),
        lambda: sign(logout_claims(), forgery.FORGER),
        lambda: sign(logout_claims(nonce=NONCE)),
        lambda: sign(logout_claims(sid=None)),
        lambda: sign(logout_claims(jti=None)),
        lambda: sign(logout_claims(events={})),
        lambda: sign(logout_claims(events={"http://schemas.openid.net/event/other": {}})),
        lambda: sign(logout_claims(aud="another-client")),
        lambda: sign(logout_claims(iss="https://forger.example")),
        lambda: sign(logout_claims(exp=NOW - LEEWAY_S - 1)),
        lambda: sign(logout_claims(iat=NOW - AGE_LIMIT_S - 1)),
        lambda: sign(logout_claims(), typ="at+jwt"),
        lambda: sign(id_claims()),
    ],
)
def test_a_forged_logout_token_is_refused(forge: Callable[[], str]) -> None:
    with pytest.raises(TokenError):
        verify_logout_token(forge(), KEYS, EXPECTED, now=NOW)


def test_only_signature_keys_of_enough_strength_are_kept() -> None:
    weak = RSAKey.generate_key(1024, {"kid": "weak"}).as_dict(private=False)
    sealing = RSAKey.generate_key(2048, {"kid": "sealing", "use": "enc"}).as_dict(private=False)
    symmetric = {"kty": "oct", "k": "c2VjcmV0", "kid": "symmetric"}
    nameless = {k: v for k, v in forgery.RSA.as_dict(private=False).items() if k != "kid"}
    served: list[Any] = [weak, sealing, symmetric, nameless, forgery.RSA.as_dict(private=False)]
    assert list(key_set(json.dumps({"keys": served}).encode())) == ["rsa-1"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"keys": [1]}', b"<html>"])
def test_what_is_no_key_set_is_refused(content: bytes) -> None:
    with pytest.raises(TokenError):
        key_set(content)
