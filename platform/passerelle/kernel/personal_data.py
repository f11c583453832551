"""The map of personal data: each room says which of its tables hold it, why, and for how long.

`tenants.privacy` walks this registry for export, erasure and retention; a test compares it with
the schema both ways, so that no column with a person in it is forgotten and none is invented.
"""

from typing import Literal

import msgspec

from passerelle.kernel.language import Localised

#: On what footing the data is held (GDPR article 6 and law 09-08 article 4, in one word each).
Ground = Literal["consent", "contract", "duty", "interest"]
#: What erasure does: delete the rows; blank what names the person; blank the words of a record
#: whose order is proven (the audit record); or keep (with why).
Erasure = Literal["delete", "anonymise", "redact", "keep"]


class Through(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that belong to a person by way of another table's row: `column` names its `key`."""

    table: str
    column: str
    key: str = "id"
    person_column: str = "person_id"


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """Rows go `days` after the moment in `column`; a tenant may choose from `least` to `most`.

    A row whose `column` is null has not begun to age. What is registered `through` a row goes with
    it, and has no clock of its own.
    """

    column: str
    days: int
    least_days: int = 30
    most_days: int = 3650


class PersonalTable(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a table holds a person's data; a table may be registered for several.

    `owner` says whose rows they are. `person_column` finds a person's among them: by the person's
    id, with `by_name` or `by_email` by the name or the address (in small letters) written there, or
    through another table's row.
    """

    table: str
    owner: Literal["tenant", "person"]
    purpose: Localised
    person_column: str = "person_id"
    by_name: bool = False
    by_email: bool = False
    # Where the name or address stands deeper: an SQL expression instead of the column.
    expression: str | None = None
    through: Through | None = None
    # The further columns that say something of the person: what the map shows.
    columns: tuple[str, ...] = ()
    ground: Ground = "contract"
    # None: for as long as the account or the membership lasts.
    retention: Retention | None = None
    erasure: Erasure = "delete"
    # With `anonymise`: what each column becomes, as an SQL expression.
    blanks: dict[str, str] = {}
    kept_because: str | None = None
    # What a person's export leaves out: secrets, and what is about somebody else.
    withheld: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`table`, or `table.column` where the person stands in another column than usual."""
        usual = self.through is not None or self.person_column == "person_id"
        return self.table if usual else f"{self.table}.{self.person_column}"


REGISTRY: dict[str, PersonalTable] = {}
#: `table.column` that looks personal and isn't → why it isn't.
NOT_PERSONAL: dict[str, str] = {}


def register(*tables: PersonalTable) -> None:
    for table in tables:
        if REGISTRY.setdefault(table.name, table) != table:
            raise ValueError(f"{table.name} is on the map of personal data twice, differently")


def not_personal(columns: dict[str, str]) -> None:
    """Says of `table.column`s that look as if they held a person's data why they don't."""
    NOT_PERSONAL.update(columns)
