"""Forty cohorts on the path: study, exams passed and failed, grades sent to the LMS."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from infra.seed.year.ledger import By, Ledger
from infra.seed.year.staff import Staff
from lms.arrivals import Launched
from passerelle.exams.model import ExamFinished, ExamPassed
from passerelle.kernel.language import Localised

#: Of those who sit the exam, how many pass at the first, second and third try.
PASS_SHARES: Final = (0.72, 0.6, 0.4)
NEVER_SITS_SHARE: Final = 0.07
SIT_AFTER_DAYS: Final = (6, 32)
LAUNCHES: Final = (2, 9)
AGAIN_AFTER_DAYS: Final = (3, 14)
ITEM_TOPICS_TITLE: Final = Localised("AI fluency", "Maîtrise de l’IA", "التمكّن من الذكاء الاصطناعي")
LMS: Final = By("lms.arrivals", origin="lti", address="192.0.2.10")


class Item(msgspec.Struct, frozen=True):
    id: UUID
    key: int
    options: int


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """The path of the year, as it stands in the tenant's tables."""

    path_id: UUID
    form_id: UUID
    achievement_id: UUID
    cut_score: int
    attempts_allowed: int
    minutes: int
    items: list[Item]
    study: list[Item]
    registration_id: UUID
    deployment_id: UUID
    # As the LMS names it.
    platform_deployment: str


class Passed(msgspec.Struct, frozen=True):
    """What a credential is issued for."""

    staff: Staff
    attempt_id: UUID
    at: datetime


COURSE = """
select path.id as path_id, form.id as form_id, form.achievement_id, form.cut_score,
  form.attempts_allowed, form.time_limit_minutes as minutes,
  (select jsonb_agg(jsonb_build_object('id', item.id, 'key', item.key,
     'options', jsonb_array_length(item.options)) order by form_item.position)
   from form_item join exam_item item
     on (item.tenant_id, item.id) = (form_item.tenant_id, form_item.item_id)
   where form_item.tenant_id = $1 and form_item.form_id = form.id) as items,
  (select jsonb_agg(jsonb_build_object('id', item.id, 'key', item.key,
     'options', jsonb_array_length(item.options)) order by item.module_id, item.position)
   from study_item item where item.tenant_id = $1) as study,
  registration.id as registration_id, deployment.id as deployment_id,
  deployment.deployment_id as platform_deployment
from path, exam_form form, lti_registration registration
join lti_deployment deployment
  on (deployment.tenant_id, deployment.registration_id) = (registration.tenant_id, registration.id)
where path.tenant_id = $1 and form.tenant_id = $1 and registration.tenant_id = $1
limit 1
"""


async def read_course(operator: asyncpg.Connection, tenant_id: UUID) -> Course:
    """The tenant's first path. Raises ValueError where it has none, or no LMS."""
    row = await operator.fetchrow(COURSE, tenant_id)
    if row is None:
        raise ValueError("the tenant has no path, or no LMS")
    return msgspec.convert(dict(row), Course)


