"""The statements of serving: models in service, and the candidates' vectors of a tenant."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from passerelle.kernel import personal_data
from passerelle.kernel.database import PersonRead, PersonTransaction, TenantRead, TenantTransaction
from passerelle.kernel.language import Localised
from passerelle.people import projections

CANDIDATES_BATCH = 500


class SkillVector(Struct, frozen=True):
    """A skill's vector under a model; NumPy float32."""

    skill_id: UUID
    vector: Any


class Requirement(Struct, frozen=True):
    """The served model, beside the vector of a required skill that it knows (None: it has none)."""

    model_id: UUID
    number: int
    skill_id: UUID | None
    vector: Any


class Found(Struct, frozen=True):
    """A candidate whose stored vector is near; the score is the stored vectors' cosine."""

    person_id: UUID
    score: float
    evidence_count: int


class _ModelId(Struct):
    id: UUID


class _PersonId(Struct):
    person_id: UUID


class _TenantId(Struct):
    tenant_id: UUID


REQUIREMENT_VECTORS = """
select version.id as model_id, version.number, known.skill_id, known.as_requirement as vector
from model_version as version
left join skill_vector as known
  on known.model_version = version.id and known.skill_id = any($2::uuid[])
where $1::uuid is not null and version.status = 'served'
"""


async def requirement_vectors(read: TenantRead, skill_ids: Sequence[UUID]) -> list[Requirement]:
    """The served model with the vectors of these skills; empty where no model is in service."""
    return await read.fetch(Requirement, REQUIREMENT_VECTORS, read.tenant_id, list(skill_ids))


EVIDENCE_VECTORS = """
select skill_id, as_evidence as vector
from skill_vector
where $1::uuid is not null and model_version = $2 and skill_id = any($3::uuid[])
"""


async def evidence_vectors(
    read: TenantRead, model_id: UUID, skill_ids: Sequence[UUID]
) -> dict[UUID, Any]:
    rows = await read.fetch(
        SkillVector, EVIDENCE_VECTORS, read.tenant_id, model_id, list(skill_ids)
    )
    return {row.skill_id: row.vector for row in rows}


# The sum with 0 keeps any index out of it: every shared vector is compared.
NEAREST = """
select candidate.person_id, (candidate.embedding <#> $3) * -1.0 as score,
  candidate.evidence_count
from candidate_vector as candidate
where candidate.tenant_id = $1 and candidate.model_version = $2
order by (candidate.embedding <#> $3) + 0.0, candidate.person_id
limit $4
"""


async def nearest(read: TenantRead, model_id: UUID, query: Any, limit: int) -> list[Found]:
    """The candidates with the highest cosine to `query` (unit length), highest first."""
    return await read.fetch(Found, NEAREST, read.tenant_id, model_id, query, limit)


LIVE_MODELS = """
select id from model_version where $1::uuid is not null and status in ('ready', 'served')
"""


async def live_models(read: TenantRead) -> list[UUID]:
    """The model in service, and one that is about to be."""
    rows = await read.fetch(_ModelId, LIVE_MODELS, read.tenant_id)
    return [row.id for row in rows]


# Ordered, so that two transactions that embed the same people wait for one another.
LOCK_CANDIDATES = """
select pg_advisory_xact_lock(hashtextextended(($1::uuid)::text || id::text, 70))
from (select unnest($2::uuid[]) as id order by 1) as person
"""


async def lock_candidates(tx: TenantTransaction, person_ids: Sequence[UUID]) -> None:
    """Until the transaction ends, nobody else embeds these people here."""
    await tx.execute(LOCK_CANDIDATES, tx.tenant_id, list(person_ids))


SAVE_CANDIDATE = """
insert into candidate_vector (tenant_id, model_version, person_id, embedding, evidence_count)
values ($1, $2, $3, $4, $5)
on conflict (tenant_id, model_version, person_id) do update
set embedding = excluded.embedding, evidence_count = excluded.evidence_count, updated_at = now()
"""


class CandidateVector(Struct, frozen=True):
    """A person's proven skills as one vector of unit length."""

    person_id: UUID
    embedding: Any
    evidence_count: int


async def save_candidates(
    tx: TenantTransaction, model_id: UUID, candidates: Sequence[CandidateVector]
) -> None:
    await tx.execute_many(
        SAVE_CANDIDATE,
        [
            (tx.tenant_id, model_id, one.person_id, one.embedding, one.evidence_count)
            for one in candidates
        ],
    )


FORGET_CANDIDATES = """
delete from candidate_vector
where tenant_id = $1 and model_version = $2 and person_id = any($3::uuid[])
"""


async def forget_candidates(
    tx: TenantTransaction, model_id: UUID, person_ids: Sequence[UUID]
) -> None:
    await tx.execute(FORGET_CANDIDATES, tx.tenant_id, model_id, list(person_ids))


PEOPLE_WHO_SHARE = """
select distinct sharing.person_id
from sharing
where sharing.tenant_id = $1 and sharing.purpose = 'hiring' and sharing.withdrawn_at is null
  and sharing.until > now() and ($2::uuid is null or sharing.person_id > $2)
order by sharing.person_id
limit $3
"""


async def people_who_share(read: TenantRead, after: UUID | None, limit: int) -> list[UUID]:
    """Who shares with the tenant for hiring, in the order of their ids."""
    rows = await read.fetch(_PersonId, PEOPLE_WHO_SHARE, read.tenant_id, after, limit)
    return [row.person_id for row in rows]


TENANTS_SHARED_WITH_OF_PERSON = """
select distinct tenant_id
from sharing
where person_id = $1 and purpose = 'hiring' and withdrawn_at is null and until > now()
"""


async def tenants_shared_with(read: PersonRead) -> list[UUID]:
    rows = await read.fetch(_TenantId, TENANTS_SHARED_WITH_OF_PERSON, read.person_id)
    return [row.tenant_id for row in rows]


FORGET_IN_TENANT_OF_PERSON = """
delete from candidate_vector where person_id = $1 and tenant_id = $2
"""


async def forget_in_tenant(tx: PersonTransaction, tenant_id: UUID) -> None:
    await tx.execute(FORGET_IN_TENANT_OF_PERSON, tx.person_id, tenant_id)


projections.register("candidate_vector", FORGET_IN_TENANT_OF_PERSON)


personal_data.register(
    personal_data.PersonalTable(
        table="candidate_vector",
        owner="tenant",
        purpose=Localised(
            en="The numbers that place you in an organisation's shortlists, made of what you "
            "have proven and share with it",
            fr="Les nombres qui vous situent dans les présélections d’une organisation, tirés de "
            "ce que vous avez prouvé et partagé avec elle",
            ar="الأرقام التي تحدد موقعك في القوائم المختصرة لدى المؤسسة، وهي مستخرجة مما أثبتّه "
            "وشاركته معها",
        ),
        columns=("embedding", "evidence_count"),
        ground="consent",
    )
)
