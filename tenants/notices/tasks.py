"""The kinds of notices of an organisation, and what makes them."""

from datetime import UTC, datetime
from typing import Final

from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.events import Event, listener
from passerelle.kernel.language import N_, Localised
from passerelle.people.notices.model import NoticeKind, declare
from passerelle.people.notices.service import notify
from tenants.access.roles import ROLES
from tenants.members.job_store import Job
from tenants.members.model import MemberChanged
from tenants.notices import store
from tenants.plans.model import Limit, LimitNear

JOINED = declare(
    NoticeKind(
        name="invitation.accepted",
        label=N_("Someone accepted your invitation"),
        title=N_("%(name)s accepted your invitation"),
        permission="members.manage",
    )
)
LIMIT_NEAR = declare(
    NoticeKind(
        name="limit.near",
        label=N_("A limit of the plan is near"),
        title=N_("Nearly used up: %(limit)s"),
        text=N_("When the limit is reached, nothing more is let in. Look at the plan."),
        mail="at_once",
        permission="tenant.admin",
    )
)
LIMIT_REACHED = declare(
    NoticeKind(
        name="limit.reached",
        label=N_("A limit of the plan is reached"),
        title=N_("Used up: %(limit)s"),
        text=N_("Nothing more is let in until something is freed or the plan is changed."),
        mail="at_once",
        permission="tenant.admin",
    )
)
JOB_FINISHED = declare(
    NoticeKind(
        name="members.job_finished",
        label=N_("A list or an action on many members is done"),
        title=N_("Done: your work on many members"),
        text=N_("See what was done line by line, and what could not be."),
        permission="members.manage",
    )
)
LIMITS: Final[dict[Limit, Localised]] = {
    "seats": Localised("seats", "places", "المقاعد"),
    "storage": Localised("storage", "stockage", "التخزين"),
    "training": Localised("training minutes", "minutes d’entraînement", "دقائق التدريب"),
}
ADMINISTRATING: Final = sorted(role for role, held in ROLES.items() if "tenant.admin" in held)


@listener("member.joined", MemberChanged)
async def tell_inviter(tx: TenantTransaction, event: Event[MemberChanged]) -> None:
    """Tells whoever sent the invitation."""
    inviter = await store.inviter(tx, event.payload.person_id)
    if inviter is not None and inviter != event.payload.person_id:
        await notify(
            tx,
            inviter,
            JOINED,
            {"name": event.payload.display_name},
            link=f"/members/{event.payload.person_id}",
        )


@listener("limit.near", LimitNear)
async def tell_of_near_limit(tx: TenantTransaction, event: Event[LimitNear]) -> None:
    await _tell_administrators(tx, LIMIT_NEAR, event.payload)


@listener("limit.reached", LimitNear)
async def tell_of_reached_limit(tx: TenantTransaction, event: Event[LimitNear]) -> None:
    await _tell_administrators(tx, LIMIT_REACHED, event.payload)


async def _tell_administrators(tx: TenantTransaction, kind: NoticeKind, near: LimitNear) -> None:
    """Once a day for each limit, however often it is crossed."""
    today = datetime.now(UTC).date().isoformat()
    who = await store.administrators(tx, ADMINISTRATING)
    fills: dict[str, str | Localised] = {"limit": LIMITS[near.limit]}
    await notify(tx, who, kind, fills, link="/usage", key=f"{near.limit}.{today}")


async def tell_job_finished(tx: TenantTransaction, job: Job) -> None:
    """To be called in the transaction in which the job finishes."""
    await notify(tx, job.created_by, JOB_FINISHED, link=f"/members/jobs/{job.id}", key=str(job.id))
