"""How a member stood on a day, and the event that proves it. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from tenants.members.model import Held, Past, Standing

#: What changes a standing: the names of their events.
STANDING_EVENTS = (
    "member.admitted",
    "member.joined",
    "member.moved",
    "member.reinstated",
    "member.removed",
    "member.restored",
    "member.role_given",
    "member.role_taken",
    "member.suspended",
)
NOBODY = Standing("active", None, [])


class Proof(msgspec.Struct, frozen=True):
    """The standing, and the last event that changed it."""

    standing: Standing
    event: Past


def standing_then(newest_first: Iterable[Past]) -> Proof | None:
    """The standing after these events; None where nothing is on record.

    An event of a change holds the whole standing after it. An admission (by a launch, or by whoever
    set the organisation up) holds the roles that it added.
    """
    later: list[Held] = []
    last: Past | None = None
    for event in newest_first:
        last = last or event
        standing = _after(event.payload)
        if standing is not None:
            return Proof(_with(standing, later), last)
        later += [Held(role) for role in event.payload.get("roles", [])]
    return Proof(_with(NOBODY, later), last) if last else None


def _with(standing: Standing, added: list[Held]) -> Standing:
    roles = {held.key: held for held in [*standing.roles, *added]}
    return msgspec.structs.replace(standing, roles=[roles[key] for key in sorted(roles)])


def _after(payload: Any) -> Standing | None:
    return _read(payload.get("standing")) if isinstance(payload, dict) else None


def standing_before(event: Past) -> Standing | None:
    """What an event of a change says that it was before."""
    return _read(event.before) if isinstance(event.before, dict) else None


def _read(value: Any) -> Standing | None:
    try:
        return msgspec.convert(value, Standing)
    except msgspec.ValidationError:
        return None
