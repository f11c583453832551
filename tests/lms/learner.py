"""A learner who came from the LMS, what exams writes of them, and what becomes of their scores."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from infra.demo.lms.book import Outcome
from infra.demo.lms.server import LmsServer
from lms import grade_store, tasks
from lms.model import GradeShown
from passerelle.exams.model import ExamFinished
from passerelle.kernel import actor as actors
from passerelle.kernel.events import LISTENERS, emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.ports import Message
from passerelle.kernel.relay import BEFORE_ALL, EXPAND
from passerelle.kernel.tasks import Work, carry_out
from tests.lms.connected import Connected

LINK = "ai-fluency-1"
MINE = [f"lms.tasks.{task.__name__}" for task in (tasks.queue_grades, tasks.send_grade)]

DUE = """
select tenant_id, event_id, listener from tenant_delivery
where done_at is null and dead_at is null and listener = any ($1)
"""


class NoMail:
    async def send(self, message: Message) -> None:
        raise AssertionError("a grade sends no mail")


class Learner(msgspec.Struct):
    """One learner who came from the LMS, and what becomes of their scores."""

    work: Work
    lms: LmsServer
    connected: Connected
    superuser: asyncpg.Connection
    user_id: str
    person_id: UUID

    async def finish_exam(self, given: int, maximum: int = 8, minutes_ago: float = 0) -> None:
        """What exams writes when an attempt ends."""
        finished = ExamFinished(
            attempt_id=new_id(),
            person_id=self.person_id,
            form_id=new_id(),
            achievement_id=self.connected.achievement_id,
            score_given=given,
            score_maximum=maximum,
            passed=given > maximum / 2,
            finished_at=datetime.now(UTC) - timedelta(minutes=minutes_ago),
        )
        tenant_id = self.connected.tenant_id
        async with self.work.database.tenant(tenant_id, actors.system("tests", tenant_id)) as tx:
            await emit(tx, "exam.finished", finished, person_id=self.person_id)

    async def deliver(self, rounds: int = 1) -> None:
        """So many rounds in which whatever waits for these two listeners is carried out."""
        listeners = [LISTENERS[name] for name in MINE]
        for _ in range(rounds):
            await self.work.database.pool("worker_relay").execute(
                EXPAND,
                [listener.event for listener in listeners],
                [listener.name for listener in listeners],
                [listener.queue for listener in listeners],
                100,
                BEFORE_ALL,
                BEFORE_ALL,
            )
            for due in await self.superuser.fetch(DUE, MINE):
                await carry_out(self.work, "tenant", *due)

    def plan(self, outcomes: list[Outcome]) -> None:
        self.lms.plan(outcomes, self.user_id)

    async def shown(self) -> list[GradeShown]:
        tenant_id = self.connected.tenant_id
        read = self.work.database.tenant_reader(tenant_id, actors.system("tests", tenant_id))
        return await grade_store.of_person(read, self.person_id)

    def received(self) -> list[str]:
        """What became of each score that the LMS got for this learner, in order."""
        book = self.lms.book()
        return [one.outcome for one in book.received if one.user_id == self.user_id]

    def in_book(self, link: str = LINK) -> tuple[float, float, int] | None:
        """Score, maximum, and how often it was written."""
        cell = self.lms.grade(link, self.user_id)
        return None if cell is None else (cell.score_given, cell.score_maximum, cell.written)
