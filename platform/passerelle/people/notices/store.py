"""The SQL of notices: of members in a tenant, and of persons in their own space."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from passerelle.kernel.database import (
    Lookup,
    PersonRead,
    PersonTransaction,
    Scope,
    TenantRead,
    TenantTransaction,
)
from passerelle.kernel.language import Locale
from passerelle.people.notices.model import Choice, MailWhen, Notice

BoundRead = TenantRead | PersonRead
BoundTransaction = TenantTransaction | PersonTransaction

COLUMNS = "id, person_id, kind, fills, link, made_at, read_at"


class Made(msgspec.Struct, frozen=True):
    id: UUID
    mail: MailWhen


# Who is a member, and what each of them chose, decides in the statement itself.
INSERT = """
insert into notice (tenant_id, person_id, id, kind, fills, link, key, shown, mail)
select $1, member.person_id, wanted.id, $4, $5, $6, $7,
  coalesce(choice.shown, true), coalesce(choice.mail, $8)
from unnest($2::uuid[], $3::uuid[]) as wanted(person_id, id)
join member on member.tenant_id = $1 and member.person_id = wanted.person_id
  and member.status = 'active'
left join notice_choice as choice on choice.tenant_id = $1
  and choice.person_id = member.person_id and choice.kind = $4
where coalesce(choice.shown, true) or coalesce(choice.mail, $8) <> 'none'
on conflict do nothing
returning id, mail
"""


async def insert(
    tx: TenantTransaction,
    person_ids: list[UUID],
    ids: list[UUID],
    kind: str,
    fills: dict[str, Any],
    link: str,
    key: str | None,
    mail: str,
) -> list[Made]:
    """The notices that were made: none for who is no active member, or wants none of this kind."""
    return await tx.fetch(Made, INSERT, tx.tenant_id, person_ids, ids, kind, fills, link, key, mail)


PERSON_INSERT = """
insert into person_notice (person_id, id, kind, fills, link, key, shown, mail)
select $1, $2, $3, $4, $5, $6, coalesce(choice.shown, true), coalesce(choice.mail, $7)
from (select 1) as one
left join person_notice_choice as choice on choice.person_id = $1 and choice.kind = $3
where coalesce(choice.shown, true) or coalesce(choice.mail, $7) <> 'none'
on conflict do nothing
returning id, mail
"""


async def insert_for_person(
    tx: PersonTransaction,
    notice_id: UUID,
    kind: str,
    fills: dict[str, Any],
    link: str,
    key: str | None,
    mail: str,
) -> Made | None:
    return await tx.fetch_one(
        Made, PERSON_INSERT, tx.person_id, notice_id, kind, fills, link, key, mail
    )


def _listed(table: str, owner: str) -> str:
    # One shape for both: $1 is the bound owner, $2 the person (the same for a person's own).
    return f"""
select {COLUMNS} from {table}
where {owner} = $1 and person_id = $2 and shown
  and ($3::boolean is not true or read_at is null)
  and ($4::text is null or kind = $4)
  and ($5::uuid is null or id < $5)
order by id desc limit $6
"""  # noqa: S608


LISTED = _listed("notice", "tenant_id")
PERSON_LISTED = _listed("person_notice", "person_id")


async def listed(
    read: BoundRead,
    person_id: UUID,
    *,
    unread: bool,
    kind: str | None,
    before: UUID | None,
    limit: int,
) -> list[Notice]:
    """Newest first."""
    sql, owner = _of(read, LISTED, PERSON_LISTED)
    return await read.fetch(Notice, sql, owner, person_id, unread, kind, before, limit)


def _by_ids(table: str, owner: str) -> str:
    return f"select {COLUMNS} from {table} where {owner} = $1 and id = any($2) order by id"  # noqa: S608


BY_IDS = _by_ids("notice", "tenant_id")
PERSON_BY_IDS = _by_ids("person_notice", "person_id")


async def by_ids(read: BoundRead, ids: list[UUID]) -> list[Notice]:
    sql, owner = _of(read, BY_IDS, PERSON_BY_IDS)
    return await read.fetch(Notice, sql, owner, ids)


def _unread(table: str, owner: str) -> str:
    return f"""
select count(*) from {table}
where {owner} = $1 and person_id = $2 and shown and read_at is null
"""  # noqa: S608


UNREAD = _unread("notice", "tenant_id")
PERSON_UNREAD = _unread("person_notice", "person_id")


async def unread(read: BoundRead, person_id: UUID) -> int:
    sql, owner = _of(read, UNREAD, PERSON_UNREAD)
    return int(await read.fetch_value(sql, owner, person_id))


def _mark(table: str, owner: str) -> str:
    return f"""
