"""The ledger of consents: which words were agreed to, when, by which event, and when taken back.

The words of each purpose have a version. They are shown as they stand here, so that the version on
record says what the person read; changed words are a new version, and the old one stays.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from passerelle.kernel.database import PersonTransaction
from passerelle.kernel.language import Localised, as_locale


class ConsentText(Struct, frozen=True):
    version: str
    text: Localised


#: Every version that was ever shown, the current one last.
TEXTS: Final[dict[str, list[ConsentText]]] = {
    "hiring": [
        ConsentText(
            "hiring-2026-11",
            Localised(
                en="I let this organisation see my proven skills, my profile and, once we meet, my "
                "name, and rank me among candidates by my proven skills, for hiring, until the "
                "last day that I chose. I can withdraw at any time.",
                fr="J’autorise cette organisation à voir mes compétences prouvées, mon profil et, "
                "lors d’une rencontre, mon nom, et à me classer parmi les candidats selon mes "
                "compétences prouvées, pour le recrutement, jusqu’au dernier jour que j’ai choisi. "
                "Je peux revenir sur cet accord à tout moment.",
                ar="أسمح لهذه المؤسسة بأن ترى مهاراتي المثبتة وملفي، واسمي حين نلتقي، وأن ترتّبني "
                "بين المترشحين بحسب مهاراتي المثبتة، لغرض التوظيف، حتى آخر يوم اخترته. ويمكنني "
                "سحب موافقتي في أي وقت.",
            ),
        )
    ],
}


def current(purpose: str) -> ConsentText:
    """The words that are shown now."""
    return TEXTS[purpose][-1]


def text_of(version: str) -> Localised | None:
    """The words of a version; None for one that we never showed."""
    for texts in TEXTS.values():
        for one in texts:
            if one.version == version:
                return one.text
    return None


PERSON_END_CONSENT = """
update consent set withdrawn_at = now(), withdrawn_by_event = $3
where person_id = $1 and sharing_id = $2 and withdrawn_at is null
"""
PERSON_GIVE_CONSENT = """
insert into consent
  (person_id, tenant_id, purpose, sharing_id, text_version, locale, given_by_event, until)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def given(
    tx: PersonTransaction,
    tenant_id: UUID,
    purpose: str,
    sharing_id: UUID,
    until: datetime,
    event_id: UUID,
) -> None:
    """Puts an agreement on record; one to the same sharing with another date ends there."""
    await tx.execute(PERSON_END_CONSENT, tx.person_id, sharing_id, event_id)
    await tx.execute(
        PERSON_GIVE_CONSENT,
        tx.person_id,
        tenant_id,
        purpose,
        sharing_id,
        current(purpose).version,
        as_locale(tx.actor.locale),
        event_id,
        until,
    )


async def withdrawn(tx: PersonTransaction, sharing_id: UUID, event_id: UUID) -> None:
    await tx.execute(PERSON_END_CONSENT, tx.person_id, sharing_id, event_id)
