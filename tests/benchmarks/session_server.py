"""The two applications of the `session` benchmark, each for a uvicorn process of its own.

`without_session` is the same application with the session left out: the actor is put in place as
the request comes in, without any look-up. All else is the same: middleware, guard, handler, walls.
"""

import os

import msgspec
from litestar.types import ASGIApp, Scope

import infra.web
from passerelle.kernel.actor import Actor
from tenants.access import middleware
from tenants.access.sessions import Sessions

ACTOR_VARIABLE = "BENCH_ACTOR"


def with_session() -> ASGIApp:
    return infra.web.application()


def without_session() -> ASGIApp:
    actor = msgspec.json.decode(os.environ[ACTOR_VARIABLE], type=Actor)

    async def known(scope: Scope, sessions: Sessions, token: str) -> Actor:
        return actor

    middleware._actor = known
    return with_session()
