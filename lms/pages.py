"""What people see of it: a score on its way, for its learner; health, for whoever runs the LMS."""

from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter
from litestar.response import Redirect

from lms import grade_store, grades, refusals, store
from lms.launch import LAUNCH_PATH, LOGIN_PATH
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import TenantReader, TenantTransaction
from passerelle.kernel.errors import NotSignedIn
from passerelle.kernel.language import N_
from passerelle.kernel.settings import Settings
from passerelle.web import navigation
from passerelle.web.page import Page

SEE_OTHER: Final = 303
# How often the learner's page looks again for a score that has just been noted.
LOOKS_LIMIT: Final = 20

navigation.add(N_("LMS"), "/lms", permission="tenant.admin", order=60)

TITLES: Final[dict[str, str]] = {
    kind.slug(): kind.title
    for kind in vars(refusals).values()
    if isinstance(kind, type) and issubclass(kind, refusals.LaunchRefused)
}


def learner(actor: Actor) -> UUID:
    if actor.person_id is None:
        raise NotSignedIn()
    return actor.person_id


@get("/t/{slug:str}/learn/grade", permission="learn", include_in_schema=False)
async def grade(
    read: TenantReader,
    actor: Actor,
    attempt: UUID | None = None,
    looks: Annotated[int, Parameter(ge=0, le=LOOKS_LIMIT)] = 0,
) -> Page:
    """Whether the score of an attempt (of every attempt, without one) reached the course."""
    every = await grade_store.of_person(read, learner(actor))
    shown = [one for one in every if attempt in (None, one.attempt_id)]
    # The worker notes a score a moment after the exam: until then the launch says it will be sent.
    expected = attempt is not None and not shown and "line_item_url" in actor.attributes
    moving = expected or any(one.state == "pending" for one in shown)
    return Page(
        "lms/grade.html",
        {
            "grades": shown,
            "attempt": attempt,
            "expected": expected and looks < LOOKS_LIMIT,
            "looks": looks + 1 if moving and looks < LOOKS_LIMIT else None,
        },
        block="grade",
    )


@post(
    "/t/{slug:str}/learn/grade/{grade_id:uuid}/again", permission="learn", include_in_schema=False
)
async def send_mine_again(tx: TenantTransaction, actor: Actor, grade_id: UUID) -> Redirect:
    await grades.queue_again(tx, grade_id, learner(actor))
    return Redirect(f"/t/{actor.tenant_slug}/learn/grade", status_code=SEE_OTHER)


@get("/t/{slug:str}/lms", permission="tenant.admin", include_in_schema=False)
async def overview(read: TenantReader, actor: Actor, settings: Settings) -> Page:
    """The connections with their last launch and last refusal, and the grades that wait."""
    return Page(
        "lms/connections.html",
        {
            "connections": await store.connections(read),
            "titles": TITLES,
            "waiting": await grade_store.not_sent(read),
            "addresses": [
                (N_("Login address"), settings.public_url + LOGIN_PATH),
                (N_("Launch and redirect address"), settings.public_url + LAUNCH_PATH),
                (
                    N_("Key set address"),
                    f"{settings.public_url}/t/{actor.tenant_slug}/lti/jwks.json",
                ),
            ],
        },
    )


@post(
    "/t/{slug:str}/lms/grades/{grade_id:uuid}/again",
    permission="tenant.admin",
    include_in_schema=False,
)
async def send_again(tx: TenantTransaction, actor: Actor, grade_id: UUID) -> Redirect:
    await grades.queue_again(tx, grade_id, None)
    return Redirect(f"/t/{actor.tenant_slug}/lms#grades", status_code=SEE_OTHER)


@post("/t/{slug:str}/lms/grades/again", permission="tenant.admin", include_in_schema=False)
async def send_all_again(tx: TenantTransaction, actor: Actor) -> Redirect:
    """Replays every grade that was given up on."""
    for one in await grade_store.not_sent(tx):
        if one.state == "failed":
            await grades.queue_again(tx, one.id, None)
    return Redirect(f"/t/{actor.tenant_slug}/lms#grades", status_code=SEE_OTHER)


handlers = [grade, send_mine_again, overview, send_again, send_all_again]
