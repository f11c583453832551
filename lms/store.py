"""The statements on registrations, users, line items, refusals and the tool's keys."""

from uuid import UUID

import msgspec

from lms.claims import Launch
from lms.model import (
    CONNECTIONS_LIMIT,
    Connection,
    KnownUser,
    NewRegistration,
    Registration,
    ToolKey,
)
from passerelle.kernel.database import Lookup, PersonTransaction, TenantRead, TenantTransaction


class Found(msgspec.Struct, frozen=True):
    tenant_id: UUID
    registration_id: UUID


REGISTRATIONS_LOOKUP = "select tenant_id, registration_id from app.lti_registrations($1, $2, $3)"


async def candidates(
    lookup: Lookup, issuer: str, client_id: str | None, deployment_id: str | None
) -> list[Found]:
    """The registrations that a login may belong to; at most two are told."""
    return await lookup.fetch(Found, REGISTRATIONS_LOOKUP, issuer, client_id, deployment_id)


REGISTRATION = """
select id, name, issuer, client_id, authorization_url, token_url, jwks_url, token_audience,
  (select coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'deployment_id', d.deployment_id)
     order by d.id), '[]') from lti_deployment d
   where d.tenant_id = $1 and d.registration_id = r.id) as deployments
from lti_registration r where r.tenant_id = $1 and r.id = $2
"""


async def registration(read: TenantRead, registration_id: UUID) -> Registration | None:
    return await read.fetch_one(Registration, REGISTRATION, read.tenant_id, registration_id)


INSERT_REGISTRATION = """
insert into lti_registration
  (tenant_id, name, issuer, client_id, authorization_url, token_url, jwks_url, token_audience)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing returning id
"""


async def insert_registration(tx: TenantTransaction, new: NewRegistration) -> UUID | None:
    """The new id; None where issuer and client are connected already."""
    inserted: UUID | None = await tx.fetch_value(
        INSERT_REGISTRATION,
        tx.tenant_id,
        new.name,
        new.issuer,
        new.client_id,
        new.authorization_url,
        new.token_url,
        new.jwks_url,
        new.token_audience,
    )
    return inserted


INSERT_DEPLOYMENTS = """
insert into lti_deployment (tenant_id, registration_id, issuer, client_id, deployment_id)
select $1, $2, $3, $4, unnest($5::text[])
on conflict do nothing
"""


async def insert_deployments(
    tx: TenantTransaction, registration_id: UUID, new: NewRegistration
) -> int:
    """How many are new; a deployment that any organisation has connected stays where it is."""
    return await tx.execute(
        INSERT_DEPLOYMENTS,
        tx.tenant_id,
        registration_id,
        new.issuer,
        new.client_id,
        new.deployment_ids,
    )


CONNECTIONS = """
select r.id, r.name, r.issuer, r.client_id,
  (select coalesce(array_agg(d.deployment_id order by d.id), '{}') from lti_deployment d
   where d.tenant_id = $1 and d.registration_id = r.id) as deployment_ids,
  (select count(*) from lti_user u
   where u.tenant_id = $1 and u.registration_id = r.id) as users,
  (select max(u.launched_at) from lti_user u
   where u.tenant_id = $1 and u.registration_id = r.id) as last_launch_at,
  f.last_at as last_refusal_at, f.reason as last_refusal, f.detail as last_refusal_detail
from lti_registration r
left join lateral (
  select last_at, reason, detail from lti_refusal
  where tenant_id = $1 and registration_id = r.id order by last_at desc limit 1
) f on true
where r.tenant_id = $1
order by r.name, r.id limit $2
"""


async def connections(read: TenantRead) -> list[Connection]:
    return await read.fetch(Connection, CONNECTIONS, read.tenant_id, CONNECTIONS_LIMIT)


NOTE_REFUSAL = """
insert into lti_refusal (tenant_id, registration_id, reason, detail) values ($1, $2, $3, $4)
on conflict (tenant_id, registration_id, reason) do update
set times = lti_refusal.times + 1, detail = excluded.detail, last_at = now()
"""


async def note_refusal(
    tx: TenantTransaction, registration_id: UUID, reason: str, detail: str | None
) -> None:
    await tx.execute(NOTE_REFUSAL, tx.tenant_id, registration_id, reason, detail)


