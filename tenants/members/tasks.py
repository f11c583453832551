"""What the worker does for members: sessions that follow changes, and work on many at once."""

from passerelle.kernel import actor as actors
from passerelle.kernel.events import BULK_QUEUE, Event, worker_listener
from passerelle.kernel.work import Work
from tenants.access.sessions import Sessions
from tenants.members import jobs
from tenants.members.jobs import JobConfirmed

TASK = "members.jobs"
JOB_LIMIT_S = 1800


#: After these, an open session reads its member anew. A new member has no session yet.
FOLLOWED = (
    "member.joined",
    "member.reinstated",
    "member.removed",
    "member.restored",
    "member.role_given",
    "member.role_taken",
    "member.suspended",
    "role.changed",
    "role.restored",
    "role.retired",
)


def _follow(event_name: str) -> None:
    """The web moved the epoch already where it made the change; this is for every other way, and
    for a session that was opened at the very moment of the change."""

    async def follow(work: Work, event: Event[dict[str, object]]) -> None:
        await Sessions(work.valkey, work.settings).changed(event.tenant_id)

    follow.__name__ = f"follow_{event_name.replace('.', '_')}"
    worker_listener(event_name, dict)(follow)


for followed in FOLLOWED:
    _follow(followed)


@worker_listener(
    "members.job_confirmed",
    JobConfirmed,
    queue=BULK_QUEUE,
    time_limit_s=JOB_LIMIT_S,
    lease_s=60,
)
async def do_job(work: Work, event: Event[JobConfirmed]) -> None:
    """Batch after batch, each as whoever asked may at that moment."""
    task = actors.system(TASK, event.tenant_id)
    sessions = Sessions(work.valkey, work.settings)
    more = True
    while more:
        read = work.database.tenant_reader(event.tenant_id, task)
        actor = await jobs.acting(read, event.payload.job_id)
        if actor is None:
            return
        async with work.database.tenant(event.tenant_id, actor) as tx:
            more = await jobs.batch(tx, event.payload.job_id)
        await sessions.changed(event.tenant_id)
