"""The map of personal data: each room says which of its tables hold it, why, and for how long.

`tenants.privacy` walks this registry for export, erasure and retention; a test compares it with
the schema, so that no table with a person's rows is forgotten.
"""

from typing import Literal

import msgspec

from passerelle.kernel.language import Localised


class PersonalTable(msgspec.Struct, frozen=True, kw_only=True):
    """One table. `owner` says whose rows they are; `person_column` finds a person's among them."""

    table: str
    owner: Literal["tenant", "person"]
    purpose: Localised
    person_column: str = "person_id"
    # What erasure does: delete the rows, keep them without the person's name, or keep (with why).
    erasure: Literal["delete", "anonymise", "keep"] = "delete"
    kept_because: str | None = None


REGISTRY: dict[str, PersonalTable] = {}


def register(*tables: PersonalTable) -> None:
    for table in tables:
        REGISTRY[table.table] = table
