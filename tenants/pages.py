"""The front doors: the product's first page, and where an organisation's address leads."""

from litestar import Request, get
from litestar.datastructures import State
from litestar.response import Redirect

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from passerelle.web import navigation
from passerelle.web.page import Page
from tenants.service import tenant_by_slug


@get("/", permission="public", include_in_schema=False, sync_to_thread=False)
def front(settings: Settings) -> Page:
    return Page("tenants/front.html", {"sign_up_open": settings.sign_up_open})


@get(["/t/{slug:str}"], permission="public", include_in_schema=False)
async def tenant_front(
    request: Request[None, None, State], database: Database, slug: str
) -> Redirect:
    """To the first page that this member may open, or to the sign-in."""
    actor: Actor | None = request.scope["state"]["actor"]
    if actor is None or actor.tenant_slug != slug:
        await tenant_by_slug(database, slug)
        return Redirect(f"/t/{slug}/sign-in", status_code=303)
    entries = navigation.entries(actor)
    return Redirect(f"/t/{slug}{entries[0].path if entries else '/sign-in'}", status_code=303)


handlers = [front, tenant_front]
