"""What the actor may do and where, and the roles there are: what the rules are given."""

import msgspec

from passerelle.kernel.database import TenantRead
from tenants.access.roles import ROLES
from tenants.members import role_store, rules, units
from tenants.members.model import Held
from tenants.members.rules import Powers


class Judged(msgspec.Struct, frozen=True):
    powers: Powers
    roles: rules.Roles

    def giving(self, held: Held) -> str | None:
        """Why the actor may not give this role there; None where they may."""
        return rules.giving(self.powers, held, self.roles)


async def powers_of(read: TenantRead) -> Powers:
    """What the actor may do, with every unit in which each limited permission counts."""
    limits = read.actor.units
    if not limits:
        return Powers(read.actor, {})
    tree = await units.tree(read)
    return Powers(read.actor, {name: tree.below(roots) for name, roots in limits.items()})


async def roles_of(read: TenantRead) -> rules.Roles:
    """Every role that can be held, with what it allows."""
    own = {role.code: frozenset(role.permissions) for role in await role_store.living(read)}
    return {**ROLES, **own}


async def judge(read: TenantRead) -> Judged:
    return Judged(await powers_of(read), await roles_of(read))
