"""Internal mobility: who shares what they have proven, the posts of the year, the decisions."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from infra.seed.hiring import KINDS, OTHERS, PROSE, REQUIREMENTS
from infra.seed.year.ledger import By, Ledger
from infra.seed.year.staff import Staff
from passerelle.hiring.model import ApplicationMoved, RequisitionOpened, Stage
from passerelle.kernel.language import Localised
from passerelle.people.model import SharingGranted
from passerelle.skills.folding import folded

SHARING_SHARE: Final = 0.22
REQUISITIONS: Final = 36
APPLICATIONS: Final = (4, 26)
SHARED_DAYS: Final = 400
MOVES_ON_SHARE: Final = 0.55
TITLES: Final = (
    Localised("Digital services officer", "Chargé de services numériques", "مسؤول الخدمات الرقمية"),
    Localised("Records manager", "Gestionnaire des archives", "مسؤول الأرشيف"),
    Localised("Data steward", "Référent données", "مسؤول المعطيات"),
    Localised("Front desk officer", "Agent d’accueil", "موظف استقبال"),
    Localised("Training coordinator", "Coordinateur de formation", "منسق التكوين"),
    Localised("Inspection officer", "Agent d’inspection", "عون تفتيش"),
)
PLACES: Final = ("Rabat", "Casablanca", "Fès", "Tanger", "Agadir", "Oujda")
REASONS: Final = (
    "Four of the required skills are proven by exam; we meet to hear about the work.",
    "Trois compétences sur cinq sont prouvées, et l’expérience au guichet compte ici.",
    "المهارات الأساسية مثبتة، ونريد الاستماع إلى تجربتها الميدانية.",
    "The panel agreed after the interview: clear answers, and examples from her own service.",
    "Bonne maîtrise de la protection des données ; la partie données reste à approfondir.",
)


class Post(msgspec.Struct, frozen=True):
    """A requisition of the year, as its applications need it."""

    id: UUID
    opened_at: datetime
    closed: bool


class Mobility:
    """Writes the year's posts into the ledger. `stages` is the tenant's pipeline, in order."""

    def __init__(
        self, ledger: Ledger, pipeline_id: UUID, stages: list[Stage], recruiters: list[Staff]
    ) -> None:
        self.ledger = ledger
        self.calendar = ledger.calendar
        self.chance = ledger.calendar.chance
        self.pipeline_id = pipeline_id
        self.stages = stages
        self.recruiters = recruiters

    def share(self, staff: Staff, credential_id: UUID | None, since: datetime) -> None:
        """The member's own rows: name, profile, evidence, and the sharing with this tenant."""
        headline, about = self.chance.choice(PROSE[staff.locale])
        person = {"person_id": staff.person_id}
        self.ledger.add(
            "person", **person, display_name=staff.name, locale=staff.locale, created_at=since
        )
        self.ledger.add("profile", **person, headline=headline, about=about, locale=staff.locale)
        self._evidence(staff, credential_id, since)
        until = since + timedelta(days=SHARED_DAYS)
        sharing_id = self.calendar.identifier(since)
        self.ledger.add(
            "sharing",
            **person,
            id=sharing_id,
            tenant_id=self.ledger.tenant_id,
            purpose="hiring",
            granted_at=since,
            until=until,
        )
        # Left for the worker, whose model embeds each person who shares.
        self.ledger.add(
            "person_event",
            **person,
            id=self.calendar.identifier(since),
            name="sharing.granted",
            payload=SharingGranted(sharing_id, self.ledger.tenant_id, "hiring", until),
            subject=sharing_id,
            tenant_id=self.ledger.tenant_id,
            actor_kind="person",
            actor_person_id=staff.person_id,
            actor_name=staff.name,
            origin="keycloak",
            occurred_at=since,
        )

    def _evidence(self, staff: Staff, credential_id: UUID | None, since: datetime) -> None:
        required = [one.skill_id for one in REQUIREMENTS]
        proven = self.chance.sample(required, self.chance.randint(1, 4))
        proven += self.chance.sample(OTHERS, self.chance.randint(1, 4))
        for skill_id in dict.fromkeys(proven):
            self.ledger.add(
                "evidence",
                person_id=staff.person_id,
                id=self.calendar.identifier(since),
                skill_id=skill_id,
                level=self.chance.randint(1, 3),
                kind="exam" if credential_id else self.chance.choice(KINDS),
                proven_at=since - timedelta(days=self.chance.uniform(0, 60)),
            )

    def posts(self) -> list[Post]:
        """The requisitions, the oldest first; three in four of them are closed by now."""
        numbers: Counter[int] = Counter()
        found = []
        for place in range(REQUISITIONS):
            opened = self.calendar.workday(8 + place * 350 / REQUISITIONS)
            numbers[opened.year] += 1
            number = f"{opened.year}-{numbers[opened.year]}"
            closed = place < REQUISITIONS * 3 // 4
            found.append(self._open(number, opened, closed))
        for year, last in numbers.items():
            self.ledger.add(
                "requisition_counter",
                tenant_id=self.ledger.tenant_id,
                year=year,
                last_number=last,
            )
        return found

    def _open(self, number: str, opened: datetime, closed: bool) -> Post:
        requisition_id = self.calendar.identifier(opened)
        title, where = self.chance.choice(TITLES), self.chance.choice(PLACES)
        closes = (opened if closed else self.calendar.now) + timedelta(days=45)
        self.ledger.add(
            "requisition",
            tenant_id=self.ledger.tenant_id,
            id=requisition_id,
            number=number,
            title=title,
            folded=folded(f"{number} {title.en} {title.fr} {title.ar} {where}"),
            unit="",
            place=where,
            posts=self.chance.randint(1, 4),
            closes_on=closes.date(),
            status="closed" if closed else "open",
            pipeline_id=self.pipeline_id,
            created_at=opened,
        )
        asked = list(REQUIREMENTS)[: self.chance.randint(4, len(REQUIREMENTS))]
        for position, one in enumerate(asked, 1):
            self.ledger.add(
                "requirement",
                tenant_id=self.ledger.tenant_id,
                requisition_id=requisition_id,
                skill_id=one.skill_id,
                position=position,
                weight=one.weight,
                level=one.level,
                desired=one.desired,
            )
        self.ledger.event(
            opened,
            "requisition.opened",
            RequisitionOpened(requisition_id, number, title, self.pipeline_id, asked),
            by=_by(self.chance.choice(self.recruiters)),
            subject=requisition_id,
        )
        return Post(requisition_id, opened, closed)

    def applications(self, post: Post, sharing: list[tuple[Staff, datetime]]) -> None:
        """Some of those who shared by then, each moved on as far as people decided."""
        able = [one for one, since in sharing if since < post.opened_at + timedelta(days=30)]
        for staff in self.chance.sample(able, min(len(able), self.chance.randint(*APPLICATIONS))):
            self._application(post, staff)

    def _application(self, post: Post, staff: Staff) -> None:
        at = post.opened_at + timedelta(days=self.chance.uniform(1, 20))
        if at >= self.calendar.now:
            return
        application_id = self.calendar.identifier(at)
        place, moved_at = 0, at
        while place + 1 < len(self.stages) and self.chance.random() < MOVES_ON_SHARE:
            later = moved_at + timedelta(days=self.chance.uniform(1, 9))
            if later >= self.calendar.now:
                break
            self._decision(post, staff, application_id, place, later)
            place, moved_at = place + 1, later
        self.ledger.add(
            "application",
            tenant_id=self.ledger.tenant_id,
            id=application_id,
            requisition_id=post.id,
            person_id=staff.person_id,
            pipeline_id=self.pipeline_id,
            stage_id=self.stages[place].id,
            created_at=at,
            moved_at=moved_at,
        )

    def _decision(
        self, post: Post, staff: Staff, application_id: UUID, place: int, at: datetime
    ) -> None:
        decider = self.chance.choice(self.recruiters)
        decision_id, to = self.calendar.identifier(at), self.stages[place + 1]
        reason = self.chance.choice(REASONS)
        self.ledger.add(
            "decision",
            tenant_id=self.ledger.tenant_id,
            id=decision_id,
            application_id=application_id,
            from_stage=self.stages[place].id,
            to_stage=to.id,
            decided_by=decider.person_id,
            decided_by_name=decider.name,
            reason=reason,
            decided_at=at,
        )
        moved = ApplicationMoved(
            application_id,
            decision_id,
            post.id,
            staff.person_id,
            to.id,
            to.name,
            decider.person_id,
            decider.name,
            reason,
        )
        self.ledger.event(
            at,
            "application.moved",
            moved,
            by=_by(decider),
            subject=application_id,
            person_id=staff.person_id,
            reason=reason,
        )


def _by(staff: Staff) -> By:
    return By(staff.name, staff.person_id, "keycloak", "198.51.100.7")
