"""The one guard of all routes: a handler declares what it needs, and this enforces it.

A route that declares nothing is refused. Mounted applications and static files declare too.
"""

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from passerelle.kernel.actor import MEMBER, OPERATOR, PERSON, PUBLIC, Actor
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Forbidden, NotSignedIn
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_
from tenants.access.operator import require_operator


class PermissionUndeclared(Forbidden):
    """A route declares no permission: a defect of ours, closed until mended."""


class OnlyLooking(Forbidden):
    """A viewing writes nothing, and reaches no person's own space and no live exam item."""

    title = N_("You are looking as someone else: nothing can be changed or opened here")
    mend = N_("Stop looking as someone else, then do it as yourself.")


class AccessRefused(msgspec.Struct, frozen=True, omit_defaults=True):
    """Event `access.refused`; `problem` says what but the permission stood in the way."""

    permission: str
    method: str
    path: str
    problem: str | None = None


async def require_permission(
    connection: ASGIConnection,  # type: ignore[type-arg]
    handler: BaseRouteHandler,
) -> None:
    """Raises PermissionUndeclared, NotSignedIn or Forbidden; a refusal is put on record."""
    permission = handler.opt.get("permission")
    if not isinstance(permission, str):
        raise PermissionUndeclared()
    if permission == PUBLIC:
        return
    if permission == OPERATOR:
        await require_operator(connection)
        return
    actor: Actor | None = connection.scope["state"].get("actor")
    if actor is None:
        raise NotSignedIn()
    if permission == PERSON:
        if actor.tenant_id is not None or actor.person_id is None:
            raise NotSignedIn()
        return
    if actor.tenant_id is None or connection.path_params.get("slug") != actor.tenant_slug:
        raise NotSignedIn()
    if actor.viewer is not None:
        only_looks(connection.scope["method"])  # type: ignore[typeddict-item]
    if permission != MEMBER and not actor.may(permission):
        await _record_refusal(connection, actor, permission)
        raise Forbidden()


def only_looks(method: str) -> None:
    """Raises OnlyLooking for a method that changes something."""
    if method not in ("GET", "HEAD"):
        raise OnlyLooking()


async def _record_refusal(
    connection: ASGIConnection,  # type: ignore[type-arg]
    actor: Actor,
    permission: str,
) -> None:
    """In a transaction of its own: the request's never begins."""
    database: Database = connection.app.state.database
    assert actor.tenant_id is not None  # noqa: S101  the guard checked it
    async with database.tenant(actor.tenant_id, actor) as tx:
        refused = AccessRefused(permission, connection.scope["method"], connection.url.path)  # type: ignore[typeddict-item]
        await emit(tx, "access.refused", refused, person_id=actor.person_id)


def themselves(actor: Actor) -> Actor:
    """Who really acts: while someone looks as another, the one who looks."""
    if actor.viewer is None:
        return actor
    return msgspec.structs.replace(
        actor, person_id=actor.viewer.person_id, display_name=actor.viewer.display_name, viewer=None
    )