KNOWN_USER = """
select u.person_id, m.display_name, m.email
from lti_user u left join member m on m.tenant_id = $1 and m.person_id = u.person_id
where u.tenant_id = $1 and u.registration_id = $2 and u.subject = $3
"""


async def known_user(read: TenantRead, registration_id: UUID, subject: str) -> KnownUser | None:
    return await read.fetch_one(KnownUser, KNOWN_USER, read.tenant_id, registration_id, subject)


RESERVE_USER = """
insert into lti_user (tenant_id, registration_id, subject, person_id) values ($1, $2, $3, $4)
on conflict do nothing
"""


async def reserve_user(
    tx: TenantTransaction, registration_id: UUID, subject: str, person_id: UUID
) -> None:
    """Names the person of this user; of two at the same moment the first stands."""
    await tx.execute(RESERVE_USER, tx.tenant_id, registration_id, subject, person_id)


INSERT_PERSON_OF_PERSON = """
insert into person (person_id, display_name, locale) values ($1, $2, $3) on conflict do nothing
"""


async def insert_person(tx: PersonTransaction, display_name: str, locale: str) -> None:
    await tx.execute(INSERT_PERSON_OF_PERSON, tx.person_id, display_name, locale)


MARK_LAUNCHED = """
update lti_user set launched_at = now()
where tenant_id = $1 and registration_id = $2 and subject = $3
"""


async def mark_launched(tx: TenantTransaction, launch: Launch) -> None:
    await tx.execute(MARK_LAUNCHED, tx.tenant_id, launch.registration_id, launch.subject)


SAVE_LINE_ITEM = """
insert into lti_line_item (tenant_id, registration_id, deployment_id, context_id,
  resource_link_id, line_item_url, scopes, achievement_code, context_title, title)
select $1, $2, d.id, $4, $5, $6, $7, $8, $9, $10 from lti_deployment d
where d.tenant_id = $1 and d.registration_id = $2 and d.deployment_id = $3
on conflict (tenant_id, deployment_id, context_id, resource_link_id) do update
set line_item_url = excluded.line_item_url, scopes = excluded.scopes,
    achievement_code = excluded.achievement_code,
    context_title = excluded.context_title, title = excluded.title
returning id
"""


async def save_line_item(
    tx: TenantTransaction, launch: Launch, achievement_code: str | None
) -> UUID:
    """The line item of the launched link in its course, as the platform just described it."""
    saved: UUID = await tx.fetch_value(
        SAVE_LINE_ITEM,
        tx.tenant_id,
        launch.registration_id,
        launch.deployment_id,
        launch.context_id,
        launch.resource_link_id,
        launch.line_item_url,
        list(launch.scopes),
        achievement_code,
        launch.context_title,
        launch.resource_link_title,
    )
    return saved


PLACE = """
insert into lti_placement (tenant_id, line_item_id, person_id) values ($1, $2, $3)
on conflict (tenant_id, line_item_id, person_id) do update set launched_at = now()
"""


async def place(tx: TenantTransaction, line_item_id: UUID, person_id: UUID) -> None:
    """From now on the person's scores go to this line item as well."""
    await tx.execute(PLACE, tx.tenant_id, line_item_id, person_id)


CURRENT_KEY = """
select id, public_jwk, sealed_private_key from lti_key
where tenant_id = $1 and retired_at is null
"""


async def current_key(read: TenantRead) -> ToolKey | None:
    return await read.fetch_one(ToolKey, CURRENT_KEY, read.tenant_id)


INSERT_KEY = """
insert into lti_key (tenant_id, id, public_jwk, sealed_private_key) values ($1, $2, $3, $4)
on conflict (tenant_id) where retired_at is null do nothing
"""


async def insert_key(tx: TenantTransaction, key: ToolKey) -> None:
    """Does nothing where another key is current already."""
    await tx.execute(INSERT_KEY, tx.tenant_id, key.id, key.public_jwk, key.sealed_private_key)


# A retired key stays published for a day: what it signed is long past by then.
PUBLISHED_KEYS = """
select id, public_jwk, sealed_private_key from lti_key
where tenant_id = $1 and (retired_at is null or retired_at > now() - interval '1 day')
order by id
"""


async def published_keys(read: TenantRead) -> list[ToolKey]:
    return await read.fetch(ToolKey, PUBLISHED_KEYS, read.tenant_id)
