"""What a verification of the chain can find, and how it is said."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from passerelle.kernel.language import N_

Kind = Literal[
    "changed", "removed", "inserted", "reordered", "tail_cut", "head_differs", "anchor_differs"
]

#: One sentence a kind; where there is no position, the second.
SENTENCES: Final[dict[Kind, tuple[str, str]]] = {
    "changed": (
        N_("The entry at position %(position)s was changed after it was chained."),
        N_("An entry was changed after it was chained."),
    ),
    "removed": (
        N_("The entry at position %(position)s was removed."),
        N_("An event was removed before it could be chained."),
    ),
    "inserted": (
        N_("The entry at position %(position)s was inserted: the chain did not make it."),
        N_(
            "An event is on record that the chain does not know: it was inserted around the "
            "record, or its link was removed."
        ),
    ),
    "reordered": (
        N_("The entry at position %(position)s does not belong there: entries were reordered."),
        N_("Entries were reordered."),
    ),
    "tail_cut": (
        N_("The end of the chain was cut off: nothing is left from position %(position)s on."),
        N_("The end of the chain was cut off."),
    ),
    "head_differs": (
        N_("The chain's head is not its last entry, at position %(position)s."),
        N_("The chain's head was removed."),
    ),
    "anchor_differs": (
        N_(
            "The chain was rewritten: at position %(position)s it is not what was written down "
            "elsewhere."
        ),
        N_("The chain was rewritten: it is not what was written down elsewhere."),
    ),
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The first bad place. `place` and `anchored_at` tell which anchor disagrees."""

    kind: Kind
    position: int | None = None
    event_id: UUID | None = None
    place: str | None = None
    anchored_at: datetime | None = None

    @property
    def sentence(self) -> str:
        """In English; a page translates SENTENCES itself."""
        with_position, without = SENTENCES[self.kind]
        if self.position is None:
            return without
        return with_position % {"position": self.position}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification saw: how many entries, up to which head, and the first bad place."""

    tenant_id: UUID
    checked: int
    head_position: int
    head_hash: str
    waiting: int = 0
    anchors: int = 0
    # Entries whose words an erasure took out, as the record itself says.
    redacted: int = 0
    # Of an exported file: it holds a choice of entries, and says nothing of the others.
    partial: bool = False
    finding: Finding | None = None

    @property
    def whole(self) -> bool:
        return self.finding is None
