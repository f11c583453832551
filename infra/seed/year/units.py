"""The directorates and services of the administration."""

from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from infra.seed.year.ledger import Ledger
from passerelle.kernel.language import Localised
from tenants.organisations.unit_model import Unit, on_record
from tenants.organisations.unit_store import search_text

DIRECTORATES: Final = (
    Localised("Human resources", "Ressources humaines", "الموارد البشرية"),
    Localised("Digital transformation", "Transformation numérique", "التحول الرقمي"),
    Localised("Citizen services", "Services aux usagers", "خدمات المرتفقين"),
    Localised("Budget and accounts", "Budget et comptabilité", "الميزانية والمحاسبة"),
    Localised(
        "Health and social affairs", "Santé et affaires sociales", "الصحة والشؤون الاجتماعية"
    ),
    Localised("Roads and water", "Routes et eau", "الطرق والماء"),
    Localised("Education and training", "Éducation et formation", "التربية والتكوين"),
    Localised("Agriculture and forests", "Agriculture et forêts", "الفلاحة والغابات"),
)
TOWNS: Final = (
    Localised("Rabat", "Rabat", "الرباط"),
    Localised("Fez", "Fès", "فاس"),
    Localised("Tangier", "Tanger", "طنجة"),
    Localised("Agadir", "Agadir", "أكادير"),
    Localised("Oujda", "Oujda", "وجدة"),
)


class Tree(msgspec.Struct, frozen=True):
    """`services` are where staff work, each below a directorate, in order."""

    directorates: list[UUID]
    services: list[UUID]

    def directorate_of(self, service: int) -> UUID:
        return self.directorates[service // len(TOWNS)]


async def plant_units(operator: asyncpg.Connection, ledger: Ledger) -> Tree:
    """Below the tenant's top unit: a directorate each, and its service in each town."""
    root = await operator.fetchval(
        "select id from unit where tenant_id = $1 and parent_id is null", ledger.tenant_id
    )
    directorates, services = [], []
    for number, name in enumerate(DIRECTORATES, 1):
        directorate = _add(ledger, root, f"d{number}", name)
        directorates.append(directorate)
        for place, town in enumerate(TOWNS, 1):
            here = Localised(
                f"{name.en}, {town.en}", f"{name.fr}, {town.fr}", f"{name.ar}، {town.ar}"
            )
            services.append(_add(ledger, directorate, f"d{number}-{place}", here))
    return Tree(directorates, services)


def _add(ledger: Ledger, parent_id: UUID, code: str, name: Localised) -> UUID:
    at = ledger.calendar.workday(1)
    unit = Unit(id=ledger.calendar.identifier(at), parent_id=parent_id, code=code, name=name)
    ledger.add(
        "unit",
        tenant_id=ledger.tenant_id,
        id=unit.id,
        parent_id=parent_id,
        code=code,
        name=name,
        folded=search_text(unit),
        created_at=at,
    )
    ledger.event(at, "unit.added", on_record(unit), subject=unit.id)
    return unit.id
