"""A session as a browser holds it, opened in the real session store."""

from typing import Any

from litestar import Litestar

from passerelle.kernel.actor import Actor
from tenants.access.sessions import COOKIE


async def cookie(app: Litestar, actor: Actor) -> dict[str, Any]:
    """What `visit_page(cookies=[…])` takes: in the person's own space, or in the tenant's."""
    header = await app.state.sessions.open(actor)
    return {
        "name": COOKIE,
        "value": header.split(";", 1)[0].split("=", 1)[1],
        "domain": "localhost",
        "path": f"/t/{actor.tenant_slug}" if actor.tenant_slug else "/me",
        "secure": True,
        "httpOnly": True,
        "sameSite": "None",
    }
