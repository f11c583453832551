"""Erasing a person: the registry walked in each binding, each binding in one transaction.

What a binding's transaction did stands in its receipt, written in the same transaction: however
often the worker is killed, nothing is erased twice and no count is lost.
"""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from passerelle.kernel import actor as actors
from passerelle.kernel.database import (
    CarrierTransaction,
    Database,
    PersonTransaction,
    TenantTransaction,
)
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.personal_data import PersonalTable
from passerelle.people import service as people
from passerelle.people import store as people_store
from tenants.access.sessions import Sessions
from tenants.audit import redaction
from tenants.privacy import person_store, store
from tenants.privacy.catalogue import read_catalogue
from tenants.privacy.model import (
    NAMES_STAY,
    Did,
    Known,
    MemberErased,
    MemberErasure,
    OrganisationErased,
    PartErased,
    Receipt,
)
from tenants.privacy.statements import (
    count_rows,
    erase_rows,
    in_order_of_erasure,
    of_owner,
    value_of,
)

TASK: Final = "privacy.erasure"
REASON: Final = "A person was erased"
DID: Final[dict[str, Did]] = {"delete": "deleted", "anonymise": "anonymised", "keep": "kept"}


async def erase_in_tenant(
    tx: TenantTransaction, erasure: MemberErasure, known: Known
) -> list[PartErased]:
    """The tenant's part, in the caller's transaction: rows, words on record, receipt, tombstone."""
    catalogue = await read_catalogue(tx)
    parts = []
    for entry in in_order_of_erasure(of_owner("tenant"), catalogue):
        if entry.erasure != "redact":
            parts.append(await _erase_part(tx, entry, known))
    redacted = await store.redact(tx, known, NAMES_STAY)
    await redaction.record(tx, redacted, receipt_id=erasure.id, reason=REASON)
    parts.append(PartErased("tenant_event", "redacted", len(redacted)))
    parts = [part for part in parts if part.rows]
    await store.finish_erasure(tx, erasure.id, parts)
    if erasure.asked_by == "officer":
        await store.keep_tombstone(tx, erasure.id, known.person_id)
    await emit(tx, "member.erased", MemberErased(erasure.id, parts), subject=erasure.id)
    return parts


async def _erase_part(tx: TenantTransaction, entry: PersonalTable, known: Known) -> PartErased:
    value = value_of(entry, known)
    if value is None:
        return PartErased(entry.name, DID[entry.erasure], 0)
    sql = erase_rows(entry)
    if sql is None:
        kept: int = await tx.fetch_value(count_rows(entry), tx.tenant_id, value)
        return PartErased(entry.name, "kept", kept)
    return PartErased(entry.name, DID[entry.erasure], await tx.execute(sql, tx.tenant_id, value))


async def erase_member(
    database: Database, sessions: Sessions, tenant_id: UUID, erasure_id: UUID
) -> bool:
    """An officer's erasure that is due. False where it is done, taken back or in other hands."""
    async with database.tenant(tenant_id, actors.system(TASK, tenant_id), standing=False) as tx:
        erasure = await store.lock_erasure(tx, erasure_id)
        if erasure is None or erasure.person_id is None or erasure.cancelled_at is not None:
            return False
        if erasure.finished_at is not None or erasure.due_at > datetime.now(UTC):
            return False
        person_id = erasure.person_id
        known = await store.known(tx, person_id)
        await sessions.close_of_person(person_id)
        await erase_in_tenant(tx, erasure, known or Known(person_id, None, None))
    await sessions.close_of_person(person_id)
    return True


