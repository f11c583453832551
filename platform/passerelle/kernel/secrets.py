"""Sealing of what the database must not hold in the clear: tenants' private keys."""

import base64
import os

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class SealBroken(Exception):
    """The sealed bytes don't open: other master key, other context, or changed since."""


class Vault:
    """AES-256-GCM (NIST SP 800-38D) under the master key; the context is bound to the bytes."""

    def __init__(self, master_key: str) -> None:
        key = base64.b64decode(master_key, validate=True)
        if len(key) != 32:
            raise ValueError("the master key is 32 bytes, in base64")
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes, *, context: str) -> bytes:
        """The secret sealed; `context` names its owner and use, and is needed to open it."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """The secret. Raises SealBroken."""
        try:
            return self._cipher.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode()
            )
        except (InvalidTag, ValueError):
            raise SealBroken(f"sealed bytes for {context} don't open") from None


class SealedColumn(msgspec.Struct, frozen=True):
    """A tenant's column of sealed bytes, and the context they were sealed with.

    The context names columns of the row in braces: `"issuer key {id} of tenant {tenant_id}"`. A
    tenant that moves to an installation with another master key has them sealed anew.
    """

    table: str
    column: str
    context: str


SEALED_COLUMNS: dict[tuple[str, str], SealedColumn] = {}


def register_sealed(table: str, column: str, context: str) -> None:
    SEALED_COLUMNS[table, column] = SealedColumn(table, column, context)
