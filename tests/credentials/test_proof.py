"""Signing and checking a document, with our code and with two other people's."""

import json
import random
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from openbadgeslib.ob3 import OB3LdpVerifier, OB3VerificationError

from infra.demo.verifier import verdict, verdicts
from passerelle.credentials import badge, contexts, did, multibase, proof
from tests.credentials.documents import Issuer, achievement, credential

FLIPS_BY_OTHERS = 60
CASES = 300


def refused(text: bytes, public_key: str) -> bool:
    try:
        proof.check(badge.decode(text), public_key)
    except (badge.NotACredential, proof.ProofBroken):
        return True
    return False


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module")
def text(issuer: Issuer) -> bytes:
    return badge.encode(issuer.sign(credential(issuer))).encode()


@pytest.fixture(scope="module")
def served() -> Iterator[Issuer]:
    """An issuer whose DID document is served on this machine."""
    known: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = known.get(self.path)
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
    known["/t/region/did.json"] = msgspec.json.encode(did.document(issuer.did, [issuer.public_key]))
    Thread(target=server.serve_forever, daemon=True).start()
    yield issuer
    server.shutdown()
    server.server_close()


def test_a_signed_credential_verifies(text: bytes, issuer: Issuer) -> None:
    proof.check(badge.decode(text), issuer.public_key)


def test_every_byte_counts(text: bytes, issuer: Issuer) -> None:
    for position in range(len(text)):
        flipped = bytearray(text)
        flipped[position] ^= 1 << (position % 8)
        assert refused(bytes(flipped), issuer.public_key), f"byte {position}: {bytes(flipped)!r}"


def test_a_letter_in_the_other_case_counts(text: bytes, issuer: Issuer) -> None:
    letters = [place for place, byte in enumerate(text) if byte < 128 and chr(byte).isalpha()]
    for position in letters[:: len(letters) // CASES]:
        other = text[:position] + bytes([text[position] ^ 0x20]) + text[position + 1 :]
        assert refused(other, issuer.public_key), f"byte {position}: {other!r}"


def members(part: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    pairs = part.items() if isinstance(part, dict) else enumerate(part)  # type: ignore[arg-type]
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from members(value, (*path, key))


def test_no_member_can_be_left_out(text: bytes, issuer: Issuer) -> None:
    for path in members(json.loads(text)):
        document = json.loads(text)
        place = document
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        assert refused(json.dumps(document).encode(), issuer.public_key), path


def test_no_member_can_be_added(text: bytes, issuer: Issuer) -> None:
    for path in [(), *members(json.loads(text))]:
        for member, value in (("image", "https://a.example/"), ("unheardOf", "x"), ("id", None)):
            document = json.loads(text)
            place = document
            for key in path:
                place = place[key]
            if isinstance(place, dict) and member not in place:
                place[member] = value
                assert refused(json.dumps(document).encode(), issuer.public_key), (path, member)


def test_white_space_between_members_does_not_matter(text: bytes, issuer: Issuer) -> None:
    proof.check(badge.decode(json.dumps(json.loads(text), indent=2).encode()), issuer.public_key)


def test_a_member_given_twice_is_refused(text: bytes, issuer: Issuer) -> None:
    doubled = text.replace(b'{"@context"', b'{"name":"Doctor of everything","@context"', 1)
    assert json.loads(doubled)["name"] != "Doctor of everything"
    assert refused(doubled, issuer.public_key)


def test_another_issuers_key_does_not_verify(text: bytes) -> None:
    assert refused(text, Issuer().public_key)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("cryptosuite", "eddsa-jcs-2022"),
        ("cryptosuite", "ecdsa-rdfc-2019"),
        ("type", "Ed25519Signature2020"),
        ("proofPurpose", "authentication"),
        ("proofValue", None),
        ("proofValue", "z"),
        ("proofValue", "uAAAA"),
    ],
)
def test_another_algorithm_or_purpose_is_refused(
    text: bytes, issuer: Issuer, member: str, value: str | None
) -> None:
    document = json.loads(text)
    document["proof"][member] = value
    assert refused(json.dumps(document).encode(), issuer.public_key)


