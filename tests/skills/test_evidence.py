"""Evidence is recorded once, refused by name where it can't be, and seen only where shared."""

import asyncpg
import pytest

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from passerelle.skills import service, store
from passerelle.skills.model import EvidenceInvalid, UnknownSkill
from tests.conftest import People
from tests.people.factories import (
    create_person,
    let_sharing_end,
    share,
    themselves,
    withdraw,
)
from tests.skills.factories import load_starter, proof, prove

Tenants = tuple[People, People]
BARE = "select count(*) from evidence where person_id = $1"
EVENTS = "select count(*) from person_event where person_id = $1 and name = 'evidence.changed'"


@pytest.fixture(scope="module", autouse=True)
async def taxonomy(superuser: asyncpg.Connection) -> None:
    await load_starter(superuser)


async def test_the_same_result_twice_is_recorded_and_told_once(
    database: Database, superuser: asyncpg.Connection
) -> None:
    person_id = await create_person(database, "Salma")
    of_credential = proof("data ethics", credential_id=new_id())
    of_assessor = proof("rhetoric", kind="assessor")
    assert await prove(database, person_id, of_credential, of_assessor) == 2
    assert await prove(database, person_id, of_credential, of_assessor) == 0
    reader = database.person_reader(person_id, themselves(person_id))
    assert len(await store.own_evidence(reader)) == 2
    assert await superuser.fetchval(EVENTS, person_id) == 1


async def test_a_skill_outside_the_taxonomy_is_refused_by_name_and_nothing_is_kept(
    database: Database,
) -> None:
    person_id, unknown = await create_person(database, "Salma"), new_id()
    good = proof("data ethics")
    bad = type(good)(skill_id=unknown, level=2, kind="exam", proven_at=good.proven_at)
    with pytest.raises(UnknownSkill, match=str(unknown)):
        await prove(database, person_id, good, bad)
    reader = database.person_reader(person_id, themselves(person_id))
    assert await store.own_evidence(reader) == []


@pytest.mark.parametrize("level", [0, 5])
async def test_a_level_outside_1_to_4_is_refused(database: Database, level: int) -> None:
    person_id = await create_person(database, "Salma")
    with pytest.raises(EvidenceInvalid, match=f"level {level}"):
        await prove(database, person_id, proof("data ethics", level))


async def test_evidence_that_expires_before_it_is_proven_is_refused(database: Database) -> None:
    person_id = await create_person(database, "Salma")
    with pytest.raises(EvidenceInvalid, match="expires"):
        await prove(database, person_id, proof("rhetoric", days_ago=5, expires_in_days=-6))


async def test_a_revoked_credential_takes_its_evidence_along(
    database: Database, superuser: asyncpg.Connection
) -> None:
    person_id, credential_id = await create_person(database, "Salma"), new_id()
    await prove(
        database, person_id, proof("rhetoric"), proof("data ethics", credential_id=credential_id)
    )
    async with database.person(person_id, actors.system("tests")) as tx:
        assert await service.forget_evidence_of_credential(tx, credential_id) == 1
        assert await service.forget_evidence_of_credential(tx, credential_id) == 0
        assert len(await store.own_evidence(tx)) == 1
    assert await superuser.fetchval(EVENTS, person_id) == 2


async def test_an_organisation_sees_evidence_only_while_it_is_shared_with_it(
    database: Database, two_tenants: Tenants
) -> None:
    shared_with, other = two_tenants
    person_id = await create_person(database, "Salma")
    await prove(database, person_id, proof("data ethics"), proof("rhetoric"))

    async def seen_by(people: People) -> tuple[int, int]:
        """By the room's own statement, and by one with no predicate but the wall."""
        actor = actors.system("tests")
        reader = database.tenant_reader(people.tenant_id, actor)
        by_statement = len(await store.shared_evidence(reader, [person_id]))
        async with database.tenant(people.tenant_id, actor) as tx:
            bare = await tx.fetch_value(
                "select count(*) from evidence where person_id = $1", person_id
            )
        return by_statement, bare

    assert await seen_by(shared_with) == (0, 0)
    sharing_id = await share(database, person_id, shared_with.tenant_id)
    assert await seen_by(shared_with) == (2, 2)
    assert await seen_by(other) == (0, 0)
    await withdraw(database, person_id, sharing_id)
    assert await seen_by(shared_with) == (0, 0)


async def test_evidence_is_gone_when_the_sharing_has_ended_by_its_date(
    database: Database, two_tenants: Tenants
) -> None:
    person_id = await create_person(database, "Salma")
    await prove(database, person_id, proof("data ethics"))
    await share(database, person_id, two_tenants[0].tenant_id)
    await let_sharing_end(database, person_id)
    reader = database.tenant_reader(two_tenants[0].tenant_id, actors.system("tests"))
    assert await store.shared_evidence(reader, [person_id]) == []


async def test_expired_evidence_counts_no_more(database: Database, two_tenants: Tenants) -> None:
    person_id = await create_person(database, "Salma")
    await prove(
        database,
        person_id,
        proof("data ethics", days_ago=20, expires_in_days=-1),
        proof("rhetoric", expires_in_days=1),
    )
    await share(database, person_id, two_tenants[0].tenant_id)
    reader = database.tenant_reader(two_tenants[0].tenant_id, actors.system("tests"))
    assert len(await store.shared_evidence(reader, [person_id])) == 1


async def test_no_organisation_can_write_evidence(database: Database, two_tenants: Tenants) -> None:
    person_id = await create_person(database, "Salma")
    await share(database, person_id, two_tenants[0].tenant_id)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(two_tenants[0].tenant_id, actors.system("tests")) as tx:
            await tx.execute(
                "insert into evidence (person_id, skill_id, level, kind, proven_at)"
                " values ($1, $2, 4, 'exam', now())",
                person_id,
                proof("rhetoric").skill_id,
            )
