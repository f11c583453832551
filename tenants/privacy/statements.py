"""SQL made from the map of personal data: a person's rows found, counted, blanked, deleted.

Names of tables and columns come from the registry, which a test holds against the schema; values
are parameters always. `$1` is the owner. A tenant's statement takes as `$2` what `value_of` says.
"""

from collections.abc import Iterable
from uuid import UUID

from passerelle.kernel.personal_data import REGISTRY, PersonalTable
from tenants.privacy import registered as registered
from tenants.privacy import registered_own as registered_own
from tenants.privacy.catalogue import Catalogue
from tenants.privacy.model import Known


def condition(entry: PersonalTable) -> str:
    """Which rows of the entry's table are the person's; `$2` is the value to find them by."""
    if entry.owner == "person":
        return "person_id = $1"
    if entry.through is not None:
        link = entry.through
        return (
            f'tenant_id = $1 and "{link.column}" in (select "{link.key}" from "{link.table}"'  # noqa: S608
            f' where tenant_id = $1 and "{link.person_column}" = $2::uuid)'
        )
    found_by = entry.expression or f'"{entry.person_column}"'
    kind = "text" if entry.by_name or entry.by_email else "uuid"
    return f"tenant_id = $1 and {found_by} = $2::{kind}"


def value_of(entry: PersonalTable, known: Known) -> UUID | str | None:
    """What to look for; None where the entry's way of finding has nothing to go by."""
    if entry.by_name:
        return known.name or None
    if entry.by_email:
        return known.email.lower() if known.email else None
    return known.person_id


def select_rows(entry: PersonalTable) -> str:
    where = condition(entry)
    return f'select to_jsonb(one) as row from "{entry.table}" as one where {where}'  # noqa: S608


def count_rows(entry: PersonalTable) -> str:
    return f'select count(*) from "{entry.table}" where {condition(entry)}'  # noqa: S608


def erase_rows(entry: PersonalTable) -> str | None:
    """The statement that erases; None for what is kept, or redacted in another way."""
    if entry.erasure == "delete":
        return f'delete from "{entry.table}" where {condition(entry)}'  # noqa: S608
    if entry.erasure == "anonymise":
        blanks = ", ".join(f'"{column}" = {value}' for column, value in entry.blanks.items())
        return f'update "{entry.table}" set {blanks} where {condition(entry)}'  # noqa: S608
    return None


def of_owner(owner: str) -> list[PersonalTable]:
    return [entry for entry in REGISTRY.values() if entry.owner == owner]


def in_order_of_erasure(
    entries: Iterable[PersonalTable], catalogue: Catalogue
) -> list[PersonalTable]:
    """What refers to others first; within that, blanking before deleting."""
    place = {table.name: number for number, table in enumerate(catalogue.tables)}
    last = len(place)
    return sorted(
        entries,
        key=lambda entry: (
            entry.erasure == "delete",
            # Found through another row, it goes before that row does.
            -place.get(entry.table, last),
            entry.through is None,
            entry.name,
        ),
    )
