"""Changing members, one or many at once: loaded, judged by the rules, written, on record.

Whoever calls `change` in a request calls `Sessions.changed` once it is committed (`at_once` does
both); the worker does it again from the events, so that no open session keeps what it lost.
"""

from collections.abc import Sequence
from uuid import UUID

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.events import emit_each
from passerelle.kernel.language import N_
from tenants.access.sessions import Sessions
from tenants.members import rules, store
from tenants.members.invitations import invite as invite
from tenants.members.model import (
    EVENTS,
    PEOPLE_AT_ONCE,
    REASON_LIMIT_CHARACTERS,
    Change,
    Known,
    MemberChanged,
    Outcome,
    Refusal,
    Standing,
)
from tenants.members.powers import judge
from tenants.plans.service import require_seats

Changed = list[tuple[Known, Standing]]
NEEDS_REASON = frozenset({"suspend", "remove"})


async def change(
    tx: TenantTransaction, people: Sequence[UUID], wanted: Change, reason: str = ""
) -> Outcome:
    """Does to each of these people what can be done, and says of the others why it can't.

    Someone who is no member, or outside of the units the actor sees, is passed over in silence.
    Raises Invalid for a reason that is missing or too long, or for too many people.
    """
    reason = reason_of(wanted, reason)
    if len(people) > PEOPLE_AT_ONCE:
        raise Invalid(errors={"person": N_("Choose fewer people at once.")})
    judged = await judge(tx)
    powers, roles = judged.powers, judged.roles
    known = [
        member
        for member in await store.members_for_change(tx, people)
        if powers.may("members.read", member.unit_id)
    ]
    changed: Changed = []
    refused: list[Refusal] = []
    unchanged: list[UUID] = []
    for member in known:
        after = rules.applied(member.standing, wanted)
        why = rules.refusal(powers, member, after, wanted, roles)
        if after == member.standing and why != rules.REMOVED:
            unchanged.append(member.person_id)
        elif why is not None:
            refused.append(Refusal(member.person_id, member.display_name, why))
        else:
            changed.append((member, after))
    changed = await _owners_kept(tx, changed, refused)
    await _write(tx, changed)
    await emit_each(
        tx,
        EVENTS[wanted.kind],
        [
            (one.person_id, MemberChanged(one.person_id, one.display_name, after), one.standing)
            for one, after in changed
        ],
        reason=reason or None,
    )
    return Outcome([member.person_id for member, _ in changed], unchanged, refused)


async def at_once(
    database: Database,
    sessions: Sessions,
    actor: Actor,
    people: Sequence[UUID],
    wanted: Change,
    reason: str = "",
) -> Outcome:
    """`change` in a transaction of its own, felt by open sessions from their next request on."""
    assert actor.tenant_id is not None  # noqa: S101  a member's session
    async with database.tenant(actor.tenant_id, actor) as tx:
        outcome = await change(tx, people, wanted, reason)
    if outcome.changed:
        await sessions.changed(actor.tenant_id)
    return outcome


def reason_of(wanted: Change, reason: str) -> str:
    """The reason, trimmed. Raises Invalid where it is missing or too long."""
    reason = reason.strip()
    if wanted.kind in NEEDS_REASON and not reason:
        raise Invalid(errors={"reason": N_("Say why: it stays on record with your name.")})
    if len(reason) > REASON_LIMIT_CHARACTERS:
        raise Invalid(errors={"reason": N_("Use at most 500 characters.")})
    return reason


async def _owners_kept(tx: TenantTransaction, changed: Changed, refused: list[Refusal]) -> Changed:
    """Without the changes that would leave the organisation with no owner."""
    leaving = {
        member.person_id for member, after in changed if rules.loses_owner(member.standing, after)
    }
    if not leaving or await store.owners_for_change(tx) - leaving:
        return changed
    refused += [
        Refusal(member.person_id, member.display_name, rules.LAST_OWNER)
        for member, _ in changed
        if member.person_id in leaving
    ]
    return [pair for pair in changed if pair[0].person_id not in leaving]


async def _write(tx: TenantTransaction, changed: Changed) -> None:
    standing, given, taken = [], [], []
    for member, after in changed:
        before = member.standing
        if (before.status, before.unit_id) != (after.status, after.unit_id):
            standing.append((member.person_id, after.status, after.unit_id))
        given += [
            (member.person_id, held.role, held.unit_id)
            for held in after.roles
            if held not in before.roles
        ]
        taken += [
            (member.person_id, held.role, held.unit_id)
            for held in before.roles
            if held not in after.roles
        ]
    back = sum(after.status == "active" != member.standing.status for member, after in changed)
    if back:
        await require_seats(tx, back)
    if standing:
        await store.set_standing(tx, standing)
    if taken:
        await store.take(tx, taken)
    if given:
        await store.give(tx, given)
