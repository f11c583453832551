"""JSON: the autosave of one answer."""

from typing import Any
from uuid import UUID

from litestar import put

from passerelle.exams import service
from passerelle.exams.model import Answer, SavedAnswer
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import NotSignedIn


def learner(actor: Actor) -> UUID:
    """Who sits: a person, never a task."""
    if actor.person_id is None:
        raise NotSignedIn()
    return actor.person_id


@put(
    "/t/{slug:str}/api/attempts/{attempt_id:uuid}/answers/{item_id:uuid}",
    permission="learn",
    summary="Save one answer of an open attempt",
    description=(
        "Safe to send again. An older revision never overwrites a newer one: the answer that is"
        " held comes back, with `accepted` false. After the deadline: 409, answer-too-late."
    ),
)
async def save_answer(
    exam_tx: TenantTransaction, actor: Actor, attempt_id: UUID, item_id: UUID, data: Answer
) -> SavedAnswer:
    return await service.save_answer(exam_tx, learner(actor), attempt_id, item_id, data)


handlers: list[Any] = [save_answer]
