"""Base58btc multibase and the Ed25519 Multikey (W3C Controlled Identifiers 1.0, 2.2.2 and 2.4)."""

import base58

BASE58_HEADER = "z"
ED25519_PUBLIC_KEY_HEADER = b"\xed\x01"
ED25519_PUBLIC_KEY_BYTES = 32
# The longest text we decode is a signature: 64 bytes are at most 88 digits and the header.
TEXT_LIMIT_CHARACTERS = 89


class NotMultibase(ValueError):
    """The text isn't base58btc multibase of the length expected."""


def encode(data: bytes) -> str:
    """`data` as multibase text: `z`, then base58 with Bitcoin's alphabet."""
    return BASE58_HEADER + base58.b58encode(data).decode()


def decode(text: str, length: int) -> bytes:
    """The `length` bytes that `text` stands for. Raises NotMultibase for anything else."""
    if not text.startswith(BASE58_HEADER) or len(text) > TEXT_LIMIT_CHARACTERS:
        raise NotMultibase("it does not start with z, or it is too long")
    try:
        data = base58.b58decode(text[len(BASE58_HEADER) :])
    except ValueError as error:
        raise NotMultibase(str(error)) from error
    # The package lets white space at the end pass; one signature has one text.
    if len(data) != length or encode(data) != text:
        raise NotMultibase(f"it does not hold {length} bytes")
    return data


def encode_public_key(key: bytes) -> str:
    """The Multikey text (z6Mk…) of an Ed25519 public key's 32 bytes."""
    return encode(ED25519_PUBLIC_KEY_HEADER + key)


def decode_public_key(text: str) -> bytes:
    """The 32 bytes of an Ed25519 public key. Raises NotMultibase, also for another kind of key."""
    data = decode(text, len(ED25519_PUBLIC_KEY_HEADER) + ED25519_PUBLIC_KEY_BYTES)
    if not data.startswith(ED25519_PUBLIC_KEY_HEADER):
        raise NotMultibase("it is not an Ed25519 public key")
    return data[len(ED25519_PUBLIC_KEY_HEADER) :]
