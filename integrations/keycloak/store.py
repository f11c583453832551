"""The SQL of sign-in: accounts of a person, and a tenant's organization."""

from uuid import UUID

from integrations.keycloak.model import Identity, Person, Tenancy
from passerelle.kernel.database import (
    Lookup,
    PersonRead,
    PersonTransaction,
    TenantRead,
    TenantTransaction,
)

PERSON_BY_IDENTITY_LOOKUP = "select app.person_by_identity($1, $2)"


async def person_by_identity(lookup: Lookup, issuer: str, subject: str) -> UUID | None:
    """The person whose account this is."""
    found: UUID | None = await lookup.fetch_value(PERSON_BY_IDENTITY_LOOKUP, issuer, subject)
    return found


PERSON_INSERT = """
insert into person (person_id, display_name, email, locale) values ($1, $2, $3, $4)
on conflict do nothing
"""


async def insert_person(
    tx: PersonTransaction, display_name: str, email: str | None, locale: str
) -> None:
    await tx.execute(PERSON_INSERT, tx.person_id, display_name, email, locale)


PERSON_LOCKED = """
select display_name, email, locale from person where person_id = $1 for update
"""


async def locked_person(tx: PersonTransaction) -> Person | None:
    """The person, held until the transaction ends: two links at once go one after the other."""
    return await tx.fetch_one(Person, PERSON_LOCKED, tx.person_id)


PERSON_ITSELF = "select display_name, email, locale from person where person_id = $1"


async def person(read: PersonRead) -> Person | None:
    return await read.fetch_one(Person, PERSON_ITSELF, read.person_id)


PERSON_COMPLETE = """
update person
set display_name = case when display_name = '' then $2 else display_name end,
    email = coalesce(email, $3)
where person_id = $1
"""


async def complete_person(tx: PersonTransaction, display_name: str, email: str | None) -> None:
    """Fills in a name and an address where there was none; changes neither."""
    await tx.execute(PERSON_COMPLETE, tx.person_id, display_name, email)


PERSON_IDENTITIES = """
select issuer, subject from identity where person_id = $1 order by linked_at
"""


async def identities(read: PersonRead) -> list[Identity]:
    return await read.fetch(Identity, PERSON_IDENTITIES, read.person_id)


PERSON_INSERT_IDENTITY = """
insert into identity (person_id, id, issuer, subject) values ($1, $2, $3, $4)
on conflict do nothing
"""


async def insert_identity(
    tx: PersonTransaction, identity_id: UUID, issuer: str, subject: str
) -> bool:
    """False where the account is somebody's already."""
    written = await tx.execute(PERSON_INSERT_IDENTITY, tx.person_id, identity_id, issuer, subject)
    return written == 1


TENANCY = """
select organization_id, required from keycloak_organization where tenant_id = $1
"""


async def tenancy(read: TenantRead) -> Tenancy | None:
    return await read.fetch_one(Tenancy, TENANCY, read.tenant_id)


SAVE_ORGANIZATION = """
insert into keycloak_organization (tenant_id, organization_id, required) values ($1, $2, $3)
on conflict (tenant_id) do update
set organization_id = excluded.organization_id, required = excluded.required
"""


async def save_organization(tx: TenantTransaction, organization_id: str, *, required: bool) -> None:
    """Sets the tenant's organization, and whether members must come in through it."""
    await tx.execute(SAVE_ORGANIZATION, tx.tenant_id, organization_id, required)
