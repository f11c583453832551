"""Taking an invitation: what it is, who is signed in, yes."""

from typing import Any

from litestar import get, post
from litestar.response import Redirect

from passerelle.kernel.actor import PERSON, PUBLIC, Actor
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from passerelle.web.language import current
from passerelle.web.page import Page
from tenants.members import invitations, labels, units
from tenants.members.invitation_model import Invitation
from tenants.members.invitations import VERIFIED_EMAIL
from tenants.model import Tenant
from tenants.service import tenant_by_slug

JOIN = "/me/join/{slug:str}/{token:str}"
NO_REFERRER = {"referrer-policy": "no-referrer"}


def masked(email: str) -> str:
    """Enough of an address to know one's own by, and no more."""
    name, _, domain = email.partition("@")
    return f"{name[:1]}…@{domain}"


@get(
    "/t/{slug:str}/join/{token:str}", permission=PUBLIC, limit="invitation", include_in_schema=False
)
async def invited(database: Database, settings: Settings, slug: str, token: str) -> Page:
    """Where the mail's link leads: who invites, as what, and the way to sign in."""
    tenant = await tenant_by_slug(database, slug)
    held = await invitations.shown(database, settings, tenant, token)
    return Page(
        "tenants/join.html",
        {
            **await _shown(database, tenant, held),
            "signed_in_as": None,
            "address": masked(held.email),
            "onward": f"/me/join/{slug}/{token}",
        },
        headers=NO_REFERRER,
    )


@get(JOIN, permission=PERSON, limit="invitation", include_in_schema=False)
async def asked(
    database: Database, settings: Settings, actor: Actor, slug: str, token: str
) -> Page:
    """The same for who is signed in: they say yes, or leave the account."""
    tenant = await tenant_by_slug(database, slug)
    held = await invitations.shown(database, settings, tenant, token)
    email = actor.attributes.get(VERIFIED_EMAIL, "")
    return Page(
        "tenants/join.html",
        {
            **await _shown(database, tenant, held),
            "signed_in_as": email or actor.display_name,
            "address": masked(held.email),
            "matches": invitations.folded(email) == held.folded_email,
            "onward": f"/me/join/{slug}/{token}",
        },
        headers=NO_REFERRER,
    )


async def _shown(database: Database, tenant: Tenant, held: Invitation) -> dict[str, object]:
    read = database.tenant_reader(tenant.id, invitations.system(tenant))
    tree = await units.tree(read)
    return {
        "organisation": tenant.name.in_(current().locale),
        "invitation": held,
        "roles": await labels.role_names(read),
        "unit": tree.name(held.unit_id, current().locale),
    }


@post(JOIN, permission=PERSON, limit="invitation", include_in_schema=False)
async def join(
    database: Database, settings: Settings, actor: Actor, slug: str, token: str
) -> Redirect:
    """Makes the person a member, and leads to the organisation's sign-in, which knows them."""
    tenant = await tenant_by_slug(database, slug)
    await invitations.accept(database, settings, tenant, token, actor)
    return Redirect(f"/t/{slug}/sign-in?joined=yes", status_code=303)


handlers: list[Any] = [invited, asked, join]
