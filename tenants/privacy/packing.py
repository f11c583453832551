"""A person's own copy: a ZIP of JSON files, one a table, and the credentials as they were issued.

What an organisation holds is read in that organisation's own binding, and what is about somebody
else, or secret, stays out (`withheld` on the map). `index.json` says what each file is.
"""

import tempfile
import zipfile
from collections.abc import AsyncIterator
from typing import IO, Any, Final
from uuid import UUID

import msgspec

from passerelle.credentials import did
from passerelle.credentials import store as credentials
from passerelle.kernel import actor as actors
from passerelle.kernel.database import PersonRead, TenantRead
from passerelle.kernel.events import emit
from passerelle.kernel.language import Localised
from passerelle.kernel.personal_data import PersonalTable
from passerelle.kernel.work import Work
from tenants.privacy import person_store, store
from tenants.privacy.model import EXPORT_HOURS, AnyRow, ExportMade, Known
from tenants.privacy.statements import of_owner, select_rows, value_of

TASK: Final = "privacy.export"
LIMIT_BYTES: Final = 2_000_000_000
SPOOLED_BYTES: Final = 8_000_000
PIECE_BYTES: Final = 1_048_576
FORMAT: Final = "passerelle-person/1"


def object_name(export_id: UUID) -> str:
    return f"privacy/exports/{export_id}.zip"


class Described(msgspec.Struct, frozen=True):
    """A file of the export, in words."""

    file: str
    table: str
    purpose: Localised
    ground: str
    rows: int
    organisation: Localised | None = None


class Index(msgspec.Struct, frozen=True):
    format: str
    person_id: UUID
    files: list[Described]
    credentials: list[str]


class Packer:
    """Writes JSON files into a ZIP and remembers what they are."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED)
        self.files: list[Described] = []
        self.credentials: list[str] = []

    def rows(
        self, folder: str, entry: PersonalTable, rows: list[AnyRow], organisation: Localised | None
    ) -> None:
        if not rows:
            return
        left_out = {*entry.withheld, *(("document",) if entry.table != "issued_credential" else ())}
        shown = [
            {column: value for column, value in row.row.items() if column not in left_out}
            for row in rows
        ]
        name = f"{folder}/{entry.name}.json"
        self.write(name, shown)
        self.files.append(
            Described(name, entry.table, entry.purpose, entry.ground, len(rows), organisation)
        )

    def write(self, name: str, content: Any) -> None:
        self._zip.writestr(name, msgspec.json.format(msgspec.json.encode(content), indent=1))

    def credential(self, credential_id: str, document: str) -> None:
        """Byte for byte as it was issued: its proof holds over these bytes' content."""
        name = f"credentials/{credential_id}.json"
        self._zip.writestr(name, document.encode())
        self.credentials.append(name)

    def close(self, person_id: UUID) -> None:
        self.write("index.json", Index(FORMAT, person_id, self.files, self.credentials))
        self._zip.close()


async def pack_person(work: Work, person_id: UUID, export_id: UUID) -> bool:
    """Makes the export that was asked for. False where it is made already, or not wanted."""
    actor = actors.system(TASK)
    read = work.database.person_reader(person_id, actor)
    wanted = await person_store.export(read, export_id)
    if wanted is None or not wanted.is_open:
        return False
    known = await person_store.known(read)
    if known is None:
        return False
    with tempfile.SpooledTemporaryFile(SPOOLED_BYTES) as stream:
        packer = Packer(stream)
        await _pack(work, packer, read, known, export_id)
        packer.close(person_id)
        stream.seek(0)
        async with work.database.person(person_id, actor) as tx:
            kept = await work.objects.put(
                tx,
                object_name(export_id),
                pieces(stream),
                limit_bytes=LIMIT_BYTES,
            )
            if not await person_store.export_ready(
                tx, export_id, kept.name, kept.size_bytes, kept.digest, EXPORT_HOURS
            ):
                return False
            made = ExportMade(export_id, kept.size_bytes, kept.digest)
            await emit(tx, "export.made", made, subject=export_id)
    return True


async def _pack(
    work: Work, packer: Packer, read: PersonRead, known: Known, export_id: UUID
) -> None:
    tenants = await person_store.tenants_of_person(read)
    total = len(tenants) + 2
    for entry in of_owner("person"):
        rows = await read.fetch(AnyRow, select_rows(entry), known.person_id)
        packer.rows("own", entry, rows, None)
        if entry.table == "wallet_credential":
            for row in rows:
                packer.credential(row.row["id"], row.row["document"])
    await _progress(work, known.person_id, export_id, 1, total)
    issuers: set[str] = set()
    for done, tenant_id in enumerate(tenants, 2):
        tenant = work.database.tenant_reader(
            tenant_id, actors.system(TASK, tenant_id), standing=False
        )
        await pack_tenant(packer, tenant, known)
        await _keys(packer, tenant, issuers)
        await _progress(work, known.person_id, export_id, done, total)


async def pack_tenant(packer: Packer, read: TenantRead, person: Known) -> None:
    """What one organisation holds of the person, in the organisation's own binding."""
    organisation = await credentials.organisation(read)
    if organisation is None:
        return
    known = await store.known(read, person.person_id) or person
    folder = f"organisations/{organisation.slug}"
    for entry in of_owner("tenant"):
        value = value_of(entry, known)
        if value is not None:
            rows = await read.fetch(AnyRow, select_rows(entry), read.tenant_id, value)
            packer.rows(folder, entry, rows, organisation.name)


async def _keys(packer: Packer, read: TenantRead, issuers: set[str]) -> None:
    """The issuer's DID documents, so that the credentials verify without us."""
    keys = await credentials.issuer_keys(read)
    for controller in {key.controller for key in keys} - issuers:
        issuers.add(controller)
        named = [key.public_key for key in keys if key.controller == controller]
        file = controller.replace(":", "_").replace("%", "_")
        packer.write(f"credentials/issuers/{file}.json", did.document(controller, named))


async def _progress(work: Work, person_id: UUID, export_id: UUID, done: int, total: int) -> None:
    async with work.database.person(person_id, actors.system(TASK)) as tx:
        await person_store.export_progress(tx, export_id, done, total)


async def pieces(stream: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := stream.read(PIECE_BYTES):
        yield piece
