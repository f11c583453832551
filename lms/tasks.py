"""What the worker does for LMSes: a finished exam becomes a grade, and a grade gets there."""

from lms import grades
from lms.model import GradeDue
from lms.tokens import AccessTokens
from passerelle.exams.model import ExamFinished
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.events import Event, listener, worker_listener
from passerelle.kernel.tasks import Work

# The tokens of this worker process.
TOKENS = AccessTokens()


@listener("exam.finished", ExamFinished)
async def queue_grades(tx: TenantTransaction, event: Event[ExamFinished]) -> None:
    await grades.queue(tx, event.payload)


# One try may take the time of a few calls; what is then not done is handed out again.
@worker_listener("grade.due", GradeDue, time_limit_s=120, lease_s=15)
async def send_grade(work: Work, event: Event[GradeDue]) -> None:
    await grades.send(work, TOKENS, event.tenant_id, event.payload.grade_id)
