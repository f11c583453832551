"""The credentials that were earned, each signed with the tenant's key at its own moment."""

import hashlib
from datetime import timedelta
from typing import Final
from uuid import UUID

from infra.seed.year.learning import Passed
from infra.seed.year.ledger import By, Ledger
from passerelle.credentials import service, store
from passerelle.credentials.model import (
    CredentialDue,
    CredentialIssued,
    CredentialRevoked,
    IssuedCredential,
)
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.secrets import Vault

REVOKED_SHARE: Final = 0.008
REVOCATION_REASON: Final = "Issued after an exam that was sat under another person's name."


async def issue_all(
    tx: TenantTransaction,
    ledger: Ledger,
    earned: list[Passed],
    achievement_id: UUID,
    vault: Vault,
    public_url: str,
) -> dict[UUID, UUID]:
    """Person → credential. Names come from `member`, so the members are written already."""
    organisation = await store.organisation(tx)
    if organisation is None:
        raise ValueError("the tenant is gone")
    found: dict[UUID, UUID] = {}
    for one in earned:
        credential_id = _identifier(one.attempt_id)
        signed_at = one.at + timedelta(seconds=2)
        due = IssuedCredential(
            id=credential_id,
            person_id=one.staff.person_id,
            achievement_id=achievement_id,
            earned_at=one.at,
            document=None,
            issued_at=None,
            revoked_at=None,
        )
        document = await service.signed_document(
            tx, due, organisation, vault, public_url, signed_at
        )
        _record(ledger, one, due, document)
        found[one.staff.person_id] = credential_id
    return found


def _record(ledger: Ledger, one: Passed, due: IssuedCredential, document: str) -> None:
    chance, now = ledger.calendar.chance, ledger.calendar.now
    person_id, issued_at = one.staff.person_id, one.at + timedelta(seconds=2)
    revoked_at = issued_at + timedelta(days=chance.uniform(2, 20))
    revoked = chance.random() < REVOKED_SHARE and revoked_at < now
    ledger.add(
        "issued_credential",
        tenant_id=ledger.tenant_id,
        id=due.id,
        person_id=person_id,
        achievement_id=due.achievement_id,
        attempt_id=one.attempt_id,
        earned_at=one.at,
        document=document,
        issued_at=issued_at,
        revoked_at=revoked_at if revoked else None,
        revocation_reason=REVOCATION_REASON if revoked else None,
    )
    system = By("exams.tasks.issue_credential")
    of = {"subject": due.id, "person_id": person_id}
    ledger.event(
        one.at,
        "credential.due",
        CredentialDue(due.id, person_id, due.achievement_id),
        by=system,
        **of,  # type: ignore[arg-type]
    )
    signer = By("credentials.tasks.sign_due")
    issued = CredentialIssued(due.id, person_id)
    ledger.event(issued_at, "credential.issued", issued, by=signer, **of)  # type: ignore[arg-type]
    if revoked:
        ledger.event(
            revoked_at,
            "credential.revoked",
            CredentialRevoked(due.id, person_id, revoked_at),
            by=signer,
            reason=REVOCATION_REASON,
            **of,  # type: ignore[arg-type]
        )


def _identifier(attempt_id: UUID) -> UUID:
    """Version 8 (RFC 9562 section 5.8): tells nothing of when, and is the same again."""
    value = int.from_bytes(hashlib.sha256(attempt_id.bytes).digest()[:16], "big")
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return UUID(int=value | (0x8 << 76) | (0x2 << 62))
