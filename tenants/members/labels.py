"""What roles, statuses and events are called on screen."""

import re
from collections.abc import Iterable

from passerelle.kernel.database import TenantRead
from passerelle.kernel.language import N_
from passerelle.web.language import current, translate
from tenants.access.permissions import CATALOGUE, Permission
from tenants.access.roles import ROLES
from tenants.audit.labels import event_label
from tenants.members import role_store
from tenants.members.role_model import Role

ROLE_NAMES = {
    "owner": N_("Owner"),
    "tenant_admin": N_("Administrator"),
    "learning_manager": N_("L&D manager"),
    "assessor": N_("Assessor"),
    "recruiter": N_("Recruiter"),
    "hiring_manager": N_("Hiring manager"),
    "interviewer": N_("Interviewer"),
    "auditor": N_("Auditor"),
    "learner": N_("Learner"),
    "candidate": N_("Candidate"),
}
STATUS_NAMES = {
    "active": N_("Active"),
    "suspended": N_("Suspended"),
    "removed": N_("Left"),
}
#: What happened to a member, as their page says it.
EVENT_NAMES = {
    "access.refused": N_("Access refused"),
    "member.admitted": N_("A member was admitted"),
    "member.joined": N_("Took an invitation"),
    "member.looked_as": N_("Someone looked as this member"),
    "member.moved": N_("Moved to another unit"),
    "member.reinstated": N_("Suspension lifted"),
    "member.removed": N_("Removed"),
    "member.restored": N_("A change was taken back"),
    "member.role_given": N_("A role was given"),
    "member.role_taken": N_("A role was taken away"),
    "member.signed_in": N_("Signed in"),
    "member.suspended": N_("Suspended"),
}

#: Who gives a role by a program's hand goes by the program's name: `lms.launch`, `seed`.
PROGRAM = re.compile(r"seed|operator|[a-z_]+(?:\.[a-z_-]+)+")


def past_name(name: str) -> str:
    """What an event is called on the page of the member it befell."""
    return translate(EVENT_NAMES[name]) if name in EVENT_NAMES else event_label(name)


def giver(name: str) -> str:
    """Who did it, as people say it: a person's name, or that no person did."""
    return translate(N_("the system itself")) if PROGRAM.fullmatch(name) else name


class RoleNames:
    """Every role's name in the language of the page."""

    def __init__(self, own: Iterable[Role]) -> None:
        self._own = {role.code: role for role in own}

    def name(self, code: str) -> str:
        if code in ROLE_NAMES:
            return translate(ROLE_NAMES[code])
        role = self._own.get(code)
        return role.name.in_(current().locale) if role else code

    def options(self) -> list[tuple[str, str]]:
        """The roles that can be held, the organisation's own last."""
        living = [role for role in self._own.values() if role.retired_at is None]
        return [
            *((code, self.name(code)) for code in ROLES),
            *((role.code, self.name(role.code)) for role in living),
        ]

    def permission(self, name: str) -> str:
        return translate(CATALOGUE[name].label) if name in CATALOGUE else name

    def allows(self, code: str) -> list[str]:
        """What a role allows, in plain sentences."""
        return [translate(one.allows) for one in self._permissions(code)]

    def short(self, code: str) -> list[str]:
        """The same in a few words each."""
        return [translate(one.label) for one in self._permissions(code)]

    def _permissions(self, code: str) -> list[Permission]:
        role = self._own.get(code)
        names = ROLES.get(code) or frozenset(role.permissions if role else ())
        return [one for one in CATALOGUE.values() if one.name in names]


async def role_names(read: TenantRead) -> RoleNames:
    return RoleNames(await role_store.roles(read))
