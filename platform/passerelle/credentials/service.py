"""Issuing and revoking credentials.

`issue` writes down that a credential is due, in the transaction in which it was earned; a listener
(tasks) signs it, and another brings the copy to the person's wallet. Each step is done once,
whatever stops in between.
"""

import asyncio
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

import msgspec

from passerelle.credentials import badge, did, keys, proof, store
from passerelle.credentials.model import (
    REASON_LIMIT_CHARACTERS,
    SKILLS_PER_ACHIEVEMENT_LIMIT,
    Achievement,
    CredentialDue,
    CredentialIssued,
    CredentialRevoked,
    IssuedCredential,
    NewAchievement,
    Organisation,
)
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import Conflict, Invalid, NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_, Locale
from passerelle.kernel.secrets import Vault
from passerelle.skills import store as skills
from passerelle.skills.model import LEVEL_LIMIT, SKILL_URI, UnknownSkill
from passerelle.web.formats import format_number
from passerelle.web.language import speaking, translate

ESCO: Final = "ESCO"


class UnknownAchievement(NotFound):
    title = N_("There is no such achievement")
    mend = N_("Choose one of the achievements of your organisation.")


class UnknownCredential(NotFound):
    title = N_("There is no such credential")
    mend = N_("Check the address: it stands in the credential itself, and in the holder's wallet.")


class TooManySkills(Invalid):
    title = N_("An achievement proves at most 64 skills")
    mend = N_("Leave out the skills that matter least.")


class NotSignedYet(Conflict):
    title = N_("This credential is still being signed")
    mend = N_("Wait a moment, then try again.")


class ReasonMissing(Invalid):
    title = N_("A revocation needs a reason")
    mend = N_("Write why, in at most 500 characters.")


async def save_achievement(tx: TenantTransaction, new: NewAchievement) -> UUID:
    """Creates the achievement, or brings the one with its code up to date; returns its id.

    What was issued already stays as it was signed. Raises TooManySkills, UnknownSkill.
    """
    if len(new.skills) > SKILLS_PER_ACHIEVEMENT_LIMIT:
        raise TooManySkills()
    unknown = {skill.skill_id for skill in new.skills}
    unknown -= await skills.known_skills(tx, list(unknown))
    if unknown:
        raise UnknownSkill(", ".join(sorted(map(str, unknown))))
    achievement_id = await store.save_achievement(tx, new)
    await store.replace_skills(tx, achievement_id, new)
    return achievement_id


async def issue(
    tx: TenantTransaction,
    *,
    person_id: UUID,
    achievement_id: UUID,
    attempt_id: UUID,
    earned_at: datetime | None = None,
) -> UUID:
    """Makes a credential due for what an attempt earned; returns its id, the same on a repeat.

    Raises UnknownAchievement.
    """
    if await store.achievement(tx, achievement_id) is None:
        raise UnknownAchievement()
    credential_id = await store.insert_credential(
        tx, person_id, achievement_id, attempt_id, earned_at
    )
    if credential_id is None:
        existing = await store.credential_of_attempt(tx, attempt_id)
        if existing is None:
            raise UnknownCredential()
        return existing
    due = CredentialDue(credential_id, person_id, achievement_id)
    await emit(tx, "credential.due", due, subject=credential_id, person_id=person_id)
    return credential_id


async def sign(tx: TenantTransaction, credential_id: UUID, vault: Vault, public_url: str) -> None:
    """Signs a credential that is due, with the tenant's own key; one signed already stays so.

    Raises UnknownCredential, UnknownAchievement.
    """
    due = await store.lock_credential(tx, credential_id)
    organisation = await store.organisation(tx)
    if due is None or organisation is None:
        raise UnknownCredential()
    if due.document is not None or due.person_id is None:
        return
    now = datetime.now(UTC)
    document = await signed_document(tx, due, organisation, vault, public_url, now)
    await store.keep_document(tx, due.id, document, now)
    issued = CredentialIssued(due.id, due.person_id)
    await emit(tx, "credential.issued", issued, subject=due.id, person_id=due.person_id)


