"""What follows on events: a due credential is signed, a signed one goes to the person's wallet."""

from uuid import UUID

from passerelle.credentials import service, store, wallet_store
from passerelle.credentials.model import (
    CredentialDue,
    CredentialIssued,
    CredentialReceived,
    CredentialRevoked,
    WalletCredential,
)
from passerelle.kernel import actor as actors
from passerelle.kernel.events import Event, emit, worker_listener
from passerelle.kernel.tasks import Work
from passerelle.skills import service as skills
from passerelle.skills.model import NewEvidence

SIGNING = "credentials.sign"
DELIVERY = "credentials.deliver"


class WalletCopyMissing(Exception):
    """A revocation overtook the delivery; the outbox brings it again."""


@worker_listener("credential.due", CredentialDue)
async def sign_credential(work: Work, event: Event[CredentialDue]) -> None:
    """Signs it with the tenant's key; one that is signed already is left alone."""
    actor = actors.system(SIGNING, event.tenant_id)
    async with work.database.tenant(event.tenant_id, actor) as tx:
        await service.sign(tx, event.payload.credential_id, work.vault, work.settings.public_url)


@worker_listener("credential.issued", CredentialIssued)
async def deliver_to_wallet(work: Work, event: Event[CredentialIssued]) -> None:
    """Puts the copy into the wallet and its skills on record as evidence, in one transaction."""
    copy = await _copy(work, event.tenant_id, event.payload.credential_id)
    if copy is None:
        return
    async with work.database.person(event.payload.person_id, actors.system(DELIVERY)) as tx:
        if not await wallet_store.put(tx, copy):
            return
        if copy.revoked_at is None:
            await skills.record_evidence(tx, _evidence(copy))
        received = CredentialReceived(copy.id, copy.tenant_id, copy.achievement_name)
        await emit(tx, "credential.received", received, subject=copy.id, tenant_id=copy.tenant_id)


@worker_listener("credential.revoked", CredentialRevoked)
async def mark_in_wallet(work: Work, event: Event[CredentialRevoked]) -> None:
    """Marks the person's copy, and takes back what it proved."""
    if event.payload.person_id is None:
        return
    async with work.database.person(event.payload.person_id, actors.system(DELIVERY)) as tx:
        if not await wallet_store.mark_revoked(
            tx, event.payload.credential_id, event.payload.revoked_at
        ):
            raise WalletCopyMissing(event.payload.credential_id)
        await skills.forget_evidence_of_credential(tx, event.payload.credential_id)


def _evidence(copy: WalletCredential) -> list[NewEvidence]:
    return [
        NewEvidence(
            skill_id=skill.skill_id,
            level=skill.level,
            kind="credential",
            proven_at=copy.earned_at,
            credential_id=copy.id,
        )
        for skill in copy.skills
    ]


async def _copy(work: Work, tenant_id: UUID, credential_id: UUID) -> WalletCredential | None:
    """What the wallet keeps of a signed credential; None for one whose holder was erased."""
    reader = work.database.tenant_reader(tenant_id, actors.system(DELIVERY, tenant_id))
    issued = await store.credential(reader, credential_id)
    organisation = await store.organisation(reader)
    if issued is None or issued.document is None or organisation is None:
        return None
    achievement = await store.achievement(reader, issued.achievement_id)
    if achievement is None:
        return None
    return WalletCredential(
        id=issued.id,
        tenant_id=tenant_id,
        document=issued.document,
        issuer_name=organisation.name,
        achievement_name=achievement.name,
        skills=achievement.skills,
        earned_at=issued.earned_at,
        revoked_at=issued.revoked_at,
    )
