"""The registry of models: versions, their skills' vectors, which one serves.

Reference data, written by the training task with the role of the relay, which has no tenant's or
person's row.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from ml.artefact import Artefact
from ml.data import TrainingData, training_data
from ml.problems import TrainingDataInvalid
from passerelle.kernel.identifiers import new_id

COPY_TIMEOUT_S = 120.0
#: Retired models whose vectors are kept, to go back to.
RETIRED_KEPT = 1


class ModelVersion(Struct, frozen=True, kw_only=True):
    """One model on record; `number` is what people read."""

    id: UUID
    number: int
    status: str
    requested_by: UUID | None
    data_hash: str
    code_hash: str
    settings: dict[str, Any]
    metrics: dict[str, float]
    skills: int
    artefact: str
    artefact_sha256: str
    created_at: datetime
    served_at: datetime | None


class NewVersion(Struct, frozen=True, kw_only=True):
    """What a training gives to the registry; `artefact` is a path inside the objects folder."""

    id: UUID
    requested_by: UUID | None
    data_hash: str
    code_hash: str
    settings: Struct
    artefact: str
    artefact_sha256: str


COLUMNS = ", ".join(ModelVersion.__struct_fields__)
SKILLS = """
select skill_id as id, string_agg(label, chr(10) order by locale) as names
from skill_label group by skill_id
"""
LINKS = """
select link.occupation_id, occupation.isco, link.skill_id, link.relation = 'essential' as essential
from occupation_skill as link join occupation on occupation.id = link.occupation_id
"""
TAXONOMIES = "select string_agg(id || ' ' || content_hash, chr(10) order by id) from taxonomy"
ADD = """
insert into model_version
  (id, status, requested_by, data_hash, code_hash, settings, metrics, skills, artefact,
   artefact_sha256)
values ($1, 'ready', $2, $3, $4, $5, $6, $7, $8, $9)
"""
RETIRE = "update model_version set status = 'retired' where status = 'served' and id <> $1"
SERVE = """
update model_version set status = 'served', served_at = coalesce(served_at, now()) where id = $1
"""
PRUNE = """
delete from model_version
where (status = 'ready' and id <> $1)
  or id in (select id from model_version where status = 'retired'
            order by created_at desc offset $2)
returning artefact
"""


async def read_training_data(pool: asyncpg.Pool) -> TrainingData:
    """The taxonomy of the database. Raises TrainingDataInvalid where there is none."""
    skills = await pool.fetch(SKILLS)
    links = await pool.fetch(LINKS)
    return training_data(
        [(row["id"], row["names"]) for row in skills], [tuple(row) for row in links]
    )


async def data_hash(pool: asyncpg.Pool) -> str:
    """Of the taxonomies that the database holds, without reading all of them.

    Raises TrainingDataInvalid where it holds none.
    """
    held: str | None = await pool.fetchval(TAXONOMIES)
    if held is None:
        raise TrainingDataInvalid("the database holds no taxonomy")
    return hashlib.sha256(held.encode()).hexdigest()


async def versions(pool: asyncpg.Pool, limit: int = 20) -> list[ModelVersion]:
    """Latest first."""
    rows = await pool.fetch(
        f"select {COLUMNS} from model_version order by number desc limit $1",  # noqa: S608
        limit,
    )
    return msgspec.convert([dict(row) for row in rows], list[ModelVersion])


async def served(pool: asyncpg.Pool) -> ModelVersion | None:
    return await _one(pool, "status = 'served'")


async def by_request(pool: asyncpg.Pool, requested_by: UUID) -> ModelVersion | None:
    return await _one(pool, "requested_by = $1", requested_by)


async def require(pool: asyncpg.Pool, version_id: UUID) -> ModelVersion:
    found = await _one(pool, "id = $1", version_id)
    if found is None:
        raise LookupError(f"model version {version_id}")
    return found


async def add(pool: asyncpg.Pool, new: NewVersion, artefact: Artefact) -> ModelVersion:
    """Registers a model and stores its skills' vectors, at once or not at all."""
    rows = zip(
        [new.id] * len(artefact.skill_ids),
        artefact.skill_ids,
        artefact.as_evidence,
        artefact.as_requirement,
        strict=True,
    )
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            ADD,
            new.id,
            new.requested_by,
            new.data_hash,
            new.code_hash,
            new.settings,
            artefact.metrics,
            len(artefact.skill_ids),
            new.artefact,
            new.artefact_sha256,
        )
        await connection.copy_records_to_table(
            "skill_vector",
            columns=("model_version", "skill_id", "as_evidence", "as_requirement"),
            records=rows,
            timeout=COPY_TIMEOUT_S,
        )
    return await require(pool, new.id)


async def serve(pool: asyncpg.Pool, version_id: UUID) -> None:
    """Puts one version in service and retires the other, in one step."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(RETIRE, version_id)
        await connection.execute(SERVE, version_id)


async def prune(pool: asyncpg.Pool, keep: UUID) -> Sequence[str]:
    """Forgets what never served and all but the last RETIRED_KEPT that did; returns their files."""
    rows = await pool.fetch(PRUNE, keep, RETIRED_KEPT)
    return [row["artefact"] for row in rows]


async def every_tenant(pool: asyncpg.Pool) -> list[UUID]:
    return [row["id"] for row in await pool.fetch("select id from app.every_tenant()")]


def new_version_id() -> UUID:
    return new_id()


async def _one(pool: asyncpg.Pool, condition: str, *arguments: object) -> ModelVersion | None:
    row = await pool.fetchrow(
        f"select {COLUMNS} from model_version where {condition}",  # noqa: S608
        *arguments,
    )
    return msgspec.convert(dict(row), ModelVersion) if row else None
