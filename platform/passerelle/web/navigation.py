"""The links of the bar. A room adds its own on import; the bar shows those the actor may open."""

from typing import Final, Literal

import msgspec

from passerelle.kernel.actor import Actor

Space = Literal["tenant", "person"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """`label` is marked with `N_`; `path` is as in `url(path)`, without `/t/<slug>`."""

    label: str
    path: str
    permission: str
    space: Space
    order: int


_entries: Final[dict[tuple[Space, str], Entry]] = {}


def add(
    label: str, path: str, *, permission: str, space: Space = "tenant", order: int = 50
) -> None:
    """Puts a link in the bar: `add(N_("Hiring"), "/hiring", permission="hiring.read")`."""
    _entries[space, path] = Entry(
        label=label, path=path, permission=permission, space=space, order=order
    )


def entries(actor: Actor | None) -> list[Entry]:
    """The links for this actor, in order; none for someone who isn't signed in."""
    if actor is None:
        return []
    space: Space = "tenant" if actor.tenant_id is not None else "person"
    found = [e for e in _entries.values() if e.space == space and actor.may(e.permission)]
    return sorted(found, key=lambda entry: (entry.order, entry.path))
