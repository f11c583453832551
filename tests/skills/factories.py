"""The starter taxonomy in the test's database, skills by name, and things proven."""

import os
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.skills import service, taxonomy
from passerelle.skills.loading import load_taxonomy
from passerelle.skills.model import EvidenceKind, NewEvidence

ESCO_DIRECTORY = Path(
    os.environ.get("PASSERELLE_ESCO_DIRECTORY") or Path(__file__).parents[3] / "shared" / "data"
)
needs_esco = pytest.mark.skipif(
    not (ESCO_DIRECTORY / "esco_skills.parquet").is_file(),
    reason=f"not run: no ESCO files in {ESCO_DIRECTORY}",
)


@lru_cache(maxsize=1)
def starter() -> taxonomy.Taxonomy:
    return taxonomy.starter()


def skill(name: str) -> UUID:
    """The starter skill with this English name."""
    return next(one.id for one in starter().skills if one.labels["en"] == name)


async def load_starter(owner: asyncpg.Connection) -> None:
    await load_taxonomy(owner)


def proof(
    name: str,
    level: int = 3,
    *,
    kind: EvidenceKind = "exam",
    days_ago: int = 10,
    credential_id: UUID | None = None,
    expires_in_days: int | None = None,
) -> NewEvidence:
    now = datetime.now(UTC)
    return NewEvidence(
        skill_id=skill(name),
        level=level,
        kind=kind,
        proven_at=now - timedelta(days=days_ago),
        credential_id=credential_id,
        expires_at=None if expires_in_days is None else now + timedelta(days=expires_in_days),
    )


async def prove(database: Database, person_id: UUID, *proven: NewEvidence) -> int:
    async with database.person(person_id, actors.system("tests")) as tx:
        return await service.record_evidence(tx, proven)
