"""Use cases of the skills room: search the taxonomy, and record what a person has proven."""

from collections.abc import Sequence
from uuid import UUID

from passerelle.kernel.database import PersonRead, PersonTransaction, TenantRead
from passerelle.kernel.events import emit
from passerelle.skills import store
from passerelle.skills.folding import folded
from passerelle.skills.model import (
    EVIDENCE_BATCH_LIMIT,
    LEVEL_LIMIT,
    SEARCH_LENGTH_LIMIT,
    SEARCH_RESULTS_LIMIT,
    EvidenceChanged,
    EvidenceInvalid,
    NewEvidence,
    SkillLabel,
    UnknownSkill,
)


async def search(read: TenantRead | PersonRead, text: str, locale: str) -> list[SkillLabel]:
    """Skills whose name in a language holds the text, best first; at most SEARCH_RESULTS_LIMIT.

    Accents, vowel marks and the alike letters of Arabic make no difference. Fewer than two
    letters find nothing.
    """
    wanted = folded(text[:SEARCH_LENGTH_LIMIT]).replace("_", r"\_")
    if len(wanted) < 2:
        return []
    return await store.search(read, wanted, locale, SEARCH_RESULTS_LIMIT)


async def record_evidence(tx: PersonTransaction, proven: Sequence[NewEvidence]) -> int:
    """Records verified results; returns how many were new.

    The same result twice is recorded once. Emits `evidence.changed` where something was new.
    Raises EvidenceInvalid and UnknownSkill, and then records none of them.
    """
    _check(proven)
    asked = {one.skill_id for one in proven}
    unknown = asked - await store.known_skills(tx, list(asked))
    if unknown:
        raise UnknownSkill(f"not in the taxonomy: {', '.join(sorted(map(str, unknown)))}")
    changed = await store.record(tx, proven)
    await _tell(tx, changed)
    return len(changed)


async def forget_evidence_of_credential(tx: PersonTransaction, credential_id: UUID) -> int:
    """Removes what a credential proved, once it is revoked or given back; returns how many rows."""
    changed = await store.forget_credential(tx, credential_id)
    await _tell(tx, changed)
    return len(changed)


async def _tell(tx: PersonTransaction, skill_ids: Sequence[UUID]) -> None:
    if skill_ids:
        payload = EvidenceChanged(sorted(set(skill_ids)))
        await emit(tx, "evidence.changed", payload, subject=tx.person_id)


def _check(proven: Sequence[NewEvidence]) -> None:
    if len(proven) > EVIDENCE_BATCH_LIMIT:
        raise EvidenceInvalid(f"more than {EVIDENCE_BATCH_LIMIT} results at once")
    for one in proven:
        if not 1 <= one.level <= LEVEL_LIMIT:
            raise EvidenceInvalid(f"level {one.level} of skill {one.skill_id}: 1 to {LEVEL_LIMIT}")
        if one.proven_at.tzinfo is None or (one.expires_at and one.expires_at <= one.proven_at):
            raise EvidenceInvalid(f"dates of skill {one.skill_id}: it expires after it is proven")
