"""From the roles that a member was granted to what they may do, and where."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from tenants.access.permissions import CATALOGUE, in_unit, limited
from tenants.access.roles import ROLES


class Grant(msgspec.Struct, frozen=True, order=True):
    """A role, for the whole organisation or in one unit and what lies below it.

    `permissions` are those of a role that the organisation made; None for a built-in role, and for
    a role that was retired.
    """

    role: str
    unit_id: UUID | None = None
    permissions: list[str] | None = None

    @property
    def allows(self) -> frozenset[str]:
        """What it allows where it counts; a role that we don't know allows nothing."""
        named = ROLES.get(self.role) or frozenset(self.permissions or ())
        known = named & CATALOGUE.keys()
        return known if self.unit_id is None else in_unit(known)


class Access(msgspec.Struct, frozen=True):
    """What someone may do; `units` limits a permission to units (see Actor.units)."""

    permissions: frozenset[str]
    units: dict[str, tuple[UUID, ...]]


def access_of(grants: Iterable[Grant]) -> Access:
    """What the grants allow together: what one allows everywhere, another doesn't limit."""
    everywhere: set[str] = set()
    units: dict[str, set[UUID]] = {}
    for grant in grants:
        for name in grant.allows:
            if grant.unit_id is None or not limited(name):
                everywhere.add(name)
            else:
                units.setdefault(name, set()).add(grant.unit_id)
    within = {name: tuple(sorted(found)) for name, found in units.items() if name not in everywhere}
    return Access(frozenset(everywhere | within.keys()), within)
