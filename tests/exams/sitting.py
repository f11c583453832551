"""A learner before a form, for tests."""

from uuid import UUID

from passerelle.exams import service
from passerelle.exams.model import Answer, Attempt, SavedAnswer, letter_of, shown_order
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from tests.conftest import People
from tests.exams.factories import MadeForm

SYSTEM = actors.system("tests")


class Sitting:
    """One learner before one form, each step in a transaction of its own."""

    def __init__(self, database: Database, people: People, form: MadeForm) -> None:
        self.database = database
        self.people = people
        self.form = form
        self.person_id = people.learner_id

    async def start(self) -> Attempt:
        async with self.database.live_exam(self.people.tenant_id, SYSTEM) as tx:
            return await service.start(tx, self.person_id, self.form.code)

    async def answer(
        self, attempt_id: UUID, item_id: UUID, *, right: bool = True, revision: int | None = None
    ) -> None:
        letter = letter_of(shown_order(attempt_id, item_id, 4), 0 if right else 1)
        await self.send(attempt_id, item_id, Answer(letter, revision=revision))  # type: ignore[arg-type]

    async def send(self, attempt_id: UUID, item_id: UUID, answer: Answer) -> SavedAnswer:
        async with self.database.live_exam(self.people.tenant_id, SYSTEM) as tx:
            return await service.save_answer(tx, self.person_id, attempt_id, item_id, answer)

    async def finish(self, attempt_id: UUID) -> Attempt:
        async with self.database.live_exam(self.people.tenant_id, SYSTEM) as tx:
            return await service.finish(tx, self.person_id, attempt_id)
