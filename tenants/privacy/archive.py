"""The file that holds a whole tenant: a ZIP of tables as JSON lines, of objects, and a manifest.

`manifest.json` names every part with its size and SHA-256; `manifest.mac` is its HMAC-SHA-256 under
a key that scrypt makes of the passphrase. Nothing is unpacked by a name that stands in the file.
README.md says the format for other programs.
"""

import hashlib
import hmac
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import N_

FORMAT: Final = "passerelle-tenant"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
MAC: Final = "manifest.mac"
MANIFEST_LIMIT_BYTES: Final = 32_000_000
LINE_LIMIT_BYTES: Final = 64_000_000
PARTS_LIMIT: Final = 1_000_000
#: Text shrinks to a twentieth, rarely to a fiftieth; beyond this it is a bomb.
RATIO_LIMIT: Final = 200
ARCHIVE_LIMIT_BYTES: Final = 100_000_000_000
PIECE_BYTES: Final = 1_048_576
PASSPHRASE_LEAST_CHARACTERS: Final = 12
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1


class ArchiveRefused(Invalid):
    """The detail says what is wrong with it; nothing of it was taken."""

    title = N_("This file can't be brought in")
    mend = N_("Export the organisation again, carry the file over unchanged, and try once more.")


class PassphraseWrong(Invalid):
    title = N_("The passphrase doesn't open this file, or the file was changed")
    mend = N_("Give the passphrase under which it was exported.")


class PassphraseTooShort(Invalid):
    title = N_("The passphrase is too short")
    mend = N_("Choose at least 12 characters.")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the ZIP. A table's has columns and rows; an object's has its identifier."""

    name: str
    size_bytes: int
    sha256: str
    table: str | None = None
    columns: list[str] | None = None
    rows: int | None = None
    object_id: UUID | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: str
    version: int
    # Of the tables and columns: an installation of another version refuses the file.
    schema_fingerprint: str
    tenant_id: UUID
    slug: str
    exported_at: str
    exported_from: str
    # What the passphrase's key is made with.
    salt: str
    # Table of reference data → column → the values that rows refer to.
    needs: dict[str, dict[str, list[str]]]
    # Effects of events that were not carried out when it was exported.
    open_effects: int
    parts: list[Part]


class Keys(msgspec.Struct, frozen=True):
    """Made of the passphrase: one seals the tenant's secrets, the other proves the manifest."""

    sealing: bytes
    proving: bytes


