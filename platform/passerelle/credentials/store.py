"""The statements on achievements, issuers' keys and issued credentials."""

from datetime import datetime
from uuid import UUID

from passerelle.credentials.model import (
    Achievement,
    IssuedCredential,
    IssuerKey,
    NewAchievement,
    OnRecord,
    Organisation,
    SigningKey,
)
from passerelle.kernel.database import Lookup, TenantRead, TenantTransaction

ACHIEVEMENT = """
select a.id, a.code, a.name, a.description, a.criteria,
  (select coalesce(jsonb_agg(jsonb_build_object('skill_id', s.skill_id, 'level', s.level)
     order by s.skill_id), '[]') from achievement_skill s
   where s.tenant_id = $1 and s.achievement_id = a.id) as skills
from achievement a
where a.tenant_id = $1 and a.id = $2
"""


async def achievement(read: TenantRead, achievement_id: UUID) -> Achievement | None:
    return await read.fetch_one(Achievement, ACHIEVEMENT, read.tenant_id, achievement_id)


SAVE_ACHIEVEMENT = """
insert into achievement (tenant_id, code, name, description, criteria)
values ($1, $2, $3, $4, $5)
on conflict (tenant_id, code) do update
set name = excluded.name, description = excluded.description, criteria = excluded.criteria
returning id
"""


async def save_achievement(tx: TenantTransaction, new: NewAchievement) -> UUID:
    """Its id: a new one, or that of the achievement that has this code already."""
    saved: UUID = await tx.fetch_value(
        SAVE_ACHIEVEMENT, tx.tenant_id, new.code, new.name, new.description, new.criteria
    )
    return saved


CLEAR_SKILLS = "delete from achievement_skill where tenant_id = $1 and achievement_id = $2"
INSERT_SKILL = """
insert into achievement_skill (tenant_id, achievement_id, skill_id, level) values ($1, $2, $3, $4)
"""


async def replace_skills(tx: TenantTransaction, achievement_id: UUID, new: NewAchievement) -> None:
    await tx.execute(CLEAR_SKILLS, tx.tenant_id, achievement_id)
    await tx.execute_many(
        INSERT_SKILL,
        [(tx.tenant_id, achievement_id, skill.skill_id, skill.level) for skill in new.skills],
    )


ORGANISATION = "select slug, name, default_locale from tenant where id = $1"


async def organisation(read: TenantRead) -> Organisation | None:
    return await read.fetch_one(Organisation, ORGANISATION, read.tenant_id)


HOLDER_NAME = "select display_name from member where tenant_id = $1 and person_id = $2"


async def holder_name(read: TenantRead, person_id: UUID) -> str | None:
    """The name under which the organisation knows the person; '' where it has none."""
    found: str | None = await read.fetch_value(HOLDER_NAME, read.tenant_id, person_id)
    return found


ISSUER_KEYS = """
select controller, public_key from (
  select id, controller, public_key from issuer_key where tenant_id = $1
  union all select id, controller, public_key from tombstone_key where tenant_id = $1
) as known order by id
"""


async def issuer_keys(read: TenantRead) -> list[IssuerKey]:
    """Every key the tenant ever signed with, oldest first."""
    return await read.fetch(IssuerKey, ISSUER_KEYS, read.tenant_id)


SIGNING_KEY = """
select id, controller, public_key, sealed_private_key from issuer_key
where tenant_id = $1 and retired_at is null
"""


async def signing_key(read: TenantRead) -> SigningKey | None:
    """The current key, if there is one."""
    return await read.fetch_one(SigningKey, SIGNING_KEY, read.tenant_id)


INSERT_SIGNING_KEY = """
insert into issuer_key (tenant_id, id, controller, public_key, sealed_private_key)
values ($1, $2, $3, $4, $5)
on conflict (tenant_id) where retired_at is null do nothing
"""


async def insert_signing_key(tx: TenantTransaction, key: SigningKey) -> None:
    """Does nothing where another key is current already."""
    await tx.execute(
        INSERT_SIGNING_KEY,
        tx.tenant_id,
        key.id,
        key.controller,
        key.public_key,
        key.sealed_private_key,
    )


RETIRE_SIGNING_KEY = """
update issuer_key set retired_at = now() where tenant_id = $1 and id = $2 and retired_at is null
"""


async def retire_signing_key(tx: TenantTransaction, key_id: UUID) -> None:
    await tx.execute(RETIRE_SIGNING_KEY, tx.tenant_id, key_id)


