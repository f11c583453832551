"""What pages show of a credential: its own signed words, and the same in the reader's language."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from passerelle.credentials import badge, store
from passerelle.credentials.model import Check, Outcome, ProvenSkill, StepName, WalletCredential
from passerelle.credentials.service import level_text
from passerelle.kernel.actor import system
from passerelle.kernel.database import Database, PersonRead
from passerelle.kernel.language import N_
from passerelle.skills import store as skills
from passerelle.skills.model import SKILL_URI
from passerelle.web.bridge import Bridge, Drawing, Proof, Requirement, Span, draw
from passerelle.web.language import current

TITLES: Final[dict[Outcome, str]] = {
    "valid": N_("This credential is valid"),
    "revoked": N_("This credential was revoked"),
    "not-valid": N_("This credential is not valid"),
    "not-known": N_("This credential is not known here"),
}
LEADS: Final[dict[Outcome, str]] = {
    "valid": N_("What it says is what its issuer signed, and it stands today."),
    "revoked": N_("Its issuer signed it, and took it back since. Do not rely on it."),
    "not-valid": N_("Do not rely on it. Below is the step at which the check failed."),
    "not-known": N_(
        "We can't say whether it is genuine. Ask whoever gave it to you, or its issuer."
    ),
}
#: What each step says when it held, and when it did not.
STEP_TEXTS: Final[dict[StepName, tuple[str, str]]] = {
    "issuer": (
        N_("The issuer is known here, and signed with a key of its own"),
        N_("The issuer is not known here, or the key is not one of its own"),
    ),
    "form": (
        N_("It has every part of an Open Badges 3.0 credential, and nothing else"),
        N_("Parts of it are missing, or do not belong in a credential"),
    ),
    "signature": (
        N_("Not a letter was changed since it was signed"),
        N_("The signature does not match: something in it was changed"),
    ),
    "dates": (N_("It is in force today"), N_("It is not in force yet, or no longer")),
    "record": (
        N_("It stands in the issuer's record"),
        N_("It does not stand in any issuer's record here"),
    ),
    "standing": (N_("Its issuer has not revoked it"), N_("Its issuer revoked it")),
}


class SkillShown(msgspec.Struct, frozen=True):
    """A skill in the reader's language; `signed_name` where the document words it otherwise."""

    name: str
    level: str | None
    signed_name: str | None = None


class CredentialShown(msgspec.Struct, frozen=True):
    """The words of a document whose signature held. `language` is the one they are in."""

    id: str
    name: str
    language: str
    translated_name: str | None
    issuer_name: str
    issuer_did: str
    did_address: str
    holder: str | None
    valid_from: datetime
    description: str
    criteria: str
    skills: list[SkillShown]
    method: str


class CopyShown(msgspec.Struct, frozen=True):
    """A credential in the wallet, in the reader's language."""

    id: UUID
    name: str
    issuer_name: str
    earned_at: datetime
    revoked_at: datetime | None
    skills: list[SkillShown]
    figure: Drawing


async def shown(database: Database, check: Check) -> CredentialShown | None:
    """What a checked credential says, with names in the current language from the record."""
    credential = check.credential
    if credential is None or credential.proof is msgspec.UNSET:
        return None
    subject = credential.credential_subject
    achievement = subject.achievement
    translated_name, names = await _translations(database, check)
    return CredentialShown(
        id=credential.id,
        name=achievement.name,
        language=achievement.in_language,
        translated_name=translated_name if translated_name != achievement.name else None,
        issuer_name=credential.issuer.name,
        issuer_did=credential.issuer.id,
        did_address=f"/t/{credential.issuer.id.rpartition(':')[2]}/did.json",
        holder=None if subject.name is msgspec.UNSET else subject.name,
        valid_from=badge.when(credential.valid_from),
        description=achievement.description,
        criteria=achievement.criteria.narrative,
        skills=[_signed_skill(one, names) for one in _alignments(credential)],
        method=credential.proof.verification_method,
    )


async def shown_copies(read: PersonRead, copies: list[WalletCredential]) -> list[CopyShown]:
    """The wallet's credentials, in the current language."""
    locale = current().locale
    wanted = {skill.skill_id for copy in copies for skill in copy.skills}
    names = await skills.labels(read, list(wanted), locale)
    return [
        CopyShown(
            id=copy.id,
            name=copy.achievement_name.in_(locale),
            issuer_name=copy.issuer_name.in_(locale),
            earned_at=copy.earned_at,
            revoked_at=copy.revoked_at,
            skills=[
                SkillShown(names[skill.skill_id], level_text(skill.level, locale))
                for skill in copy.skills
            ],
            figure=_figure(copy.skills),
        )
        for copy in copies
    ]


def _alignments(credential: badge.Credential) -> list[badge.Alignment]:
    found = credential.credential_subject.achievement.alignment
    return [] if found is msgspec.UNSET else found


def _signed_skill(alignment: badge.Alignment, names: dict[str, str]) -> SkillShown:
    name = names.get(alignment.target_url, alignment.target_name)
    level = alignment.target_description
    return SkillShown(
        name=name,
        level=None if level is msgspec.UNSET else level,
        signed_name=alignment.target_name if alignment.target_name != name else None,
    )


async def _translations(database: Database, check: Check) -> tuple[str | None, dict[str, str]]:
    """The achievement's name and its skills', by address, in the current language."""
    if check.credential is None or check.credential_id is None:
        return None, {}
    tenant_id = await store.tenant_by_credential(database.lookup, check.credential_id)
    if tenant_id is None:
        return None, {}
    reader = database.tenant_reader(
        tenant_id, system("credentials.show", tenant_id), standing=False
    )
    issued = await store.credential(reader, check.credential_id)
    achievement = issued and await store.achievement(reader, issued.achievement_id)
    if not achievement:
        return None, {}
    locale = current().locale
    labels = await skills.labels(reader, [one.skill_id for one in achievement.skills], locale)
    names = {f"{SKILL_URI}{skill_id}": label for skill_id, label in labels.items()}
    return achievement.name.in_(locale), names


def _figure(proven: list[ProvenSkill]) -> Drawing:
    """The small bridge: from the achievement to its skills, as wide as each one's level."""
    return draw(
        Bridge(
            proofs=[Proof("achievement", "")],
            requirements=[Requirement(str(skill.skill_id), "") for skill in proven],
            spans=[Span("achievement", str(skill.skill_id), skill.level) for skill in proven],
        )
    )
