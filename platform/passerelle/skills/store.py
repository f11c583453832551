"""The statements of the skills room.

The taxonomy is reference data: those statements work in either binding, whose id is $1. Evidence
is the person's; a tenant reads what is shared with it.
"""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from passerelle.kernel.database import PersonRead, PersonTransaction, TenantRead
from passerelle.skills.model import (
    LABELS_LIMIT,
    Evidence,
    NewEvidence,
    OccupationSkill,
    SkillLabel,
)


class _Id(Struct):
    id: UUID


class _SkillId(Struct):
    skill_id: UUID


def bound_id(read: TenantRead | PersonRead) -> UUID:
    """What a read is bound to: the first argument of its statements."""
    tenant_id: UUID | None = getattr(read, "tenant_id", None)
    return tenant_id or read.person_id  # type: ignore[union-attr]


KNOWN_SKILLS = """
select id from skill where $1::uuid is not null and id = any($2::uuid[])
"""


async def known_skills(read: TenantRead | PersonRead, skill_ids: Sequence[UUID]) -> set[UUID]:
    found = await read.fetch(_Id, KNOWN_SKILLS, bound_id(read), list(skill_ids))
    return {row.id for row in found}


LABELS = """
select skill.id, coalesce(own.label, english.label, skill.uri) as label
from skill
left join skill_label as own on own.skill_id = skill.id and own.locale = $3
left join skill_label as english on english.skill_id = skill.id and english.locale = 'en'
where $1::uuid is not null and skill.id = any($2::uuid[])
"""


async def labels(
    read: TenantRead | PersonRead, skill_ids: Sequence[UUID], locale: str
) -> dict[UUID, str]:
    """Each skill's name in a language; in English where it has none in that one."""
    found = await read.fetch(
        SkillLabel, LABELS, bound_id(read), list(skill_ids)[:LABELS_LIMIT], locale
    )
    return {row.id: row.label for row in found}


SEARCH = """
select own.skill_id as id, own.label
from skill_label as own
where $1::uuid is not null and own.locale = $2 and own.folded like '%' || $3 || '%'
order by own.folded = $3 desc, own.folded like $3 || '%' desc,
  own.folded like '% ' || $3 || '%' desc, length(own.label), own.folded, own.skill_id
limit $4
"""


async def search(
    read: TenantRead | PersonRead, folded_text: str, locale: str, limit: int
) -> list[SkillLabel]:
    """Skills whose folded name holds the folded text: equal ones, then beginnings, then words."""
    return await read.fetch(SkillLabel, SEARCH, bound_id(read), locale, folded_text, limit)


OCCUPATION_SKILLS = """
select skill_id, relation = 'essential' as essential
from occupation_skill
where $1::uuid is not null and occupation_id = $2
order by essential desc, skill_id
"""


async def occupation_skills(
    read: TenantRead | PersonRead, occupation_id: UUID
) -> list[OccupationSkill]:
    """What an occupation needs, essential skills first; empty for an unknown one."""
    return await read.fetch(OccupationSkill, OCCUPATION_SKILLS, bound_id(read), occupation_id)


PERSON_RECORD = """
insert into evidence
  (person_id, skill_id, level, kind, credential_id, proven_at, expires_at)
select $1, new.*
from unnest($2::uuid[], $3::smallint[], $4::text[], $5::uuid[], $6::timestamptz[],
  $7::timestamptz[]) as new(skill_id, level, kind, credential_id, proven_at, expires_at)
on conflict do nothing
returning skill_id
"""


async def record(tx: PersonTransaction, proven: Sequence[NewEvidence]) -> list[UUID]:
    """Writes what is not on record yet; returns the skills of what it wrote."""
    rows = await tx.fetch(
        _SkillId,
        PERSON_RECORD,
        tx.person_id,
        [one.skill_id for one in proven],
        [one.level for one in proven],
        [one.kind for one in proven],
        [one.credential_id for one in proven],
        [one.proven_at for one in proven],
        [one.expires_at for one in proven],
    )
    return [row.skill_id for row in rows]


PERSON_FORGET_CREDENTIAL = """
delete from evidence where person_id = $1 and credential_id = $2 returning skill_id
"""


async def forget_credential(tx: PersonTransaction, credential_id: UUID) -> list[UUID]:
    rows = await tx.fetch(_SkillId, PERSON_FORGET_CREDENTIAL, tx.person_id, credential_id)
    return [row.skill_id for row in rows]


PERSON_EVIDENCE = """
select person_id, id, skill_id, level, kind, credential_id, proven_at, expires_at
from evidence where person_id = $1
order by proven_at desc, id desc
limit 1000
"""


async def own_evidence(read: PersonRead) -> list[Evidence]:
    """The person's evidence, latest first, expired or not; at most 1,000 rows."""
    return await read.fetch(Evidence, PERSON_EVIDENCE, read.person_id)


SHARED_EVIDENCE = """
select evidence.person_id, evidence.id, evidence.skill_id, evidence.level, evidence.kind,
  evidence.credential_id, evidence.proven_at, evidence.expires_at
from evidence
where evidence.person_id = any($2::uuid[])
  and (evidence.expires_at is null or evidence.expires_at > now())
  and exists (
    select from sharing
    where sharing.tenant_id = $1 and sharing.person_id = evidence.person_id
      and sharing.purpose = 'hiring' and sharing.withdrawn_at is null and sharing.until > now()
  )
order by evidence.person_id, evidence.proven_at desc, evidence.id desc
"""


async def shared_evidence(read: TenantRead, person_ids: Sequence[UUID]) -> list[Evidence]:
    """Evidence that counts now, of those of these people who share with the tenant."""
    return await read.fetch(Evidence, SHARED_EVIDENCE, read.tenant_id, list(person_ids))