INSERT_CREDENTIAL = """
insert into issued_credential (tenant_id, person_id, achievement_id, attempt_id, earned_at)
values ($1, $2, $3, $4, coalesce($5, now()))
on conflict (tenant_id, attempt_id) do nothing
returning id
"""


async def insert_credential(
    tx: TenantTransaction,
    person_id: UUID,
    achievement_id: UUID,
    attempt_id: UUID,
    earned_at: datetime | None,
) -> UUID | None:
    """The new credential's id; None where the attempt has one already."""
    inserted: UUID | None = await tx.fetch_value(
        INSERT_CREDENTIAL, tx.tenant_id, person_id, achievement_id, attempt_id, earned_at
    )
    return inserted


CREDENTIAL_OF_ATTEMPT = "select id from issued_credential where tenant_id = $1 and attempt_id = $2"


async def credential_of_attempt(read: TenantRead, attempt_id: UUID) -> UUID | None:
    found: UUID | None = await read.fetch_value(CREDENTIAL_OF_ATTEMPT, read.tenant_id, attempt_id)
    return found


CREDENTIAL = """
select id, person_id, achievement_id, earned_at, document, issued_at, revoked_at
from issued_credential where tenant_id = $1 and id = $2
"""


async def credential(read: TenantRead, credential_id: UUID) -> IssuedCredential | None:
    return await read.fetch_one(IssuedCredential, CREDENTIAL, read.tenant_id, credential_id)


LOCK_CREDENTIAL = """
select id, person_id, achievement_id, earned_at, document, issued_at, revoked_at
from issued_credential where tenant_id = $1 and id = $2 for update
"""


async def lock_credential(tx: TenantTransaction, credential_id: UUID) -> IssuedCredential | None:
    """The credential, which no one else changes until the transaction ends."""
    return await tx.fetch_one(IssuedCredential, LOCK_CREDENTIAL, tx.tenant_id, credential_id)


KEEP_DOCUMENT = """
update issued_credential set document = $3, issued_at = $4
where tenant_id = $1 and id = $2 and document is null
"""


async def keep_document(
    tx: TenantTransaction, credential_id: UUID, document: str, issued_at: datetime
) -> None:
    await tx.execute(KEEP_DOCUMENT, tx.tenant_id, credential_id, document, issued_at)


REVOKE_CREDENTIAL = """
update issued_credential set revoked_at = now(), revocation_reason = $3
where tenant_id = $1 and id = $2 and revoked_at is null
returning revoked_at
"""


async def revoke_credential(tx: TenantTransaction, credential_id: UUID, reason: str) -> datetime:
    """Since when. For a credential that this transaction has locked and that still stands."""
    revoked: datetime = await tx.fetch_value(REVOKE_CREDENTIAL, tx.tenant_id, credential_id, reason)
    return revoked


TENANT_BY_CREDENTIAL_LOOKUP = "select app.tenant_by_credential($1)"


async def tenant_by_credential(lookup: Lookup, credential_id: UUID) -> UUID | None:
    found: UUID | None = await lookup.fetch_value(TENANT_BY_CREDENTIAL_LOOKUP, credential_id)
    return found


TENANT_BY_ISSUER_KEY_LOOKUP = "select app.tenant_by_issuer_key($1)"


async def tenant_by_issuer_key(lookup: Lookup, public_key: str) -> UUID | None:
    found: UUID | None = await lookup.fetch_value(TENANT_BY_ISSUER_KEY_LOOKUP, public_key)
    return found


ISSUER_BY_SLUG_LOOKUP = "select app.issuer_by_slug($1)"


async def issuer_by_slug(lookup: Lookup, slug: str) -> UUID | None:
    """The tenant with this address, whatever its standing, also when it was erased."""
    found: UUID | None = await lookup.fetch_value(ISSUER_BY_SLUG_LOOKUP, slug)
    return found


HOLDER_LOOKUP = "select app.holder_of_erased_issuers($1)"


async def holder_of_erased_issuers(lookup: Lookup, credential_id: UUID) -> UUID | None:
    """In whose wallet a credential lies whose issuer was erased."""
    found: UUID | None = await lookup.fetch_value(HOLDER_LOOKUP, credential_id)
    return found


ON_RECORD = """
select id, issued_at, revoked_at from issued_credential where tenant_id = $1 and id = $2
union all
select id, issued_at, revoked_at from tombstone_credential where tenant_id = $1 and id = $2
"""


async def on_record(read: TenantRead, credential_id: UUID) -> OnRecord | None:
    """What the issuer's record says of a credential, also when the issuer was erased."""
    return await read.fetch_one(OnRecord, ON_RECORD, read.tenant_id, credential_id)
