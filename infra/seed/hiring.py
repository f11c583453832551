"""A requisition of the demonstration, and persons with things proven who share with the tenant.

Names come from a generator; what the persons prove, write and share goes through the rooms' own
services, so that events follow as they would for anyone.
"""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from faker import Faker

from passerelle.hiring import service as hiring
from passerelle.hiring.model import NewRequisition, Requirement, Requisition
from passerelle.kernel.actor import PERSON, Actor
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Locale, Localised
from passerelle.people import service as people
from passerelle.people.model import Profile
from passerelle.skills import service as skills
from passerelle.skills.model import EvidenceKind, NewEvidence

GENERATORS: Final[dict[Locale, str]] = {"en": "en_US", "fr": "fr_FR", "ar": "ar_AA"}
KINDS: Final[tuple[EvidenceKind, ...]] = ("exam", "practical", "credential", "assessor")
SHARED_DAYS: Final = 180
REQUIRED_OF_A_CANDIDATE_LIMIT: Final = 2
OTHERS_OF_A_CANDIDATE: Final = (3, 5)

THINK_CRITICALLY = UUID("7dd94ad3-13d6-43fe-8b94-51fcbf67ced9")
PROTECT_PERSONAL_DATA = UUID("33a82b83-c838-4889-ae62-fae1317481eb")
EVALUATE_DATA = UUID("1d6c7de4-350e-4868-a47b-333b4b0d9650")
MANAGE_DATA = UUID("4d97e3c3-f335-47cc-a4ee-0d779fd42222")
COMMUNICATE_WITH_CUSTOMERS = UUID("0da516ee-e70e-4384-be13-f5ff80be8127")
INTERACT_DIGITALLY = UUID("a12057b4-6d11-4a12-ab8e-15a028ef0a6d")
PRINCIPLES_OF_AI = UUID("e465a154-93f7-4973-9ce1-31659fe16dd2")

REQUIREMENTS: Final = (
    Requirement(THINK_CRITICALLY, 1.0, 2, False),
    Requirement(PROTECT_PERSONAL_DATA, 1.0, 2, False),
    Requirement(EVALUATE_DATA, 1.0, 2, False),
    Requirement(MANAGE_DATA, 0.8, 2, False),
    Requirement(COMMUNICATE_WITH_CUSTOMERS, 0.6, 2, False),
    Requirement(PRINCIPLES_OF_AI, 0.4, 1, True),
    Requirement(INTERACT_DIGITALLY, 0.4, 2, True),
)

#: What they may have proven besides: work in shops and offices.
OTHERS: Final = (
    UUID("61970f8b-099c-4e7e-82e0-9ccdced0baf3"),  # assist customers
    UUID("00e53a0a-c0ba-4c9f-a2ed-4706d5832a00"),  # guarantee customer satisfaction
    UUID("1973c966-f236-40c9-b2d4-5d71a89019be"),  # use spreadsheets software
    UUID("68698869-c13c-4563-adc7-118b7644f45d"),  # identify customer's needs
    UUID("28d715e3-3e5b-4fb6-8dd2-4be4919c8587"),  # handle customer complaints
    UUID("8b7409b0-e18e-4dfc-9ad9-8ddbcce38849"),  # keep records of customer interaction
    UUID("de2f0ce8-f8d6-48c5-a213-4d065251cecf"),  # communicate by telephone
)

PROSE: Final[dict[Locale, tuple[tuple[str, str], ...]]] = {
    "en": (
        ("Shop lead who likes clear forms", "Eight years on the shop floor, two of them online."),
        ("Back-office clerk", "I keep records in order and **answer every letter**."),
        ("Trainer for new colleagues", "I explain patiently, and write things down."),
    ),
    "fr": (
        ("Agente d’accueil polyvalente", "Dix ans au guichet, et le goût des dossiers bien tenus."),
        ("Gestionnaire de données", "Je vérifie deux fois avant d’envoyer."),
        ("Conseillère en magasin", "J’aime **expliquer simplement** ce qui paraît compliqué."),
    ),
    "ar": (
        ("موظفة استقبال", "عشر سنوات في خدمة المرتفقين، مع عناية بالملفات."),
        ("مكلف بالمعطيات", "أتحقق مرتين قبل الإرسال."),
        ("مستشار مبيعات", "أحب أن **أشرح ببساطة** ما يبدو معقداً."),
    ),
}


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A person to be created: what they say of themselves, and what they have proven."""

    name: str
    locale: Locale
    headline: str = ""
    about: str = ""
    evidence: Sequence[NewEvidence] = ()


async def open_requisition(tx: TenantTransaction) -> Requisition:
    """The retailer's requisition, with the standard pipeline of three stages."""
    return await hiring.open_requisition(
        tx,
        NewRequisition(
            title=Localised(
                en="Digital services officer",
                fr="Chargé de services numériques",
                ar="مسؤول الخدمات الرقمية",
            ),
            unit="Store operations",
            place="Casablanca",
            posts=2,
            closes_on=datetime.now(UTC).date() + timedelta(days=30),
            requirements=list(REQUIREMENTS),
        ),
    )


async def create_candidate(database: Database, tenant_id: UUID, candidate: Candidate) -> UUID:
    """A new person with their evidence and profile, who shares with the tenant for hiring."""
    person_id = new_id()
    actor = Actor(
        kind="person",
        display_name=candidate.name,
        person_id=person_id,
        permissions=frozenset({PERSON}),
        locale=candidate.locale,
    )
    async with database.person(person_id, actor) as tx:
        await people.register_person(tx, candidate.name, candidate.locale)
        said = Profile(candidate.headline, candidate.about, candidate.locale)
        await people.save_profile(tx, said)
        await skills.record_evidence(tx, candidate.evidence)
        await people.share(tx, tenant_id, until=_last_day())
    return person_id


async def create_candidates(
    database: Database, tenant_id: UUID, count: int, seed: int = 2026
) -> list[UUID]:
    """`count` persons, the same ones for the same `seed`: every fifth has proven nothing."""
    return [
        await create_candidate(database, tenant_id, candidate)
        for candidate in invented(count, seed)
    ]


def invented(count: int, seed: int) -> list[Candidate]:
    """Names by language in turn; at most REQUIRED_OF_A_CANDIDATE_LIMIT required skills each."""
    chance = random.Random(seed)  # noqa: S311  invented persons, not secrets
    generators = {locale: Faker(name) for locale, name in GENERATORS.items()}
    for generator in generators.values():
        generator.seed_instance(seed)
    locales = list(GENERATORS)
    found = []
    for number in range(count):
        locale = locales[number % len(locales)]
        headline, about = chance.choice(PROSE[locale])
        found.append(
            Candidate(
                name=generators[locale].name(),
                locale=locale,
                headline=headline,
                about=about,
                evidence=[] if number % 5 == 4 else _evidence(chance),
            )
        )
    return found


def _evidence(chance: random.Random) -> list[NewEvidence]:
    required = [one.skill_id for one in REQUIREMENTS]
    proven = chance.sample(required, chance.randint(0, REQUIRED_OF_A_CANDIDATE_LIMIT))
    proven += chance.sample(OTHERS, chance.randint(*OTHERS_OF_A_CANDIDATE))
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return [
        NewEvidence(
            skill_id=skill_id,
            level=chance.randint(1, 3),
            kind=chance.choice(KINDS),
            proven_at=today - timedelta(days=chance.randint(20, 900)),
        )
        for skill_id in proven
    ]


def _last_day() -> date:
    return datetime.now(UTC).date() + timedelta(days=SHARED_DAYS)
