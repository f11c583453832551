"""Groups over SCIM: who is in them. What a group gives (roles, units) is decided elsewhere, by what
the events say."""

from collections.abc import Mapping
from uuid import UUID

from integrations.scim import store
from integrations.scim.content import changes_of, unknown_member
from integrations.scim.memberships import reason_of
from integrations.scim.model import Caller, GroupChanged, Stored
from integrations.scim.store import Content
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.events import emit

Members = Mapping[UUID, str | None]


async def begin(tx: TenantTransaction, group_id: UUID, content: Content, members: Members) -> None:
    """A group that was just written gets its members. Raises InvalidValueException."""
    joined = await _join(tx, group_id, members)
    made = GroupChanged(content.name, content.external_id, joined)
    await emit(tx, "scim.group_made", made, subject=group_id)


async def change(
    tx: TenantTransaction, caller: Caller, stored: Stored, content: Content, members: Members
) -> list[str]:
    """Writes what differs, and says what that was; nothing where nothing does.

    Raises InvalidValueException.
    """
    before = set(_linked(stored))
    changed = changes_of(stored, content)
    if members.keys() != before:
        changed.append("members")
    if not changed:
        return []
    new = {user: display for user, display in members.items() if user not in before}
    joined = await _join(tx, stored.id, new)
    left = await store.leave(tx, stored.id, sorted(before - members.keys()))
    await store.update(tx, stored.id, content, suspended=False)
    await emit(
        tx,
        "scim.group_changed",
        GroupChanged(content.name, content.external_id, joined, [one.person_id for one in left]),
        subject=stored.id,
        before=GroupChanged(stored.name, stored.external_id),
        reason=reason_of(caller),
    )
    return changed


async def end(tx: TenantTransaction, stored: Stored) -> None:
    """All leave; the group itself is deleted by whoever asked."""
    left = await store.leave(tx, stored.id, _linked(stored))
    persons = [one.person_id for one in left]
    gone = GroupChanged(stored.name, stored.external_id, [], persons)
    await emit(tx, "scim.group_removed", gone, subject=stored.id)


async def _join(tx: TenantTransaction, group_id: UUID, users: Members) -> list[UUID]:
    """The persons who joined. Raises InvalidValueException for who is no user here."""
    if not users:
        return []
    found = await store.join(tx, group_id, users)
    missing = users.keys() - {one.id for one in found}
    if missing:
        raise unknown_member(str(min(missing)))
    return [one.person_id for one in found]


def _linked(stored: Stored) -> list[UUID]:
    return sorted(UUID(one["value"]) for one in stored.links)
