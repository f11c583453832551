"""Who may change what about whom. Pure: everything that counts is given.

Authority can't be widened by those who hold it: who gives a role holds whatever authority it
carries, there; nobody widens their own; and who stands above in authority isn't touched from below.
"""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from passerelle.kernel.actor import Actor
from passerelle.kernel.language import N_
from tenants.access.grants import Grant, access_of
from tenants.access.permissions import CATALOGUE, conflict, in_unit
from tenants.members.model import Change, Held, Known, Standing

OWNER = Held("owner")

YOURSELF = N_("You can't suspend or remove yourself.")
YOUR_OWN_ROLES = N_("You can't widen your own roles. Ask someone else who may.")
LAST_OWNER = N_("An organisation keeps at least one owner. Give the role to someone else first.")
ABOVE_YOU = N_("This member has powers that you don't have.")
BEYOND_YOU = N_("The role carries powers that you don't have there.")
NO_ROLES = N_("You may not give or take roles.")
NOT_IN_A_UNIT = N_("This role counts only for the whole organisation.")
RETIRED = N_("This role is retired or unknown.")
OUTSIDE = N_("This unit lies outside of what you manage.")
REMOVED = N_("This person is no longer a member. Invite them again.")

#: Role → what it allows: the built-in ones, and those of the organisation that aren't retired.
Roles = Mapping[str, frozenset[str]]


class Powers(msgspec.Struct, frozen=True):
    """What the actor may do and where; `reach` holds, for each permission that is limited, every
    unit in which it counts."""

    actor: Actor
    reach: Mapping[str, frozenset[UUID]]

    @property
    def system(self) -> bool:
        return self.actor.kind == "system"

    def may(self, permission: str, unit_id: UUID | None) -> bool:
        """Whether the permission counts in this unit, or with None in the whole organisation."""
        if self.system:
            return True
        if not self.actor.may(permission):
            return False
        if self.actor.units_for(permission) is None:
            return True
        return unit_id is not None and unit_id in self.reach.get(permission, ())


def applied(standing: Standing, change: Change) -> Standing:
    """The standing after the change; the same where it changes nothing."""
    replace = msgspec.structs.replace
    held = change.held
    if change.kind == "grant" and held is not None and held not in standing.roles:
        return replace(standing, roles=sorted([*standing.roles, held], key=lambda one: one.key))
    if change.kind == "revoke" and held is not None:
        return replace(standing, roles=[one for one in standing.roles if one != held])
    if change.kind == "move":
        return replace(standing, unit_id=change.unit_id)
    if change.kind == "suspend" and standing.status == "active":
        return replace(standing, status="suspended")
    if change.kind == "reinstate" and standing.status == "suspended":
        return replace(standing, status="active")
    if change.kind == "remove":
        return replace(standing, status="removed", roles=[])
    if change.kind == "restore" and change.standing is not None:
        return change.standing
    return standing


def refusal(
    powers: Powers, member: Known, after: Standing, change: Change, roles: Roles
) -> str | None:
    """Why this change is not allowed; None where it is."""
    before = member.standing
    if before.status == "removed" and change.kind != "restore":
        return REMOVED
    given = [held for held in after.roles if held not in before.roles]
    taken = [held for held in before.roles if held not in after.roles]
    return (
        _about_oneself(powers, member, before, after, roles)
        or _about_authority(powers, before, roles)
        or next((why for held in given if (why := giving(powers, held, roles))), None)
        or (taking(powers, taken, roles) if change.kind != "remove" else None)
        or _about_units(powers, before, after)
        or apart(after, roles)
    )


def giving(powers: Powers, held: Held, roles: Roles) -> str | None:
    """Why the actor may not give this role there; None where they may."""
    allowed = roles.get(held.role)
    if allowed is None:
        return RETIRED
    if held.unit_id is not None and allowed and not in_unit(allowed):
        return NOT_IN_A_UNIT
    counted = allowed if held.unit_id is None else in_unit(allowed)
    if not powers.may(_needed(counted), held.unit_id):
        return NO_ROLES
    if any(CATALOGUE[name].authority and not powers.may(name, held.unit_id) for name in counted):
        return BEYOND_YOU
    return None


def taking(powers: Powers, taken: list[Held], roles: Roles) -> str | None:
    """Why the actor may not take these roles away."""
    for held in taken:
        if not powers.may(_needed(roles.get(held.role, frozenset())), held.unit_id):
            return NO_ROLES
    return None


def _needed(allowed: frozenset[str]) -> str:
    """A role that is about nobody but its holder is given with the membership itself."""
    own = all(CATALOGUE[name].reach == "own" for name in allowed)
    return "members.manage" if own else "roles.manage"


def _allowed(standing: Standing, roles: Roles) -> frozenset[str]:
    grants = [
        Grant(held.role, held.unit_id, sorted(roles.get(held.role, ()))) for held in standing.roles
    ]
    return access_of(grants).permissions


def _about_oneself(
    powers: Powers, member: Known, before: Standing, after: Standing, roles: Roles
) -> str | None:
    if powers.system or powers.actor.person_id != member.person_id:
        return None
    if after.status != "active":
        return YOURSELF
    widened = _allowed(after, roles) - _allowed(before, roles)
    more = [held for held in after.roles if held not in before.roles]
    return YOUR_OWN_ROLES if widened or more else None


def _about_authority(powers: Powers, before: Standing, roles: Roles) -> str | None:
    """Whoever holds an authority that the actor lacks is out of their reach."""
    for held in before.roles:
        for name in Grant(held.role, held.unit_id, sorted(roles.get(held.role, ()))).allows:
            if CATALOGUE[name].authority and not powers.may(name, held.unit_id):
                return ABOVE_YOU
    return None


def _about_units(powers: Powers, before: Standing, after: Standing) -> str | None:
    if not powers.may("members.manage", before.unit_id):
        return OUTSIDE
    moved = after.unit_id != before.unit_id
    return OUTSIDE if moved and not powers.may("members.manage", after.unit_id) else None


def apart(standing: Standing, roles: Roles) -> str | None:
    """Why these roles can't be held together (separation of duties)."""
    found = conflict(_allowed(standing, roles))
    return found.why if found else None


def loses_owner(before: Standing, after: Standing) -> bool:
    """Whether someone who acts as owner no longer does."""
    was = before.status == "active" and OWNER in before.roles
    return was and not (after.status == "active" and OWNER in after.roles)