async def erase_person(
    database: Database, sessions: Sessions, person_id: UUID, erasure_id: UUID
) -> Receipt | None:
    """A person's own erasure that is due, from wherever it stopped. None where there is none."""
    actor = actors.system(TASK)
    async with database.person(person_id, actor) as person_tx:
        begun = await _begin(person_tx, erasure_id)
    if begun is None:
        return None
    known, requested_at, tenants = begun
    await sessions.close_of_person(person_id)
    organisations = [
        OrganisationErased(one, await _part_of(database, one, erasure_id, known, requested_at))
        for one in tenants
    ]
    async with database.person(person_id, actor) as person_tx:
        receipt = await _end(person_tx, erasure_id, requested_at, organisations)
    await sessions.close_of_person(person_id)
    return receipt


async def _begin(
    tx: PersonTransaction, erasure_id: UUID
) -> tuple[Known, datetime, list[UUID]] | None:
    """Ends every sharing, its projections with it, and fixes whose parts there are."""
    erasure = await person_store.lock_erasure(tx, erasure_id)
    known = await person_store.known(tx)
    if erasure is None or known is None or erasure.cancelled_at is not None:
        return None
    if erasure.due_at > datetime.now(UTC):
        return None
    for sharing in await people_store.sharings(tx):
        if sharing.is_live(datetime.now(UTC)):
            await people.withdraw(tx, sharing.id)
    tenants = erasure.tenants
    if tenants is None:
        tenants = await person_store.tenants_of_person(tx)
        await person_store.begin_erasure(tx, erasure_id, tenants)
    return known, erasure.requested_at, tenants


async def _part_of(
    database: Database, tenant_id: UUID, erasure_id: UUID, person: Known, requested_at: datetime
) -> list[PartErased]:
    """One organisation's part of a person's own erasure; done before, it is told again."""
    async with database.tenant(tenant_id, actors.system(TASK, tenant_id), standing=False) as tx:
        await store.ask_erasure(
            tx, erasure_id, person.person_id, "person", "", requested_at, requested_at
        )
        erasure = await store.lock_erasure(tx, erasure_id)
        if erasure is None:
            # An officer's own erasure of the same person is open: this one takes its place.
            return await _take_over(tx, erasure_id, person)
        if erasure.parts is not None:
            return erasure.parts
        known = await store.known(tx, person.person_id) or person
        return await erase_in_tenant(tx, erasure, known)


async def _take_over(tx: TenantTransaction, erasure_id: UUID, person: Known) -> list[PartErased]:
    open_one = await store.open_erasure_of(tx, person.person_id)
    held = open_one and await store.lock_erasure(tx, open_one.id)
    if not held:
        return []
    known = await store.known(tx, person.person_id) or person
    return await erase_in_tenant(tx, held, known)


async def _end(
    tx: PersonTransaction,
    erasure_id: UUID,
    requested_at: datetime,
    organisations: list[OrganisationErased],
) -> Receipt | None:
    """The person's own rows, the last of all the person; and the receipt, in one transaction."""
    if await person_store.lock_erasure(tx, erasure_id) is None:
        return None
    counts = await person_store.erase_own_record(tx)
    counts.update(await person_store.erase_own_rows(tx))
    own = [PartErased(table, "deleted", rows) for table, rows in counts.items() if rows]
    receipt = Receipt(
        id=erasure_id,
        requested_at=requested_at,
        erased_at=datetime.now(UTC),
        own=own,
        organisations=organisations,
    )
    await person_store.keep_receipt(tx, receipt)
    return receipt


async def forget_again(tx: CarrierTransaction, exported_at: datetime) -> int:
    """After an import: whoever was erased here since the file was made is erased again."""
    erased = await store.erased_since(tx, exported_at)
    now = datetime.now(UTC)
    for person_id in erased:
        erasure_id = new_id()
        await store.ask_erasure(tx, erasure_id, person_id, "import", "", now, now)
        erasure = await store.lock_erasure(tx, erasure_id)
        if erasure is None:
            erasure = await store.open_erasure_of(tx, person_id)
        if erasure is not None:
            known = await store.known(tx, person_id)
            await erase_in_tenant(tx, erasure, known or Known(person_id, None, None))
    return len(erased)
