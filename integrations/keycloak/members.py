"""Adding a member who signs in through Keycloak: their account, their person, their membership."""

from uuid import UUID

import msgspec

from integrations.keycloak import store
from integrations.keycloak.administration import Administration, NewAccount
from integrations.keycloak.linking import add_identity
from integrations.keycloak.model import Identity
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Invalid
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import Locale
from passerelle.kernel.settings import Settings
from tenants.access.roles import ROLES
from tenants.model import Tenant
from tenants.service import admit


class NewMember(msgspec.Struct, frozen=True, kw_only=True):
    email: str
    first_name: str
    last_name: str
    locale: Locale
    roles: list[str]
    #: Without one, Keycloak sends a link by mail with which the person chooses theirs.
    password: str | None = None

    @property
    def display_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class AddedMember(msgspec.Struct, frozen=True):
    person_id: UUID
    account_created: bool


async def add_member(
    database: Database,
    settings: Settings,
    administration: Administration,
    tenant: Tenant,
    new: NewMember,
    actor: Actor,
) -> AddedMember:
    """Finds or makes what is missing; again, it adds roles and changes nothing else.

    Raises Invalid for an unknown role, MemberSuspended, AccountNotVerified, AccountRefused,
    KeycloakUnavailable.
    """
    if unknown := set(new.roles) - ROLES.keys():
        raise Invalid(errors={"roles": ", ".join(sorted(unknown))})
    tenancy = await store.tenancy(database.tenant_reader(tenant.id, actor))
    account = await administration.ensure_account(
        NewAccount(
            email=new.email,
            first_name=new.first_name,
            last_name=new.last_name,
            locale=new.locale,
            password=new.password,
            organization_id=tenancy.organization_id if tenancy else None,
        )
    )
    issuer = f"{settings.keycloak_url}/realms/{settings.keycloak_realm}"
    person_id = await person_of(database, Identity(issuer, account.subject), new)
    async with database.tenant(tenant.id, actor) as tx:
        await admit(tx, person_id, new.display_name, new.email, new.locale, new.roles)
    return AddedMember(person_id, account.created)


async def person_of(database: Database, account: Identity, new: NewMember) -> UUID:
    """The person whose account this is; a new one where it is nobody's yet."""
    found = await store.person_by_identity(database.lookup, account.issuer, account.subject)
    if found is not None:
        return found
    person_id = new_id()
    async with database.person(person_id, actors.system("keycloak.members")) as tx:
        await store.insert_person(tx, new.display_name, new.email, new.locale)
        await add_identity(tx, account)
    return person_id
