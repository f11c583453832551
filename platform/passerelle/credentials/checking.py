"""Checking a credential, step by step, as anyone may: by its address or by its document.

A document is held against the key that the issuing tenant has on record; what the document says
of itself decides nothing.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from passerelle.credentials import badge, did, multibase, proof, store, wallet_store
from passerelle.credentials.model import (
    CLOCK_SKEW_S,
    STEPS,
    Check,
    IssuedCredential,
    OnRecord,
    Outcome,
    Step,
    StepName,
)
from passerelle.kernel.actor import system
from passerelle.kernel.database import Database, TenantReader

TASK = "credentials.check"


class _Ended(Exception):
    """The step that did not hold, and what follows from it."""

    def __init__(
        self, step: StepName, outcome: Outcome, credential: badge.Credential | None = None
    ) -> None:
        super().__init__(step)
        self.step = step
        self.outcome: Outcome = outcome
        self.credential = credential


class _Claim(msgspec.Struct):
    """What a document says of who signed it, whatever else its form is."""

    class Issuer(msgspec.Struct):
        id: str

    class Proof(msgspec.Struct):
        verification_method: str = msgspec.field(name="verificationMethod")

    issuer: Issuer
    proof: Proof


async def issued(database: Database, credential_id: UUID) -> IssuedCredential | None:
    """The credential that an issuer's record holds under this identifier."""
    tenant_id = await store.tenant_by_credential(database.lookup, credential_id)
    if tenant_id is None:
        return None
    return await store.credential(_reader(database, tenant_id), credential_id)


async def signed_document(database: Database, credential_id: UUID) -> str | None:
    """The signed document: the issuer's, or the holder's own where the issuer was erased."""
    found = await issued(database, credential_id)
    if found is not None:
        return found.document
    holder_id = await store.holder_of_erased_issuers(database.lookup, credential_id)
    if holder_id is None:
        return None
    read = database.person_reader(holder_id, system(TASK))
    return await wallet_store.document(read, credential_id)


async def check_by_id(database: Database, public_url: str, credential_id: UUID) -> Check:
    """Checks the credential that an issuer's record holds under this identifier."""
    document = await signed_document(database, credential_id)
    if document is None:
        return not_known(credential_id)
    return await check_document(database, public_url, badge.parse(document.encode()))


def not_known(credential_id: UUID | None) -> Check:
    """The check of a credential that no issuer's record here holds."""
    steps = [Step(name, False if name == "record" else None) for name in STEPS]
    return Check(outcome="not-known", steps=steps, credential_id=credential_id)


async def check_document(database: Database, public_url: str, document: dict[str, Any]) -> Check:
    """Checks a document that someone holds.

    Raises badge.NotACredential for one that names no issuer and no key.
    """
    try:
        claim = msgspec.convert(document, _Claim)
    except msgspec.ValidationError as error:
        raise badge.NotACredential(str(error)) from error
    try:
        credential, record = await _examined(database, public_url, document, claim)
    except _Ended as ended:
        return Check(outcome=ended.outcome, steps=_steps(ended.step), credential=ended.credential)
    if record.revoked_at is not None:
        return Check(
            outcome="revoked",
            steps=_steps("standing"),
            credential_id=record.id,
            credential=credential,
            revoked_at=record.revoked_at,
        )
    return Check(
        outcome="valid", steps=_steps(None), credential_id=record.id, credential=credential
    )


async def _examined(
    database: Database, public_url: str, document: dict[str, Any], claim: _Claim
) -> tuple[badge.Credential, OnRecord]:
    """The credential and its record, every step but the last having held. Raises _Ended."""
    reader, public_key = await _issuer(database, public_url, claim)
    try:
        credential = badge.convert(document)
    except badge.NotACredential as error:
        raise _Ended("form", "not-valid") from error
    try:
        await asyncio.to_thread(proof.check, credential, public_key)
    except proof.ProofBroken as error:
        raise _Ended("signature", "not-valid") from error
    if not _is_current(credential, datetime.now(UTC)):
        raise _Ended("dates", "not-valid", credential)
    record = await _record(reader, credential)
    if record is None or record.issued_at is None:
        raise _Ended("record", "not-known", credential)
    return credential, record


async def _issuer(database: Database, public_url: str, claim: _Claim) -> tuple[TenantReader, str]:
    """The tenant whose key the document names, bound, and that key. Raises _Ended."""
    controller, _, public_key = claim.proof.verification_method.partition("#")
    tenant_id = await _tenant_by_key(database, public_key)
    if tenant_id is None:
        slug = did.slug_of(public_url, claim.issuer.id)
        here = slug and await store.issuer_by_slug(database.lookup, slug)
        raise _Ended("issuer", "not-valid" if here else "not-known")
    reader = _reader(database, tenant_id)
    for key in await store.issuer_keys(reader):
        if key.public_key == public_key and key.controller == controller == claim.issuer.id:
            return reader, public_key
    # The key is someone else's: an issuer is only believed on keys of its own.
    raise _Ended("issuer", "not-valid")


async def _tenant_by_key(database: Database, public_key: str) -> UUID | None:
    try:
        multibase.decode_public_key(public_key)
    except multibase.NotMultibase:
        return None
    return await store.tenant_by_issuer_key(database.lookup, public_key)


async def _record(reader: TenantReader, credential: badge.Credential) -> OnRecord | None:
    try:
        credential_id = UUID(credential.id.rpartition("/")[2])
    except ValueError:
        return None
    return await store.on_record(reader, credential_id)


def _is_current(credential: badge.Credential, now: datetime) -> bool:
    try:
        begins = badge.when(credential.valid_from)
        ends = (
            None if credential.valid_until is msgspec.UNSET else badge.when(credential.valid_until)
        )
    except ValueError:
        return False
    return begins <= now + timedelta(seconds=CLOCK_SKEW_S) and (ends is None or now < ends)


def _reader(database: Database, tenant_id: UUID) -> TenantReader:
    return database.tenant_reader(tenant_id, system(TASK, tenant_id), standing=False)


def _steps(failed: StepName | None) -> list[Step]:
    """Every step: those before the failed one held, those after it were not reached."""
    reached = STEPS.index(failed) if failed else len(STEPS)
    return [
        Step(name, True if place < reached else False if place == reached else None)
        for place, name in enumerate(STEPS)
    ]
