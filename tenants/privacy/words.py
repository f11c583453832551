"""How the map, the ledger and a receipt are said to people."""

from collections.abc import Iterable
from typing import Any, Final

from passerelle.kernel.language import N_
from passerelle.kernel.personal_data import REGISTRY, PersonalTable
from passerelle.web.formats import format_number
from passerelle.web.language import current, translate, translate_plural
from tenants.privacy.model import PartErased
from tenants.privacy.retention import RetentionDays, days_of

GROUNDS: Final = {
    "consent": N_("the person agreed"),
    "contract": N_("needed for the service"),
    "duty": N_("a duty to prove it"),
    "interest": N_("a legitimate interest"),
}
ERASURES: Final = {
    "delete": N_("deleted"),
    "anonymise": N_("kept without the name"),
    "redact": N_("the words go, the entry stays"),
    "keep": N_("kept"),
}
DONE: Final = {
    "deleted": N_("deleted"),
    "anonymised": N_("kept without the name"),
    "redacted": N_("the words are gone, the entry stays"),
    "kept": N_("kept"),
}
PURPOSES: Final = {"hiring": N_("Hiring")}
STATES: Final = {
    "waiting": N_("waiting"),
    "working": N_("being made"),
    "ready": N_("ready"),
    "failed": N_("failed"),
    "expired": N_("over"),
}


def purpose_of(name: str) -> str:
    """What an entry of the map is for, in the reader's language."""
    entry = REGISTRY.get(name) or next((e for e in REGISTRY.values() if e.table == name), None)
    return entry.purpose.in_(current().locale) if entry else name


def kept_for(entry: PersonalTable, chosen: RetentionDays) -> str:
    """How long, in words."""
    if entry.through is not None:
        parent = REGISTRY.get(entry.through.table)
        if parent is not None:
            return kept_for(parent, chosen)
    if entry.retention is None:
        if entry.owner == "person":
            return translate(N_("as long as the account"))
        return translate(N_("as long as it is needed"))
    days = days_of(entry, chosen)
    return translate_plural("%(num)s day", "%(num)s days", days, num=format_number(days))


def on_erasure(entry: PersonalTable) -> str:
    said = translate(ERASURES[entry.erasure])
    if not entry.kept_because:
        return said
    return f"{said[:1].upper()}{said[1:]}. {translate(entry.kept_because)}"


def map_rows(entries: Iterable[PersonalTable], chosen: RetentionDays) -> list[dict[str, Any]]:
    return [
        {
            "what": entry.purpose.in_(current().locale),
            "why": translate(GROUNDS[entry.ground]),
            "long": kept_for(entry, chosen),
            "erasure": on_erasure(entry),
            "table": entry.table,
            "columns": ", ".join(entry.columns),
        }
        for entry in entries
    ]


def said_once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The map as people read it: what serves one purpose stands in one line."""
    found: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["why"], row["what"])):
        found.setdefault(row["what"], row)
    return list(found.values())


def part_rows(parts: Iterable[PartErased]) -> list[dict[str, Any]]:
    return [
        {"what": purpose_of(part.table), "did": translate(DONE[part.did]), "rows": part.rows}
        for part in parts
    ]
