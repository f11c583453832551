"""What a user over SCIM does to the membership that it is the face of, and to no other.

A client's wish is followed when it changes: what an administrator suspended or removed here stays
so, whatever a directory repeats. The person's own account, wallet and sharing are not touched.
"""

from collections.abc import Sequence
from uuid import UUID

from scim2_models import SCIMException

from integrations.scim import store
from integrations.scim.content import described
from integrations.scim.model import ROLES, Caller, Stored
from integrations.scim.store import Content
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import Problem
from passerelle.kernel.identifiers import new_id
from tenants.members import arrivals, rules, service
from tenants.members.model import Change

arrivals.FOLLOWING.append(store.FOLLOW_PERSON)


class Told(SCIMException):
    """A rule of ours, said in SCIM's words."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail=detail)
        self.status = status


def told(problem: Problem) -> Told:
    """A refusal of the product: what it is, and how to mend it."""
    detail = f" {problem.detail}." if problem.detail else ""
    return Told(problem.status, f"{problem.title}.{detail} {problem.mend}")


async def begin(tx: TenantTransaction, caller: Caller, content: Content) -> UUID:
    """A person with no sign-in and their membership; returns the person. Raises SeatsTaken."""
    new = described(new_id(), content)
    active = bool(content.attributes["active"])
    await arrivals.admit(tx, new, ROLES, active=active, reason=reason_of(caller))
    return new.person_id


async def change(
    tx: TenantTransaction, caller: Caller, stored: Stored, content: Content
) -> tuple[bool, bool]:
    """Follows what changed. Returns whether the membership is suspended because of us, and
    whether its standing changed. Raises SeatsTaken and Told."""
    assert stored.person_id is not None  # noqa: S101  a user's row
    now = described(stored.person_id, content)
    if now != described(stored.person_id, _before(stored)):
        await arrivals.rename(tx, now)
    wanted = bool(content.attributes.get("active", stored.active))
    if wanted == stored.active:
        return stored.suspended, False
    if not wanted:
        return await _changed(tx, caller, stored.person_id, "suspend"), True
    if stored.suspended:
        await _changed(tx, caller, stored.person_id, "reinstate")
        return False, True
    return False, False


def _before(stored: Stored) -> Content:
    return Content(
        name=stored.name,
        name_key="",
        external_id=stored.external_id,
        attributes=stored.attributes,
        folded={},
    )


async def end(tx: TenantTransaction, caller: Caller, person_id: UUID) -> None:
    """The membership is removed, its roles with it; nobody is expected as this person any more."""
    await _changed(tx, caller, person_id, "remove")
    await arrivals.forget(tx, person_id)


async def _changed(tx: TenantTransaction, caller: Caller, person_id: UUID, kind: str) -> bool:
    """Whether it was us who changed it. Who was removed here already stays removed."""
    wanted = Change(kind)  # type: ignore[arg-type]
    outcome = await service.change(tx, [person_id], wanted, reason_of(caller))
    refused: Sequence[str] = [one.why for one in outcome.refused]
    if refused and (refused[0] != rules.REMOVED or kind == "reinstate"):
        raise Told(403, f"This can't be done to this member: {refused[0]}")
    return bool(outcome.changed)


def reason_of(caller: Caller) -> str:
    return f"SCIM: {caller.name}"
