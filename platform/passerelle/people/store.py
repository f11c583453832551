"""The statements of the people room. Person rows, but for the one that a tenant reads."""

from datetime import datetime
from uuid import UUID

from passerelle.kernel.database import Lookup, PersonRead, PersonTransaction
from passerelle.kernel.language import Localised
from passerelle.people.model import SHARINGS_SHOWN_LIMIT, Organisation, Profile, Sharing

PERSON_REGISTER = """
insert into person (person_id, display_name, locale) values ($1, $2, $3)
"""


async def register(tx: PersonTransaction, display_name: str, locale: str) -> None:
    await tx.execute(PERSON_REGISTER, tx.person_id, display_name, locale)


PERSON_PROFILE = """
select headline, about, locale from profile where person_id = $1
"""


async def profile(read: PersonRead) -> Profile | None:
    return await read.fetch_one(Profile, PERSON_PROFILE, read.person_id)


PERSON_SAVE_PROFILE = """
insert into profile (person_id, headline, about, locale) values ($1, $2, $3, $4)
on conflict (person_id) do update
set headline = excluded.headline, about = excluded.about, locale = excluded.locale,
    updated_at = now()
"""


async def save_profile(tx: PersonTransaction, profile: Profile) -> None:
    await tx.execute(
        PERSON_SAVE_PROFILE, tx.person_id, profile.headline, profile.about, profile.locale
    )


PERSON_SHARINGS = """
select id, tenant_id, purpose, granted_at, until, withdrawn_at
from sharing where person_id = $1
order by granted_at desc, id desc
limit $2
"""


async def sharings(read: PersonRead) -> list[Sharing]:
    """The latest sharings first, live or ended; at most SHARINGS_SHOWN_LIMIT."""
    return await read.fetch(Sharing, PERSON_SHARINGS, read.person_id, SHARINGS_SHOWN_LIMIT)


PERSON_SHARING = """
select id, tenant_id, purpose, granted_at, until, withdrawn_at
from sharing where person_id = $1 and id = $2
"""


async def sharing(read: PersonRead, sharing_id: UUID) -> Sharing | None:
    return await read.fetch_one(Sharing, PERSON_SHARING, read.person_id, sharing_id)


PERSON_LOCK = """
select person_id from person where person_id = $1 for update
"""


async def lock(tx: PersonTransaction) -> None:
    """Lets one change of a person's sharings wait for another."""
    await tx.execute(PERSON_LOCK, tx.person_id)


PERSON_LIVE_SHARINGS = """
select id, tenant_id, purpose, granted_at, until, withdrawn_at
from sharing
where person_id = $1 and tenant_id = $2 and purpose = $3
  and withdrawn_at is null and until > now()
order by granted_at
"""


async def live_sharings(read: PersonRead, tenant_id: UUID, purpose: str) -> list[Sharing]:
    return await read.fetch(Sharing, PERSON_LIVE_SHARINGS, read.person_id, tenant_id, purpose)


PERSON_GRANT = """
insert into sharing (person_id, id, tenant_id, purpose, until) values ($1, $2, $3, $4, $5)
"""


async def grant(
    tx: PersonTransaction, sharing_id: UUID, tenant_id: UUID, purpose: str, until: datetime
) -> None:
    await tx.execute(PERSON_GRANT, tx.person_id, sharing_id, tenant_id, purpose, until)


PERSON_CHANGE_UNTIL = """
update sharing set until = $3 where person_id = $1 and id = $2
"""


async def change_until(tx: PersonTransaction, sharing_id: UUID, until: datetime) -> None:
    await tx.execute(PERSON_CHANGE_UNTIL, tx.person_id, sharing_id, until)


PERSON_WITHDRAW = """
update sharing set withdrawn_at = now()
where person_id = $1 and id = $2 and withdrawn_at is null and until > now()
"""


async def withdraw(tx: PersonTransaction, sharing_id: UUID) -> bool:
    """Whether it was live until now."""
    return await tx.execute(PERSON_WITHDRAW, tx.person_id, sharing_id) == 1


LOOKUP_ORGANISATIONS = """
select id, slug, name from app.tenant_directory() order by slug
"""


async def organisations(lookup: Lookup) -> list[Organisation]:
    """The organisations that let themselves be found."""
    return await lookup.fetch(Organisation, LOOKUP_ORGANISATIONS)


LOOKUP_ORGANISATION = """
select id, slug, name from app.tenant_by_id($1)
"""


async def organisation_names(lookup: Lookup, tenant_ids: set[UUID]) -> dict[UUID, Localised]:
    """The names of these organisations, listed or not; one that is gone has none."""
    names = {one.id: one.name for one in await organisations(lookup)}
    for tenant_id in tenant_ids - names.keys():
        found = await lookup.fetch_one(Organisation, LOOKUP_ORGANISATION, tenant_id)
        if found is not None:
            names[found.id] = found.name
    return names
