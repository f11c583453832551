"""An administrator of an organisation, and a small ministry of units."""

from uuid import UUID

import httpx
from litestar import Litestar

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.language import Localised
from tenants.access.roles import permissions_of
from tenants.organisations import unit_csv, unit_store
from tests.conftest import People

MINISTRY = Localised("Ministry of Health", "Ministère de la Santé", "وزارة الصحة")
LIST = """code,parent,name_en,name_fr,name_ar
root,,Ministry of Health,Ministère de la Santé,وزارة الصحة
hospitals,root,Directorate of hospitals,Direction des hôpitaux,مديرية المستشفيات
hospitals-north,hospitals,Hospitals of the north,Hôpitaux du nord,مستشفيات الشمال
hospitals-south,hospitals,Hospitals of the south,Hôpitaux du sud,مستشفيات الجنوب
care,root,Directorate of primary care,Direction des soins,مديرية الرعاية الصحية الأولية
care-towns,care,Care in towns,Soins en ville,الرعاية في المدن
people,root,Human resources and training,Ressources humaines et formation,الموارد البشرية والتكوين
"""


def administrator(people: People, locale: str = "en") -> Actor:
    return Actor(
        kind="person",
        display_name="Salma Benali",
        person_id=people.recruiter_id,
        tenant_id=people.tenant_id,
        tenant_slug=people.slug,
        tenant_name=MINISTRY,
        permissions=permissions_of(["tenant_admin"]),
        locale=locale,  # type: ignore[arg-type]
        origin="keycloak",
    )


async def plant_ministry(database: Database, people: People) -> dict[str, UUID]:
    """Its units by code; the learner stands in the hospitals of the north."""
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        await unit_csv.apply(tx, LIST.encode())
        units = {one.code: one.id for one in await unit_store.units(tx)}
        await tx.execute(
            "update member set unit_id = $3 where tenant_id = $1 and person_id = $2",
            tx.tenant_id,
            people.learner_id,
            units["hospitals-north"],
        )
    return units


async def sign_in_administrator(
    client: httpx.AsyncClient, app: Litestar, people: People, locale: str = "en"
) -> None:
    from tests.people.sessions import cookie

    held = await cookie(app, administrator(people, locale))
    client.cookies.set(held["name"], held["value"], domain="localhost.local", path=held["path"])
