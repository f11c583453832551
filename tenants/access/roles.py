"""Which role may do what. A handler names a permission; a member holds roles."""

from collections.abc import Iterable

#: What a handler under /t/<slug> may ask for.
PERMISSIONS = (
    "learn",
    "learning.read",
    "items.write",
    "hiring.read",
    "hiring.decide",
    "members.read",
    "members.manage",
    "roles.manage",
    "tenant.admin",
    "tenant.own",
    "usage.read",
    "privacy.manage",
    "audit.read",
)

ROLES: dict[str, frozenset[str]] = {
    "owner": frozenset(PERMISSIONS) - {"learn", "items.write", "hiring.decide"},
    "tenant_admin": frozenset(
        {
            "tenant.admin",
            "audit.read",
            "hiring.read",
            "members.read",
            "members.manage",
            "roles.manage",
            "usage.read",
            "privacy.manage",
        }
    ),
    "learning_manager": frozenset({"learning.read", "members.read"}),
    "assessor": frozenset({"items.write"}),
    "recruiter": frozenset({"hiring.read", "hiring.decide"}),
    "hiring_manager": frozenset({"hiring.read", "hiring.decide"}),
    "interviewer": frozenset({"hiring.read"}),
    "auditor": frozenset({"audit.read", "members.read", "usage.read"}),
    "learner": frozenset({"learn"}),
    "candidate": frozenset(),
}


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """What the roles allow together; a role that we don't know allows nothing."""
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))
