"""Looking at the product as another member or with another role would: read only, on record.

What is shown never exceeds what the looker may see or give in the whole organisation: of a role's
authority only what they hold themselves. It ends by itself, opens no person's own space, and
reaches no live exam item.
"""

import time
from uuid import UUID

import msgspec

from passerelle.kernel.actor import Actor, Viewer
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.events import emit
from tenants import store as tenant_store
from tenants.access.grants import Access, Grant, access_of
from tenants.access.permissions import CATALOGUE
from tenants.members.powers import Judged, judge
from tenants.members.problems import RoleUnknown

VIEWING_MINUTES = 15
#: Live exam items are shown to no one who looks as another.
NEVER = frozenset({"items.write"})


class LookedAs(msgspec.Struct, frozen=True):
    """`member.looked_as` (person_id is who was looked as), `role.looked_as`."""

    seen_as: str
    minutes: int
    reason: str


async def as_member(
    tx: TenantTransaction, person_id: UUID, reason: str, minutes: int = VIEWING_MINUTES
) -> Actor:
    """The actor that the session shows for a while. Raises NotFound for who is out of reach."""
    judged = await judge(tx)
    member = await tenant_store.member(tx, person_id)
    if (
        member is None
        or member.status != "active"
        or person_id == tx.actor.person_id
        or not judged.powers.may("members.manage", member.unit_id)
    ):
        raise NotFound()
    seen = _shown(judged, access_of(member.grants))
    looked = LookedAs(member.display_name, minutes, reason)
    await emit(
        tx, "member.looked_as", looked, subject=person_id, person_id=person_id, reason=reason
    )
    actor = _viewing(tx.actor, seen, member.display_name, minutes)
    return msgspec.structs.replace(
        actor, person_id=person_id, display_name=member.display_name, locale=tx.actor.locale
    )


async def as_role(
    tx: TenantTransaction, role: str, label: str, reason: str, minutes: int = VIEWING_MINUTES
) -> Actor:
    """The same with one role for the whole organisation. Raises RoleUnknown."""
    judged = await judge(tx)
    if role not in judged.roles or not judged.powers.may("members.manage", None):
        raise RoleUnknown()
    seen = _shown(judged, access_of([Grant(role, None, sorted(judged.roles[role]))]))
    await emit(tx, "role.looked_as", LookedAs(label, minutes, reason), reason=reason)
    return _viewing(tx.actor, seen, label, minutes)


def _shown(judged: Judged, access: Access) -> Access:
    """What of it the looker may see, without live items."""
    kept = {name for name in access.permissions - NEVER if _within_reach(judged, name)}
    within = {name: units for name, units in access.units.items() if name in kept}
    return Access(frozenset(kept), within)


def _within_reach(judged: Judged, name: str) -> bool:
    """Whether it is about its holder alone, or the looker holds it everywhere or could give it."""
    permission, may = CATALOGUE[name], judged.powers.may
    could_give = not permission.authority and may("roles.manage", None)
    return permission.reach == "own" or may(name, None) or could_give


def _viewing(own: Actor, seen: Access, seen_as: str, minutes: int) -> Actor:
    assert own.person_id is not None  # noqa: S101  a member's session
    return msgspec.structs.replace(
        own,
        permissions=seen.permissions,
        units=seen.units,
        # No launch of theirs is at hand, and so no link to a wallet.
        origin="keycloak",
        attributes={name: own.attributes[name] for name in ("sid",) if name in own.attributes},
        viewer=Viewer(own.person_id, own.display_name, seen_as, time.time() + minutes * 60),
    )
