"""Requisitions, recruiters and decisions."""

from uuid import UUID

from passerelle.hiring import service, store
from passerelle.hiring.model import NewRequisition, Requirement, Requisition, Stage
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.language import Localised
from tests.conftest import People

# ESCO: think critically; protect personal data and privacy; evaluate data, information and
# digital content; manage data, information and digital content.
THINK_CRITICALLY = UUID("7dd94ad3-13d6-43fe-8b94-51fcbf67ced9")
PROTECT_DATA = UUID("33a82b83-c838-4889-ae62-fae1317481eb")
EVALUATE_DATA = UUID("1d6c7de4-350e-4868-a47b-333b4b0d9650")
MANAGE_DATA = UUID("4d97e3c3-f335-47cc-a4ee-0d779fd42222")
REASON = "Proved four of the requirements in a proctored exam."

TITLE = Localised(
    en="Digital services officer",
    fr="Chargé de services numériques",
    ar="موظف الخدمات الرقمية",
)


def recruiter(people: People, name: str = "Salma Benali") -> Actor:
    return Actor(
        kind="person",
        display_name=name,
        person_id=people.recruiter_id,
        tenant_id=people.tenant_id,
        tenant_slug=people.slug,
        permissions=frozenset({"hiring.read", "hiring.decide"}),
        origin="keycloak",
    )


async def open_requisition(
    database: Database, people: People, title: Localised = TITLE, **fields: object
) -> Requisition:
    new = NewRequisition(
        title=title,
        requirements=[
            Requirement(THINK_CRITICALLY, 1.0, 2, False),
            Requirement(PROTECT_DATA, 1.0, 2, False),
            Requirement(MANAGE_DATA, 0.4, 1, True),
        ],
        **fields,  # type: ignore[arg-type]
    )
    async with database.tenant(people.tenant_id, recruiter(people)) as tx:
        return await service.open_requisition(tx, new)


async def stages_of(database: Database, people: People, requisition: Requisition) -> list[Stage]:
    reader = database.tenant_reader(people.tenant_id, recruiter(people))
    return await store.stages(reader, requisition.pipeline_id)


async def move(
    database: Database,
    people: People,
    requisition_id: UUID,
    person_id: UUID,
    stages: list[Stage],
    path: tuple[int, int] = (0, 1),
    reason: str = REASON,
) -> service.Moved:
    """Moves from the stage at the first position of `path` to that at the second."""
    decision = service.Decision(
        person_id=person_id,
        from_stage=stages[path[0]].id,
        to_stage=stages[path[1]].id,
        reason=reason,
    )
    async with database.tenant(people.tenant_id, recruiter(people)) as tx:
        return await service.move(tx, requisition_id, decision)
