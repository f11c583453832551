"""Members come, are put in a unit, get roles, are suspended and leave: each with its event."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from infra.seed.year.ledger import By, Ledger
from infra.seed.year.staff import Staff
from infra.seed.year.units import Tree
from tenants.members.model import Held, MemberChanged, Standing
from tenants.model import MemberAdmitted

RECRUITERS: Final = 4
#: Each looks after the learning of one directorate.
MEMBERS_A_MANAGER: Final = 100
LEAVING: Final = (
    "Transferred to another administration.",
    "Fin de contrat.",
    "Départ à la retraite.",
    "إلحاق بإدارة أخرى.",
)
SUSPENDING: Final = "Absence longue durée, à la demande du service."
LMS: Final = By("lms.launch")
STAFF_OFFICE: Final = By("Personnel office")


def record_members(ledger: Ledger, staff: list[Staff], tree: Tree) -> None:
    """Every member with what happened to them since they came."""
    for number, one in enumerate(staff):
        unit_id = tree.services[one.unit]
        held = [Held("learner")]
        if number < RECRUITERS:
            held.append(Held("recruiter"))
        elif one.status == "active" and number % MEMBERS_A_MANAGER == 0:
            held.append(Held("learning_manager", tree.directorate_of(one.unit)))
        _rows(ledger, one, unit_id, held)
        _History(ledger, one).tell(unit_id, held)


def _rows(ledger: Ledger, one: Staff, unit_id: UUID, held: list[Held]) -> None:
    ledger.add(
        "member",
        tenant_id=ledger.tenant_id,
        person_id=one.person_id,
        display_name=one.name,
        email=one.email,
        locale=one.locale,
        status=one.status,
        unit_id=unit_id,
        created_at=one.joined_at,
    )
    for role in held:
        ledger.add(
            "member_role",
            tenant_id=ledger.tenant_id,
            id=ledger.calendar.identifier(one.joined_at),
            person_id=one.person_id,
            role=role.role,
            unit_id=role.unit_id,
            granted_at=one.joined_at,
            granted_by=LMS.name if role.role == "learner" else STAFF_OFFICE.name,
        )


class _History:
    """One member's events, each with how they stood before and after."""

    def __init__(self, ledger: Ledger, staff: Staff) -> None:
        self.ledger = ledger
        self.staff = staff
        self.standing = Standing("active", None, [Held("learner")])

    def tell(self, unit_id: UUID, held: list[Held]) -> None:
        one = self.staff
        self.ledger.event(
            one.joined_at,
            "member.admitted",
            MemberAdmitted(one.person_id, one.name, ["learner"]),
            by=LMS,
            subject=one.person_id,
            person_id=one.person_id,
        )
        at = one.joined_at + timedelta(minutes=30)
        self._change(at, "member.moved", unit_id=unit_id)
        for role in held[1:]:
            at += timedelta(minutes=1)
            self._change(at, "member.role_given", roles=[*self.standing.roles, role])
        if one.suspended_at is not None:
            self._change(
                one.suspended_at, "member.suspended", status="suspended", reason=SUSPENDING
            )
        if one.left_at is not None:
            reason = self.ledger.calendar.chance.choice(LEAVING)
            self._change(one.left_at, "member.removed", status="removed", reason=reason)

    def _change(
        self, at: datetime, name: str, *, reason: str | None = None, **changed: object
    ) -> None:
        before, one = self.standing, self.staff
        self.standing = msgspec.structs.replace(before, **changed)
        self.ledger.event(
            min(at, self.ledger.calendar.now),
            name,
            MemberChanged(one.person_id, one.name, self.standing),
            by=STAFF_OFFICE,
            subject=one.person_id,
            person_id=one.person_id,
            before=MemberChanged(one.person_id, one.name, before),
            reason=reason,
        )
