"""The year, put together: staff, cohorts, credentials, posts."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from infra.seed.year import credentials
from infra.seed.year.calendar import Calendar
from infra.seed.year.learning import Learning, read_course
from infra.seed.year.ledger import By, Ledger, prepare_operator
from infra.seed.year.mobility import SHARING_SHARE, Mobility
from infra.seed.year.staff import COHORTS, Staff, invented_staff
from infra.seed.year.units import Tree, plant_units
from passerelle.hiring import service as hiring
from passerelle.hiring import store as hiring_store
from passerelle.hiring.model import STANDARD_PIPELINE, STANDARD_STAGES
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from tenants.model import MemberAdmitted

RECRUITERS: Final = 4
#: Each looks after the learning of one directorate.
MEMBERS_A_MANAGER: Final = 100
STAFF_COUNT = "select count(*) from member where tenant_id = $1 and email like 'agent%'"


async def tell(
    operator: asyncpg.Connection,
    database: Database,
    settings: Settings,
    tenant_id: UUID,
    domain: str,
) -> int:
    """Writes the year of a tenant that has a path and an LMS; returns how many rows.

    Does nothing, and returns 0, where the year was told already. Raises ValueError where the
    tenant lacks path or LMS.
    """
    if await operator.fetchval(STAFF_COUNT, tenant_id):
        return 0
    await prepare_operator(operator)
    calendar = Calendar()
    ledger = Ledger(tenant_id, calendar)
    tree = await plant_units(operator, ledger)
    staff = invented_staff(calendar, len(tree.services), domain)
    _members(ledger, staff, tree)
    learning = Learning(ledger, await read_course(operator, tenant_id))
    for number in range(COHORTS):
        learning.cohort(number, [one for one in staff if one.cohort == number])
    rows = len(ledger)
    await ledger.write(operator)
    async with database.tenant(tenant_id, actors.system("seed", tenant_id)) as tx:
        held = await credentials.issue_all(
            tx,
            ledger,
            learning.passed,
            learning.course.achievement_id,
            Vault(settings.master_key),
            settings.public_url,
        )
        pipeline_id = await hiring.create_pipeline(tx, STANDARD_PIPELINE, STANDARD_STAGES)
        stages = await hiring_store.stages(tx, pipeline_id)
    earned_at = {one.staff.person_id: one.at for one in learning.passed}
    recruiters = [one for one in staff if one.status == "active"][:RECRUITERS]
    _mobility(Mobility(ledger, pipeline_id, stages, recruiters), staff, held, earned_at)
    rows += len(ledger)
    await ledger.write(operator)
    return rows


def _members(ledger: Ledger, staff: list[Staff], tree: Tree) -> None:
    for number, one in enumerate(staff):
        unit_id = tree.services[one.unit]
        ledger.add(
            "member",
            tenant_id=ledger.tenant_id,
            person_id=one.person_id,
            display_name=one.name,
            email=one.email,
            locale=one.locale,
            status=one.status,
            unit_id=unit_id,
            created_at=one.joined_at,
        )
        roles: dict[str, UUID | None] = {"learner": None}
        if number < RECRUITERS:
            roles["recruiter"] = None
        elif one.status == "active" and number % MEMBERS_A_MANAGER == 0:
            roles["learning_manager"] = tree.directorate_of(one.unit)
        for role, scope in roles.items():
            ledger.add(
                "member_role",
                tenant_id=ledger.tenant_id,
                id=ledger.calendar.identifier(one.joined_at),
                person_id=one.person_id,
                role=role,
                unit_id=scope,
                granted_at=one.joined_at,
                granted_by="seed",
            )
        ledger.event(
            one.joined_at,
            "member.admitted",
            MemberAdmitted(one.person_id, one.name, list(roles)),
            by=By("lms.launch"),
            subject=one.person_id,
            person_id=one.person_id,
        )


def _mobility(
    mobility: Mobility,
    staff: list[Staff],
    held: dict[UUID, UUID],
    earned_at: dict[UUID, datetime],
) -> None:
    sharing: list[tuple[Staff, datetime]] = []
    for one in staff:
        if one.status != "active" or mobility.chance.random() >= SHARING_SHARE:
            continue
        since = earned_at.get(one.person_id, one.joined_at) + timedelta(days=2)
        if since < mobility.calendar.now:
            mobility.share(one, held.get(one.person_id), since)
            sharing.append((one, since))
    for post in mobility.posts():
        mobility.applications(post, sharing)
