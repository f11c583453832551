"""The issuer's identifier and where it is read from."""

import pytest

from passerelle.credentials import did, multibase


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [
        ("https://passerelle.example", "did:web:passerelle.example:t:region"),
        ("http://127.0.0.1:8000", "did:web:127.0.0.1%3A8000:t:region"),
        ("http://localhost:8000", "did:web:localhost%3A8000:t:region"),
        ("https://a.example/skills", "did:web:a.example:skills:t:region"),
    ],
)
def test_a_tenants_did_names_our_host_and_its_slug(public_url: str, expected: str) -> None:
    assert did.issuer_did(public_url, "region") == expected


def test_the_did_document_lists_every_key_for_assertions() -> None:
    issuer = did.issuer_did("https://passerelle.example", "region")
    document = did.document(issuer, [multibase.encode_public_key(bytes([n] * 32)) for n in (1, 2)])
    assert document.assertion_method == [method.id for method in document.verification_method]
    for method in document.verification_method:
        assert method.controller == issuer
        assert method.type == "Multikey"
        assert method.id == f"{issuer}#{method.public_key_multibase}"
