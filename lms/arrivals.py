"""Who a verified launch brings in: the person, their membership, and where they go.

A user of the LMS is known by registration and subject alone, never by e-mail. The steps are
idempotent and in an order that leaves no person without an owner, wherever they break off.
"""

import re
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from lms import refusals, store
from lms.claims import SCORE_SCOPE, Launch
from lms.launch import Verified
from passerelle.academy import service as academy
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Locale, as_locale
from passerelle.web.security import FRAME_ORIGIN, origin_of
from tenants.access.sessions import tenant_actor
from tenants.members.problems import MemberRemoved, MemberSuspended
from tenants.service import admit
from tenants.store import tenant_by_id

ROLES = ["learner"]
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# For a person whom the platform does not name.
NAMELESS: dict[Locale, str] = {"en": "Learner", "fr": "Apprenant", "ar": "متعلّم"}


class RefusedLaunch(msgspec.Struct, frozen=True):
    """`sign_in.refused`: someone whom the LMS sent and the organisation does not let in."""

    registration_id: UUID
    deployment_id: str
    reason: str


class Launched(msgspec.Struct, frozen=True):
    """`lms.launched`: the LMS opened the product for someone."""

    registration_id: UUID
    deployment_id: str


async def enter(database: Database, verified: Verified) -> tuple[Actor, str]:
    """The actor whom the launch brings in, and the address to open.

    Raises MemberSuspended and MemberRemoved (tenants), both on record; UnknownPath (academy) or a
    LaunchRefused subclass.
    """
    launch = verified.launch
    tenant = await tenant_by_id(database.lookup, launch.tenant_id)
    if tenant is None:
        raise refusals.RegistrationUnknown()
    code = achievement_code(launch, tenant.slug)
    locale = as_locale(launch.locale, tenant.default_locale)
    person_id, name, email = await _person(database, launch, locale)
    task = actors.system("lms.arrivals", tenant.id)
    try:
        async with database.tenant(tenant.id, task) as tx:
            member = await admit(tx, person_id, name, email, locale, ROLES)
            await store.mark_launched(tx, launch)
            line_item_id = await store.save_line_item(tx, launch, code)
            await store.place(tx, line_item_id, person_id)
            path = await academy.enrol_by_link(tx, person_id, code) if code else None
            launched = Launched(launch.registration_id, launch.deployment_id)
            await emit(tx, "lms.launched", launched, person_id=person_id)
    except (MemberSuspended, MemberRemoved) as refusal:
        async with database.tenant(tenant.id, task) as tx:
            refused = RefusedLaunch(launch.registration_id, launch.deployment_id, refusal.slug())
            await emit(tx, "sign_in.refused", refused, person_id=person_id)
        raise
    attributes = _attributes(verified, line_item_id)
    opened = f"/t/{tenant.slug}/learn" + (f"?path={path.code}" if path else "")
    return tenant_actor(tenant, member, "lti", attributes, locale), opened


async def _person(
    database: Database, launch: Launch, locale: Locale
) -> tuple[UUID, str, str | None]:
    """The person's id, made where there is none, with the name and e-mail to keep."""
    task = actors.system("lms.arrivals", launch.tenant_id)
    read = database.tenant_reader(launch.tenant_id, task)
    user = await store.known_user(read, launch.registration_id, launch.subject)
    if user is not None and user.display_name is not None:
        return user.person_id, launch.name or user.display_name, launch.email or user.email
    async with database.tenant(launch.tenant_id, task) as tx:
        await store.reserve_user(tx, launch.registration_id, launch.subject, new_id())
        user = await store.known_user(tx, launch.registration_id, launch.subject)
    assert user is not None  # noqa: S101  reserved just above
    name = launch.name or f"{NAMELESS[locale]} {user.person_id.hex[-4:]}"
    async with database.person(user.person_id, task) as person_tx:
        await store.insert_person(person_tx, name, locale)
    return user.person_id, name, launch.email


def achievement_code(launch: Launch, slug: str) -> str | None:
    """The level that the link opens, by its code, which is its achievement's: from the custom
    parameter `achievement`, else from the target's address, `/t/<slug>/learn/<code>`.

    Raises TargetForeign where the target lies in another organisation.
    """
    parts = urlsplit(launch.target_link_uri).path.strip("/").split("/")
    if parts[0] == "t" and parts[1:2] != [slug]:
        raise refusals.TargetForeign(launch.target_link_uri[:200])
    named = parts[3] if parts[0] == "t" and parts[2:3] == ["learn"] and len(parts) == 4 else ""
    wanted = launch.custom.get("achievement", named)
    return wanted if CODE.fullmatch(wanted) else None


def _attributes(verified: Verified, line_item_id: UUID) -> dict[str, str]:
    """What the session remembers of its launch."""
    launch, registration = verified.launch, verified.registration
    frame = next(
        (
            origin
            for address in (launch.return_url, registration.authorization_url)
            if address and (origin := origin_of(address))
        ),
        None,
    )
    found = {
        "registration_id": str(registration.id),
        "deployment_id": launch.deployment_id,
        "context_id": launch.context_id,
        "resource_link_id": launch.resource_link_id,
        "line_item_id": str(line_item_id),
        "line_item_url": launch.line_item_url if SCORE_SCOPE in launch.scopes else None,
        "return_url": launch.return_url,
        "launch_locale": launch.locale,
        FRAME_ORIGIN: frame,
    }
    return {name: value for name, value in found.items() if value}
