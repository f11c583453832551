"""The year, put together: staff, cohorts, credentials, posts."""

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from infra.seed.year import credentials
from infra.seed.year.calendar import Calendar
from infra.seed.year.learning import Learning, read_course
from infra.seed.year.ledger import Ledger, prepare_operator
from infra.seed.year.members import RECRUITERS, record_members
from infra.seed.year.mobility import SHARING_SHARE, Mobility
from infra.seed.year.staff import COHORTS, Staff, invented_staff
from infra.seed.year.units import plant_units
from passerelle.hiring import service as hiring
from passerelle.hiring import store as hiring_store
from passerelle.hiring.model import STANDARD_PIPELINE, STANDARD_STAGES
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings

EXISTS_SINCE = "update tenant set created_at = least(created_at, $2) where id = $1"
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
    record_members(ledger, staff, tree)
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
    # Last: past months are closed for good from then on, and must have all that happened in them.
    await operator.execute(EXISTS_SINCE, tenant_id, calendar.begin)
    return rows


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