update {table} set read_at = now()
where {owner} = $1 and person_id = $2 and read_at is null and ($3::uuid[] is null or id = any($3))
"""  # noqa: S608


MARK = _mark("notice", "tenant_id")
PERSON_MARK = _mark("person_notice", "person_id")


async def mark_read(tx: BoundTransaction, person_id: UUID, ids: list[UUID] | None) -> int:
    """These notices, or all, are read; returns how many were not."""
    sql, owner = _of(tx, MARK, PERSON_MARK)
    return await tx.execute(sql, owner, person_id, ids)


CHOICES = """
select kind, shown, mail from notice_choice where tenant_id = $1 and person_id = $2
"""
PERSON_CHOICES = """
select kind, shown, mail from person_notice_choice where person_id = $1 and person_id = $2
"""


async def choices(read: BoundRead, person_id: UUID) -> dict[str, Choice]:
    sql, owner = _of(read, CHOICES, PERSON_CHOICES)
    return {choice.kind: choice for choice in await read.fetch(Choice, sql, owner, person_id)}


SAVE_CHOICES = """
insert into notice_choice (tenant_id, person_id, kind, shown, mail)
select $1, $2, * from unnest($3::text[], $4::boolean[], $5::text[])
on conflict (tenant_id, person_id, kind) do update
  set shown = excluded.shown, mail = excluded.mail
"""
PERSON_SAVE_CHOICES = """
insert into person_notice_choice (person_id, kind, shown, mail)
select $1, * from unnest($2::text[], $3::boolean[], $4::text[])
on conflict (person_id, kind) do update set shown = excluded.shown, mail = excluded.mail
"""


async def save_choices(tx: BoundTransaction, person_id: UUID, chosen: list[Choice]) -> None:
    columns = (
        [one.kind for one in chosen],
        [one.shown for one in chosen],
        [one.mail for one in chosen],
    )
    if isinstance(tx, TenantTransaction):
        await tx.execute(SAVE_CHOICES, tx.tenant_id, person_id, *columns)
    else:
        await tx.execute(PERSON_SAVE_CHOICES, tx.person_id, *columns)


class Owner(msgspec.Struct, frozen=True):
    scope: Scope
    owner_id: UUID


DIGESTS_DUE_LOOKUP = "select scope, owner_id from app.digests_due($1, $2)"


async def digests_due(lookup: Lookup, after: timedelta, most: int) -> list[Owner]:
    """Who has notices that waited long enough for the day's mail."""
    return await lookup.fetch(Owner, DIGESTS_DUE_LOOKUP, after, most)


class Waiting(msgspec.Struct, frozen=True):
    person_id: UUID
    ids: list[UUID]


def _take(table: str, owner: str) -> str:
    # All that wait of a person whose first has waited long enough; newer ones go along.
    return f"""
with ripe as (
  select distinct person_id from {table}
  where {owner} = $1 and mail = 'digest' and made_at <= now() - $2::interval
  order by person_id limit $3
), taken as (
  update {table} as one set mail = 'sent' from ripe
  where one.{owner} = $1 and one.person_id = ripe.person_id and one.mail = 'digest'
  returning one.person_id, one.id
)
select person_id, array_agg(id order by id) as ids from taken group by person_id
"""  # noqa: S608


TAKE_FOR_DIGEST = _take("notice", "tenant_id")
PERSON_TAKE_FOR_DIGEST = _take("person_notice", "person_id")


async def take_for_digest(tx: BoundTransaction, after: timedelta, most: int) -> list[Waiting]:
    sql, owner = _of(tx, TAKE_FOR_DIGEST, PERSON_TAKE_FOR_DIGEST)
    return await tx.fetch(Waiting, sql, owner, after, most)


class Contact(msgspec.Struct, frozen=True):
    display_name: str
    email: str | None
    locale: Locale


PERSON_CONTACT = "select display_name, email, locale from person where person_id = $1"


async def contact(read: PersonRead) -> Contact | None:
    """How the bound person is reached."""
    return await read.fetch_one(Contact, PERSON_CONTACT, read.person_id)


def _of(bound: BoundRead | BoundTransaction, tenants: str, persons: str) -> tuple[str, UUID]:
    """The statement for this binding, and whom it is bound to."""
    tenant_id = getattr(bound, "tenant_id", None)
    if tenant_id is not None:
        return tenants, tenant_id
    return persons, bound.person_id  # type: ignore[union-attr]