class Learning:
    """Writes what each member did into the ledger; `passed` is who earned a credential."""

    def __init__(self, ledger: Ledger, course: Course) -> None:
        self.ledger = ledger
        self.course = course
        self.calendar = ledger.calendar
        self.chance = ledger.calendar.chance
        self.passed: list[Passed] = []

    def cohort(self, number: int, staff: list[Staff]) -> None:
        """A course of the LMS in which the path was placed, and its learners."""
        line_item = self.calendar.identifier(min(one.joined_at for one in staff))
        first = min(one.joined_at for one in staff)
        self.ledger.add(
            "lti_line_item",
            tenant_id=self.ledger.tenant_id,
            id=line_item,
            registration_id=self.course.registration_id,
            deployment_id=self.course.deployment_id,
            context_id=f"cohort-{number + 1:02d}",
            resource_link_id="ai-fluency-1",
            context_title=f"Cohort {number + 1:02d} · {first:%Y-%m}",
            title=ITEM_TOPICS_TITLE.en,
            line_item_url=f"https://campus.invalid/lineitems/{number + 1}",
            scopes=["https://purl.imsglobal.org/spec/lti-ags/scope/score"],
            created_at=first,
        )
        for one in staff:
            self._learner(one, line_item)

    def _learner(self, staff: Staff, line_item: UUID) -> None:
        tenant_id = self.ledger.tenant_id
        begun = staff.joined_at + timedelta(days=self.chance.uniform(0.1, 6))
        until = staff.left_at or staff.suspended_at or self.calendar.now
        if begun >= until:
            return
        self.ledger.add(
            "lti_user",
            tenant_id=tenant_id,
            registration_id=self.course.registration_id,
            subject=f"campus-{staff.email.partition('@')[0]}",
            person_id=staff.person_id,
            launched_at=begun,
        )
        self.ledger.add(
            "lti_placement",
            tenant_id=tenant_id,
            line_item_id=line_item,
            person_id=staff.person_id,
            launched_at=begun,
        )
        self.ledger.add(
            "enrolment",
            tenant_id=tenant_id,
            person_id=staff.person_id,
            path_id=self.course.path_id,
            enrolled_at=begun,
        )
        self._launches(staff, begun, until)
        self._study(staff, begun, until)
        self._exams(staff, line_item, begun, until)

    def _launches(self, staff: Staff, begun: datetime, until: datetime) -> None:
        """Several sittings in the first weeks, most of them on one day."""
        launched = Launched(self.course.registration_id, self.course.platform_deployment)
        at = begun
        for _ in range(self.chance.randint(*LAUNCHES)):
            if at >= until:
                return
            self.ledger.event(at, "lms.launched", launched, by=LMS, person_id=staff.person_id)
            at += timedelta(days=self.chance.expovariate(1 / 4))

    def _study(self, staff: Staff, begun: datetime, until: datetime) -> None:
        done = self.chance.randint(len(self.course.study) // 3, len(self.course.study))
        at = begun
        for item in self.course.study[:done]:
            at += timedelta(hours=self.chance.uniform(0.02, 12))
            if at >= until:
                return
            right = self.chance.random() < 0.78
            self.ledger.add(
                "study_progress",
                tenant_id=self.ledger.tenant_id,
                person_id=staff.person_id,
                item_id=item.id,
                times=1,
                times_right=int(right),
                streak=int(right),
                last_choice=item.key if right else (item.key + 1) % item.options,
                answered_at=at,
                due_at=at + timedelta(days=3 if right else 1),
            )

    def _exams(self, staff: Staff, line_item: UUID, begun: datetime, until: datetime) -> None:
        if self.chance.random() < NEVER_SITS_SHARE:
            return
        at = begun + timedelta(days=self.chance.uniform(*SIT_AFTER_DAYS))
        shares = PASS_SHARES[: self.course.attempts_allowed]
        for number, share in enumerate(shares, 1):
            minutes = self.chance.uniform(0.3, 0.95) * self.course.minutes
            finished = at + timedelta(minutes=minutes)
            if finished >= until:
                return
            passed = self.chance.random() < share
            attempt_id = self._attempt(staff, number, at, finished, passed)
            if passed:
                self.passed.append(Passed(staff, attempt_id, finished))
                return
            at = finished + timedelta(days=self.chance.uniform(*AGAIN_AFTER_DAYS))

    def _attempt(
        self, staff: Staff, number: int, begun: datetime, finished: datetime, passed: bool
    ) -> UUID:
        course, total = self.course, len(self.course.items)
        score = (
            self.chance.randint(course.cut_score, total)
            if passed
            else self.chance.randint(max(0, course.cut_score - total // 2), course.cut_score - 1)
        )
        attempt_id = self.calendar.identifier(begun)
        self.ledger.add(
            "attempt",
            tenant_id=self.ledger.tenant_id,
            id=attempt_id,
            person_id=staff.person_id,
            form_id=course.form_id,
            number=number,
            started_at=begun,
            deadline_at=begun + timedelta(minutes=course.minutes),
            finished_at=finished,
            ended_by="person",
            score_given=score,
            score_maximum=total,
            passed=passed,
        )
        right = set(self.chance.sample(range(total), score))
        for place, item in enumerate(course.items):
            wrong = (item.key + self.chance.randint(1, item.options - 1)) % item.options
            self.ledger.add(
                "response",
                tenant_id=self.ledger.tenant_id,
                attempt_id=attempt_id,
                item_id=item.id,
                choice=item.key if place in right else wrong,
                revision=1,
                saved_at=begun + (finished - begun) * ((place + 1) / total),
            )
        self._exam_events(staff, attempt_id, score, total, passed, finished)
        return attempt_id

    def _exam_events(
        self,
        staff: Staff,
        attempt_id: UUID,
        score: int,
        total: int,
        passed: bool,
        at: datetime,
    ) -> None:
        by = By(staff.name, staff.person_id, "lti", "192.0.2.10")
        finished = ExamFinished(
            attempt_id=attempt_id,
            person_id=staff.person_id,
            form_id=self.course.form_id,
            achievement_id=self.course.achievement_id,
            score_given=score,
            score_maximum=total,
            passed=passed,
            finished_at=at,
        )
        of = {"by": by, "subject": attempt_id, "person_id": staff.person_id}
        self.ledger.event(at, "exam.finished", finished, **of)  # type: ignore[arg-type]
        if not passed:
            return
        earned = ExamPassed(
            attempt_id=attempt_id,
            person_id=staff.person_id,
            achievement_id=self.course.achievement_id,
            score_given=score,
            score_maximum=total,
            finished_at=at,
        )
        self.ledger.event(at, "exam.passed", earned, **of)  # type: ignore[arg-type]
