"""The SQL of members who are expected."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from passerelle.kernel.database import TenantRead, TenantTransaction

INSERT_MEMBER = """
insert into member (tenant_id, person_id, display_name, email, locale, status)
select $1, $2, $3, $4, coalesce($5, default_locale), $6 from tenant where id = $1
"""
# In the same transaction: a person who can't sign in yet.
MAKE_PERSON = """
select app.make_person($2, $3, locale) from member where tenant_id = $1 and person_id = $2
"""


async def insert(
    tx: TenantTransaction,
    person_id: UUID,
    display_name: str,
    email: str | None,
    locale: str | None,
    status: str,
) -> None:
    await tx.execute(INSERT_MEMBER, tx.tenant_id, person_id, display_name, email, locale, status)
    await tx.execute(MAKE_PERSON, tx.tenant_id, person_id, display_name)


RENAME = """
update member set display_name = $3, email = $4, locale = coalesce($5, locale)
where tenant_id = $1 and person_id = $2
  and (display_name, email, locale) is distinct from ($3, $4, coalesce($5, locale))
"""


async def rename(
    tx: TenantTransaction,
    person_id: UUID,
    display_name: str,
    email: str | None,
    locale: str | None,
) -> None:
    await tx.execute(RENAME, tx.tenant_id, person_id, display_name, email, locale)


FORGET_KEYS = """
delete from member_expected as held where held.tenant_id = $1 and held.person_id = $2
  and not exists (select from unnest($3::text[], $4::text[]) as named(kind, key)
    where named.kind = held.key_kind and named.key = held.key)
"""
EXPECT_KEYS = """
insert into member_expected (tenant_id, key_kind, key, person_id)
select $1, named.kind, named.key, $2 from unnest($3::text[], $4::text[]) as named(kind, key)
on conflict do nothing
"""


async def put_keys(
    tx: TenantTransaction, person_id: UUID, keys: Sequence[tuple[str, str]], *, known: bool
) -> None:
    """These keys and no others; `known` says that there may be older ones."""
    kinds, values = [kind for kind, _ in keys], [key for _, key in keys]
    if known:
        await tx.execute(FORGET_KEYS, tx.tenant_id, person_id, kinds, values)
    if keys:
        await tx.execute(EXPECT_KEYS, tx.tenant_id, person_id, kinds, values)


class _Person(msgspec.Struct):
    person_id: UUID


# Ordered by kind: the most particular first.
EXPECTED = """
select distinct expected.person_id
from unnest($2::text[], $3::text[]) as said(kind, key)
join member_expected as expected
  on expected.tenant_id = $1 and expected.key_kind = said.kind and expected.key = said.key
limit 2
"""


async def expected(read: TenantRead, keys: Sequence[tuple[str, str]]) -> list[UUID]:
    """Whom these keys name: nobody, one, or two where it is not clear who."""
    kinds, values = [kind for kind, _ in keys], [key for _, key in keys]
    rows = await read.fetch(_Person, EXPECTED, read.tenant_id, kinds, values)
    return [row.person_id for row in rows]


MOVE_KEYS = "update member_expected set person_id = $3 where tenant_id = $1 and person_id = $2"


async def move_keys(tx: TenantTransaction, from_person: UUID, to_person: UUID) -> None:
    await tx.execute(MOVE_KEYS, tx.tenant_id, from_person, to_person)