def test_a_second_proof_beside_the_first_is_refused(text: bytes, issuer: Issuer) -> None:
    document = json.loads(text)
    document["proof"] = [document["proof"], document["proof"]]
    assert refused(json.dumps(document).encode(), issuer.public_key)


@pytest.mark.parametrize(
    "context",
    [
        [contexts.CREDENTIALS],
        [contexts.OPEN_BADGES, contexts.CREDENTIALS],
        [contexts.CREDENTIALS, contexts.OPEN_BADGES, "https://a.example/context.json"],
        [contexts.CREDENTIALS, contexts.OPEN_BADGES, {"name": "https://a.example/name"}],
    ],
)
def test_a_context_that_is_not_ours_is_refused(
    text: bytes, issuer: Issuer, context: list[object]
) -> None:
    document = json.loads(text) | {"@context": context}
    assert refused(json.dumps(document).encode(), issuer.public_key)


def test_no_address_but_the_two_contexts_is_ever_loaded() -> None:
    with pytest.raises(Exception, match="outside the allowed set"):
        contexts.loader()("https://www.w3.org/ns/credentials/examples/v2", {})


def test_a_text_with_control_characters_is_not_signed(issuer: Issuer) -> None:
    with pytest.raises(msgspec.ValidationError, match="name"):
        credential(issuer, subject_name="Amina\u0007")


def test_a_credential_without_the_holders_name_can_be_issued(issuer: Issuer) -> None:
    signed = issuer.sign(credential(issuer, subject_name=None))
    assert signed.credential_subject.name is msgspec.UNSET
    proof.check(signed, issuer.public_key)


def test_nothing_in_the_document_is_null_or_empty(text: bytes) -> None:
    for path in members(json.loads(text)):
        place = json.loads(text)
        for key in path:
            place = place[key]
        assert place not in (None, "", [], {}), path


async def test_digital_bazaars_verifier_agrees(served: Issuer) -> None:
    found = await verdict(badge.encode(served.sign(credential(served))).encode())
    assert found.valid, found.reason


async def test_digital_bazaars_verifier_refuses_what_we_refuse(served: Issuer) -> None:
    text = badge.encode(served.sign(credential(served))).encode()
    positions = random.Random(1).sample(range(len(text)), FLIPS_BY_OTHERS)
    flipped = []
    for position in positions:
        changed = bytearray(text)
        changed[position] ^= 1
        flipped.append(bytes(changed))
    assert all(refused(one, served.public_key) for one in flipped)
    for one, found in zip(flipped, await verdicts(flipped), strict=True):
        assert not found.valid, one


async def test_digital_bazaars_verifier_refuses_a_key_of_another_issuer(served: Issuer) -> None:
    other = Issuer()
    theirs = msgspec.structs.replace(
        credential(other), issuer=badge.Profile(id=other.did, type=("Profile",), name="Other")
    )
    assert not (await verdict(badge.encode(served.sign(theirs)).encode())).valid


def test_openbadgeslib_agrees_and_refuses_a_changed_name(text: bytes, issuer: Issuer) -> None:
    public_key = issuer.key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    oracle = OB3LdpVerifier(pubkey_pem=public_key)
    read = oracle.verify(text.decode())
    assert (read.achievement.name, read.issuer.id) == (achievement().name, issuer.did)
    with pytest.raises(OB3VerificationError):
        oracle.verify(text.decode().replace("Amina", "Amine"))


def test_base58_has_one_text_for_one_value() -> None:
    for data in (bytes(64), b"\0\x01" * 32, b"\xff" * 64):
        coded = multibase.encode(data)
        assert multibase.decode(coded, 64) == data
        for other in (coded + " ", " " + coded, coded[1:], "z1" + coded[1:], coded.lower() + "0"):
            with pytest.raises(multibase.NotMultibase):
                multibase.decode(other, 64)


def test_a_key_of_another_kind_is_not_an_ed25519_key() -> None:
    with pytest.raises(multibase.NotMultibase, match="not an Ed25519"):
        multibase.decode_public_key(multibase.encode(b"\xec\x01" + bytes(32)))
