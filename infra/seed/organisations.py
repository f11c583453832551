"""The demo's two organisations, and who works in them.

Everything goes through the rooms' own services, and again changes nothing.
"""

from uuid import UUID

import msgspec

from integrations.keycloak.members import NewMember
from passerelle.kernel.database import Database
from passerelle.kernel.language import Locale, Localised
from tenants import service, store


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    slug: str
    name: Localised
    locale: Locale
    domain: str
    # Stands in the list from which a person chooses whom to share with.
    listed: bool
    members: tuple[NewMember, ...]

    def member(self, role: str) -> NewMember:
        return next(each for each in self.members if role in each.roles)


REGION = Organisation(
    slug="region",
    name=Localised("Regional administration", "Administration régionale", "الإدارة الجهوية"),
    locale="fr",
    domain="region.example",
    listed=False,
    members=(
        NewMember(
            email="admin@region.example",
            first_name="Admin",
            last_name="Région",
            locale="fr",
            roles=["tenant_admin"],
        ),
        NewMember(
            email="owner@region.example",
            first_name="Owner",
            last_name="Région",
            locale="fr",
            roles=["owner"],
        ),
    ),
)
RETAIL = Organisation(
    slug="retail",
    name=Localised("Atlas Stores", "Magasins Atlas", "متاجر الأطلس"),
    locale="en",
    domain="retail.example",
    listed=True,
    members=(
        NewMember(
            email="recruiter@retail.example",
            first_name="Retail",
            last_name="Recruiter",
            locale="en",
            roles=["recruiter"],
        ),
        NewMember(
            email="admin@retail.example",
            first_name="Retail",
            last_name="Admin",
            locale="en",
            roles=["tenant_admin"],
        ),
    ),
)


async def ensure_tenant(database: Database, organisation: Organisation) -> UUID:
    found = await store.tenant_by_slug(database.lookup, organisation.slug)
    if found is not None:
        return found.id
    return await service.create_tenant(
        database,
        organisation.slug,
        organisation.name,
        organisation.locale,
        listed=organisation.listed,
    )