async def signed_document(
    tx: TenantTransaction,
    due: IssuedCredential,
    organisation: Organisation,
    vault: Vault,
    public_url: str,
    signed_at: datetime,
) -> str:
    """The credential as it is handed out, signed with the tenant's current key.

    Raises UnknownCredential where its holder was erased, UnknownAchievement.
    """
    if due.person_id is None:
        raise UnknownCredential()
    issuer = did.issuer_did(public_url, organisation.slug)
    key = await keys.current_key(tx, vault, issuer)
    unsigned = await _compose(tx, due, due.person_id, organisation, issuer, public_url)
    signed = await asyncio.to_thread(
        proof.sign,
        unsigned,
        keys.opened(tx, vault, key),
        did.method_id(issuer, key.public_key),
        signed_at,
    )
    return badge.encode(signed)


async def revoke(tx: TenantTransaction, credential_id: UUID, reason: str) -> datetime:
    """Says in public that a credential no longer stands; returns since when.

    Revoking it twice changes nothing more. Raises ReasonMissing, UnknownCredential, NotSignedYet.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_LIMIT_CHARACTERS:
        raise ReasonMissing(errors={"reason": ReasonMissing.mend})
    found = await store.lock_credential(tx, credential_id)
    if found is None:
        raise UnknownCredential()
    if found.revoked_at is not None:
        return found.revoked_at
    if found.issued_at is None:
        raise NotSignedYet()
    revoked_at = await store.revoke_credential(tx, credential_id, reason)
    await emit(
        tx,
        "credential.revoked",
        CredentialRevoked(credential_id, found.person_id, revoked_at),
        subject=credential_id,
        person_id=found.person_id,
        reason=reason,
    )
    return revoked_at


async def _compose(
    tx: TenantTransaction,
    due: IssuedCredential,
    person_id: UUID,
    organisation: Organisation,
    issuer: str,
    public_url: str,
) -> badge.Credential:
    """The document, in the language of the organisation that speaks in it."""
    achievement = await store.achievement(tx, due.achievement_id)
    if achievement is None:
        raise UnknownAchievement()
    locale = organisation.default_locale
    return badge.compose(
        credential_id=f"{public_url}/verify/{due.id}",
        issuer=badge.Profile(id=issuer, type=("Profile",), name=organisation.name.in_(locale)),
        # A name for the holder that no other issuer uses, so that two can't be joined by it.
        subject_id=f"urn:uuid:{uuid5(tx.tenant_id, str(person_id))}",
        subject_name=await store.holder_name(tx, person_id),
        achievement=await _described(tx, achievement, locale),
        valid_from=due.earned_at,
    )


async def _described(
    tx: TenantTransaction, achievement: Achievement, locale: Locale
) -> badge.Achievement:
    names = await skills.labels(tx, [skill.skill_id for skill in achievement.skills], locale)
    alignment = [
        badge.Alignment(
            type=("Alignment",),
            target_name=names[skill.skill_id],
            target_url=f"{SKILL_URI}{skill.skill_id}",
            target_framework=ESCO,
            target_description=level_text(skill.level, locale),
        )
        for skill in achievement.skills
    ]
    return badge.Achievement(
        id=f"urn:uuid:{achievement.id}",
        type=("Achievement",),
        name=achievement.name.in_(locale),
        description=achievement.description.in_(locale),
        criteria=badge.Criteria(narrative=achievement.criteria.in_(locale)),
        achievement_type="Certification",
        in_language=locale,
        human_code=achievement.code,
        alignment=alignment or msgspec.UNSET,
    )


def level_text(level: int, locale: Locale) -> str:
    """A skill's level in words, in a language."""
    with speaking(locale):
        return translate(
            N_("Level %(level)s of %(levels)s"),
            level=format_number(level),
            levels=format_number(LEVEL_LIMIT),
        )
