"""Which role may do what. A handler names a permission; a member holds roles."""

from collections.abc import Iterable

ROLES: dict[str, frozenset[str]] = {
    "learner": frozenset({"learn"}),
    "recruiter": frozenset({"hiring.read", "hiring.decide"}),
    "tenant_admin": frozenset({"tenant.admin", "audit.read", "hiring.read"}),
}


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """What the roles allow together; a role that we don't know allows nothing."""
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))