def derive(passphrase: str, salt: bytes) -> Keys:
    """scrypt (RFC 7914). Raises PassphraseTooShort."""
    if len(passphrase) < PASSPHRASE_LEAST_CHARACTERS:
        raise PassphraseTooShort(errors={"passphrase": PassphraseTooShort.mend})
    both = Scrypt(salt=salt, length=64, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(
        passphrase.encode()
    )
    return Keys(both[:32], both[32:])


def new_salt() -> bytes:
    return os.urandom(16)


class Writer:
    """Writes parts one after another; memory holds a piece at a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self.parts: list[Part] = []

    def open_part(self, name: str) -> "PartWriter":
        return PartWriter(self._zip.open(name, "w", force_zip64=True))

    def finish(self, manifest: Manifest, keys: Keys) -> None:
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        self._zip.writestr(MANIFEST, content)
        self._zip.writestr(MAC, hmac.digest(keys.proving, content, "sha256").hex())
        self._zip.close()


class PartWriter:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def write(self, piece: bytes) -> None:
        self._stream.write(piece)
        self._hash.update(piece)
        self.size_bytes += len(piece)

    def close(self) -> str:
        """The digest of what was written."""
        self._stream.close()
        return self._hash.hexdigest()


class Reader:
    """A file that is not trusted: checked before a byte of it is used, and again while it is read.

    Raises ArchiveRefused or PassphraseWrong.
    """

    def __init__(self, path: Path, passphrase: str) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
            infos = self._zip.infolist()
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise ArchiveRefused(f"It is not a whole ZIP file: {error}") from None
        self._check_sizes(infos, path.stat().st_size)
        content = self._small(MANIFEST, MANIFEST_LIMIT_BYTES)
        self.manifest = _manifest(content)
        self.keys = derive(passphrase, _salt(self.manifest))
        proof = self._small(MAC, 64)
        if not hmac.compare_digest(
            hmac.digest(self.keys.proving, content, "sha256").hex().encode(), proof
        ):
            raise PassphraseWrong()
        self._check_names(infos)

    def close(self) -> None:
        self._zip.close()

    def pieces(self, part: Part) -> Iterator[bytes]:
        """The part's bytes. A digest that doesn't hold is found at the end, and refused."""
        digest, left = hashlib.sha256(), part.size_bytes
        try:
            with self._zip.open(part.name) as stream:
                while piece := stream.read(PIECE_BYTES):
                    left -= len(piece)
                    if left < 0:
                        raise ArchiveRefused(f"{part.name} is larger than it says")
                    digest.update(piece)
                    yield piece
        except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
            raise ArchiveRefused(f"{part.name} can't be read: {error}") from None
        if left or not hmac.compare_digest(digest.hexdigest(), part.sha256):
            raise ArchiveRefused(f"{part.name} was changed since it was exported")

    def lines(self, part: Part) -> Iterator[bytes]:
        held = b""
        for piece in self.pieces(part):
            *whole, held = (held + piece).split(b"\n")
            yield from whole
            if len(held) > LINE_LIMIT_BYTES:
                raise ArchiveRefused(f"{part.name} holds a line of over {LINE_LIMIT_BYTES} bytes")
        if held:
            raise ArchiveRefused(f"{part.name} ends in the middle of a line")

    def _small(self, name: str, limit: int) -> bytes:
        try:
            with self._zip.open(name) as stream:
                content = stream.read(limit + 1)
        except KeyError:
            raise ArchiveRefused(f"It holds no {name}") from None
        except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError) as error:
            raise ArchiveRefused(f"{name} can't be read: {error}") from None
        if len(content) > limit:
            raise ArchiveRefused(f"{name} is larger than {limit} bytes")
        return content

    def _check_sizes(self, infos: list[zipfile.ZipInfo], file_bytes: int) -> None:
        if len(infos) > PARTS_LIMIT:
            raise ArchiveRefused(f"It holds more than {PARTS_LIMIT} parts")
        whole = sum(info.file_size for info in infos)
        if whole > ARCHIVE_LIMIT_BYTES or whole > RATIO_LIMIT * max(file_bytes, 10_000):
            raise ArchiveRefused(f"It would unpack to {whole} bytes")
        if any(info.flag_bits & 1 for info in infos):
            raise ArchiveRefused("A part is encrypted")

    def _check_names(self, infos: list[zipfile.ZipInfo]) -> None:
        """The names are those that we give, each once, and as large as the manifest says."""
        told = {part.name: part for part in self.manifest.parts}
        for part in self.manifest.parts:
            ours = f"objects/{part.object_id}" if part.object_id else f"tables/{part.table}.jsonl"
            if part.name != ours:
                raise ArchiveRefused(f"A part has a name that we don't give: {part.name[:80]!r}")
        found = [info.filename for info in infos]
        if sorted(found) != sorted([*told, MANIFEST, MAC]) or len(told) + 2 != len(found):
            raise ArchiveRefused("Its parts are not those that the manifest names")
        for info in infos:
            if info.filename in told and info.file_size != told[info.filename].size_bytes:
                raise ArchiveRefused(f"{info.filename} is not as large as the manifest says")


def _manifest(content: bytes) -> Manifest:
    class Version(msgspec.Struct):
        format: str
        version: int

    try:
        kind = msgspec.json.decode(content, type=Version)
        if (kind.format, kind.version) != (FORMAT, VERSION):
            raise ArchiveRefused(f"It is of kind {kind.format[:40]!r}, version {kind.version}")
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise ArchiveRefused(f"{MANIFEST} can't be read: {error}") from None


def _salt(manifest: Manifest) -> bytes:
    try:
        salt = bytes.fromhex(manifest.salt)
    except ValueError:
        salt = b""
    if len(salt) != 16:
        raise ArchiveRefused(f"{MANIFEST} can't be read: the salt is not 16 bytes")
    return salt
