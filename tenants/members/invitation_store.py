"""The SQL of invitations."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead, TenantTransaction
from tenants.members.invitation_model import Invitation, Invitee

PAGE_ROWS = 50
EXPORT_ROWS_LIMIT = 10_000

INSERT_INVITATION = """
insert into invitation as held (tenant_id, email, name, roles, unit_id, only_in_unit, locale,
  invited_by, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9 * interval '1 day')
on conflict (tenant_id, folded_email) where accepted_at is null and withdrawn_at is null
do update set email = excluded.email, name = excluded.name, roles = excluded.roles,
  unit_id = excluded.unit_id, only_in_unit = excluded.only_in_unit, locale = excluded.locale,
  invited_by = excluded.invited_by,
  expires_at = excluded.expires_at, sent_at = now(), version = held.version + 1
returning id, email, folded_email, name, roles, unit_id, only_in_unit, locale,
  version, invited_at, invited_by,
  sent_at, expires_at, accepted_at, accepted_by, withdrawn_at, now() as now
"""


async def save(tx: TenantTransaction, who: Invitee, days: int) -> Invitation:
    """A new invitation; an open one for the same address becomes this one."""
    saved = await tx.fetch_one(
        Invitation,
        INSERT_INVITATION,
        tx.tenant_id,
        who.email,
        who.name,
        who.roles,
        who.unit_id,
        who.only_in_unit,
        who.locale,
        tx.actor.display_name,
        days,
    )
    assert saved is not None  # noqa: S101  written just above
    return saved


INVITATION = """
select id, email, folded_email, name, roles, unit_id, only_in_unit, locale,
  version, invited_at, invited_by,
  sent_at, expires_at, accepted_at, accepted_by, withdrawn_at, now() as now
from invitation where tenant_id = $1 and id = $2
"""

INVITATION_FOR_CHANGE = INVITATION.rstrip() + " for update\n"


OPEN_OF_ADDRESS = """
select unit_id, version from invitation
where tenant_id = $1 and folded_email = lower($2::text collate pg_c_utf8)
  and accepted_at is null and withdrawn_at is null for update
"""


class Open(msgspec.Struct, frozen=True):
    unit_id: UUID | None
    version: int


async def open_of(tx: TenantTransaction, email: str) -> Open | None:
    """The invitation of this address that another would take the place of."""
    return await tx.fetch_one(Open, OPEN_OF_ADDRESS, tx.tenant_id, email)


async def invitation(read: TenantRead, invitation_id: UUID) -> Invitation | None:
    return await read.fetch_one(Invitation, INVITATION, read.tenant_id, invitation_id)


async def for_change(tx: TenantTransaction, invitation_id: UUID) -> Invitation | None:
    return await tx.fetch_one(Invitation, INVITATION_FOR_CHANGE, tx.tenant_id, invitation_id)


SEND_AGAIN = """
update invitation set version = version + 1, sent_at = now(),
  expires_at = now() + $3 * interval '1 day'
where tenant_id = $1 and id = $2
"""


async def send_again(tx: TenantTransaction, invitation_id: UUID, days: int) -> None:
    await tx.execute(SEND_AGAIN, tx.tenant_id, invitation_id, days)


WITHDRAW = "update invitation set withdrawn_at = now() where tenant_id = $1 and id = $2"


async def withdraw(tx: TenantTransaction, invitation_id: UUID) -> None:
    await tx.execute(WITHDRAW, tx.tenant_id, invitation_id)


ACCEPT = """
update invitation set accepted_at = now(), accepted_by = $3 where tenant_id = $1 and id = $2
"""


async def accept(tx: TenantTransaction, invitation_id: UUID, person_id: UUID) -> None:
    await tx.execute(ACCEPT, tx.tenant_id, invitation_id, person_id)


INVITATIONS = """
select id, email, folded_email, name, roles, unit_id, only_in_unit, locale,
  version, invited_at, invited_by,
  sent_at, expires_at, accepted_at, accepted_by, withdrawn_at, now() as now
from invitation
where tenant_id = $1
  and ($2::text = '' or $2 = case
    when accepted_at is not null then 'accepted' when withdrawn_at is not null then 'withdrawn'
    when expires_at <= now() then 'expired' else 'open' end)
  and ($3::text = '' or strpos(folded_email, $3) > 0)
  and ($4::uuid[] is null or unit_id = any($4))
  and ($5::uuid is null or id < $5)
order by id desc limit $6
"""


async def invitations(
    read: TenantRead,
    state: str,
    text: str,
    units: Sequence[UUID] | None,
    before: UUID | None,
    limit: int,
) -> list[Invitation]:
    """Newest first; `units` None is everywhere."""
    within = None if units is None else list(units)
    return await read.fetch(
        Invitation, INVITATIONS, read.tenant_id, state, text, within, before, limit
    )


MEMBERS_BY_EMAIL = """
select person_id, folded_email, status from member
where tenant_id = $1 and folded_email = any($2::text[]) and status <> 'removed'
"""


class Addressed(msgspec.Struct, frozen=True):
    person_id: UUID
    folded_email: str
    status: str


async def members_by_email(read: TenantRead, folded_emails: Sequence[str]) -> dict[str, Addressed]:
    """The members who have one of these addresses (in small letters)."""
    rows = await read.fetch(Addressed, MEMBERS_BY_EMAIL, read.tenant_id, list(folded_emails))
    return {row.folded_email: row for row in rows}


SET_ACTIVE = """
update member set status = 'active', unit_id = coalesce($3, unit_id)
where tenant_id = $1 and person_id = $2
"""


async def set_active(tx: TenantTransaction, person_id: UUID, unit_id: UUID | None) -> None:
    await tx.execute(SET_ACTIVE, tx.tenant_id, person_id, unit_id)
