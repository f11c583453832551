"""A list of people as CSV: read, and each row's fate decided before anything is written. Pure.

Columns, by their names in any of the three languages or as here: `email`, `name`, `roles`, `unit`,
`language`; only `email` is needed. Cells part with comma, semicolon or tab; roles with `;` or `|`.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from passerelle.kernel.language import LOCALES, N_, Locale, as_locale
from passerelle.skills.folding import folded
from passerelle.web.catalogue import look_up
from tenants.members.invitation_model import Invitee
from tenants.members.invitations import ADDRESS_WRONG
from tenants.members.invitations import folded as folded_email

FILE_LIMIT_BYTES = 4_000_000
NAME_LIMIT_CHARACTERS = 200
DEFAULT_ROLES = ["learner"]

COLUMNS = {
    "email": N_("E-mail"),
    "name": N_("Name"),
    "roles": N_("Roles"),
    "unit": N_("Unit"),
    "language": N_("Language"),
}
NOT_TEXT = N_("Save the list as CSV in UTF-8, and choose it again.")
NO_COLUMN = N_("The first row must name the columns, and one of them must be the e-mail address.")
EMPTY = N_("The list has no rows.")
TWICE = N_("This address stands in the list twice.")
UNKNOWN_ROLE = N_("There is no such role.")
UNKNOWN_UNIT = N_("There is no such unit, or several have this name.")


class ImportProblem(ValueError):
    """The list as a whole can't be read; its text says why."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it was written."""

    email: str = ""
    name: str = ""
    roles: str = ""
    unit: str = ""
    language: str = ""


class ImportedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it will be done: an invitation, or with `person_id` a change to a member."""

    email: str
    name: str
    roles: list[str]
    unit_id: UUID | None
    locale: Locale
    # The unit in which alone the roles count.
    roles_unit: UUID | None = None
    person_id: UUID | None = None

    def invitee(self) -> Invitee:
        return Invitee(
            email=self.email,
            roles=self.roles,
            locale=self.locale,
            unit_id=self.unit_id,
            only_in_unit=self.roles_unit is not None,
            name=self.name,
        )


class Known(msgspec.Struct, frozen=True):
    """What rows are matched with: roles and units by their folded names, members by address."""

    roles: Mapping[str, str]
    units: Mapping[str, UUID | None]
    locale: Locale
    # Who brings the list manages some units only: the roles count in the row's unit.
    limited: bool = False


def read_lines(content: bytes) -> list[Line]:
    """The rows of the list. Raises ImportProblem."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ImportProblem(NOT_TEXT) from None
    if "\0" in text:
        raise ImportProblem(NOT_TEXT)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        table = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        raise ImportProblem(NOT_TEXT) from None
    if not table:
        raise ImportProblem(EMPTY)
    columns = [_column(cell) for cell in table[0]]
    if "email" not in columns:
        raise ImportProblem(NO_COLUMN)
    found = [
        Line(**{name: cell.strip() for name, cell in zip(columns, row, strict=False) if name})
        for row in table[1:]
        if any(cell.strip() for cell in row)
    ]
    if not found:
        raise ImportProblem(EMPTY)
    return found


def _column(cell: str) -> str | None:
    wanted = folded(cell)
    for name, label in COLUMNS.items():
        if wanted in {folded(name), *(folded(look_up(label, locale)) for locale in LOCALES)}:
            return name
    return None


def understood(line: Line, known: Known) -> ImportedRow | str:
    """What the row asks for, or what is wrong with it."""
    email = line.email
    cells = [cell for cell in line.roles.replace("|", ";").split(";") if cell.strip()]
    roles = [known.roles.get(folded(cell), "") for cell in cells]
    unit = folded(line.unit)
    if not all(roles):
        return UNKNOWN_ROLE
    if unit and known.units.get(unit) is None:
        return UNKNOWN_UNIT
    if "@" not in email:
        return ADDRESS_WRONG
    unit_id = known.units.get(unit) if unit else None
    return ImportedRow(
        email=email,
        name=line.name[:NAME_LIMIT_CHARACTERS],
        roles=roles or DEFAULT_ROLES,
        unit_id=unit_id,
        roles_unit=unit_id if known.limited else None,
        locale=as_locale(line.language, known.locale),
    )


def repeated(lines: Sequence[Line]) -> set[int]:
    """The places of rows whose address stood further up."""
    seen: set[str] = set()
    again = set()
    for place, line in enumerate(lines):
        address = folded_email(line.email)
        if address in seen:
            again.add(place)
        seen.add(address)
    return again
