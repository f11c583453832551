"""From an exam passed to a signed credential in the wallet: once, whatever is repeated."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from passerelle.credentials import badge, did, proof, service, store, wallet_store
from passerelle.credentials.model import NewAchievement, ProvenSkill
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.secrets import SealBroken, Vault
from passerelle.kernel.settings import Settings
from passerelle.kernel.tasks import Work
from passerelle.skills.model import UnknownSkill
from tests.conftest import People, create_people
from tests.credentials.conftest import FLUENCY, SKILLS, Earn, Worker

DocumentOf = Callable[[People, UUID], Awaitable[bytes]]


async def wallet_of(database: Database, person_id: UUID) -> list[UUID]:
    reader = database.person_reader(person_id, actors.system("tests"))
    return [credential.id for credential in await wallet_store.credentials(reader)]


async def count(superuser: asyncpg.Connection, sql: str, *arguments: object) -> int:
    found: int = await superuser.fetchval(f"select count(*) from {sql}", *arguments)
    return found


async def test_a_credential_due_is_signed_and_reaches_the_wallet_with_its_evidence(
    earn: Earn,
    run_worker: Worker,
    document_of: DocumentOf,
    database: Database,
    superuser: asyncpg.Connection,
    settings: Settings,
    two_tenants: tuple[People, People],
) -> None:
    people = two_tenants[0]
    credential_id = await earn(people)
    await run_worker()
    credential = badge.decode(await document_of(people, credential_id))
    assert credential.id == f"{settings.public_url}/verify/{credential_id}"
    assert credential.issuer.id == did.issuer_did(settings.public_url, people.slug)
    assert credential.credential_subject.name == f"learner of {people.slug}"
    assert credential.credential_subject.achievement.name == FLUENCY.name.en
    assert credential_id in await wallet_of(database, people.learner_id)
    proven = await superuser.fetch(
        "select skill_id, level from evidence where person_id = $1 and credential_id = $2",
        people.learner_id,
        credential_id,
    )
    assert {(row["skill_id"], row["level"]) for row in proven} == {
        (skill.skill_id, skill.level) for skill in FLUENCY.skills
    }


async def test_the_same_attempt_earns_one_credential(
    earn: Earn,
    run_worker: Worker,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    attempt_id = uuid4()
    found = await asyncio.gather(*(earn(two_tenants[0], attempt_id) for _ in range(4)))
    assert len(set(found)) == 1
    await run_worker()
    assert await earn(two_tenants[0], attempt_id) == found[0]
    assert await run_worker() == 0
    assert await count(superuser, "issued_credential where attempt_id = $1", attempt_id) == 1
    assert await count(superuser, "tenant_event where subject = $1", found[0]) == 2


async def test_every_listener_may_run_twice(
    earn: Earn,
    run_worker: Worker,
    document_of: DocumentOf,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    people = two_tenants[0]
    credential_id = await earn(people)
    await run_worker()
    signed = await document_of(people, credential_id)
    await superuser.execute(
        "update tenant_delivery set done_at = null, next_attempt_at = now()"
        " where listener like 'credentials.%'"
    )
    assert await run_worker() > 0
    assert await document_of(people, credential_id) == signed
    assert await count(superuser, "wallet_credential where id = $1", credential_id) == 1
    assert await count(superuser, "evidence where credential_id = $1", credential_id) == 2
    received = "person_event where name = 'credential.received' and subject = $1"
    assert await count(superuser, received, credential_id) == 1


async def test_each_tenant_signs_with_a_key_of_its_own(
    earn: Earn,
    run_worker: Worker,
    document_of: DocumentOf,
    database: Database,
    two_tenants: tuple[People, People],
) -> None:
    methods = []
    for people in two_tenants:
        credential = badge.decode(
            await document_of(people, await _issued(earn, run_worker, people))
        )
        assert credential.proof is not msgspec.UNSET
        reader = database.tenant_reader(people.tenant_id, actors.system("tests"))
        keys = {
            did.method_id(key.controller, key.public_key): key.public_key
            for key in await store.issuer_keys(reader)
        }
        methods.append(credential.proof.verification_method)
        proof.check(credential, keys[methods[-1]])
    assert len(set(methods)) == 2


async def _issued(earn: Earn, run_worker: Worker, people: People) -> UUID:
    credential_id = await earn(people)
    await run_worker()
    return credential_id


async def test_two_first_signings_at_once_make_one_key(
    database: Database,
    taxonomy: None,
    work: Work,
    document_of: DocumentOf,
    superuser: asyncpg.Connection,
) -> None:
    people = await create_people(database, "newcomer")
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        achievement_id = await service.save_achievement(tx, FLUENCY)
        due = [
            await service.issue(
                tx,
                person_id=people.learner_id,
                achievement_id=achievement_id,
                attempt_id=uuid4(),
            )
            for _ in range(3)
        ]

    async def sign(credential_id: UUID) -> None:
        async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
            await service.sign(tx, credential_id, work.vault, work.settings.public_url)

    await asyncio.gather(*(sign(one) for one in due))
    keys = await superuser.fetch(
        "select public_key from issuer_key where tenant_id = $1", people.tenant_id
    )
    assert len(keys) == 1
    for credential_id in due:
        proof.check(badge.decode(await document_of(people, credential_id)), keys[0]["public_key"])


async def test_a_new_address_of_ours_gets_a_new_key_and_what_was_signed_still_verifies(
    earn: Earn,
    run_worker: Worker,
    document_of: DocumentOf,
    database: Database,
    work: Work,
    two_tenants: tuple[People, People],
) -> None:
    people = two_tenants[1]
    before = badge.decode(await document_of(people, await _issued(earn, run_worker, people)))
    credential_id = await earn(people)
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        await service.sign(tx, credential_id, work.vault, "https://moved.example")
    after = badge.decode(await document_of(people, credential_id))
    assert after.issuer.id == f"did:web:moved.example:t:{people.slug}"
    reader = database.tenant_reader(people.tenant_id, actors.system("tests"))
    keys = {key.controller: key.public_key for key in await store.issuer_keys(reader)}
    for credential in (before, after):
        proof.check(credential, keys[credential.issuer.id])


async def test_a_private_key_opens_for_its_own_tenant_only(
    earn: Earn,
    run_worker: Worker,
    superuser: asyncpg.Connection,
    settings: Settings,
    two_tenants: tuple[People, People],
) -> None:
    await _issued(earn, run_worker, two_tenants[0])
    row = await superuser.fetchrow(
        "select id, sealed_private_key from issuer_key where tenant_id = $1 limit 1",
        two_tenants[0].tenant_id,
    )
    assert row is not None
    vault = Vault(settings.master_key)
    context = f"issuer key {row['id']} of tenant "
    assert len(
        vault.open(row["sealed_private_key"], context=context + str(two_tenants[0].tenant_id))
    )
    with pytest.raises(SealBroken):
        vault.open(row["sealed_private_key"], context=context + str(two_tenants[1].tenant_id))


async def test_the_document_is_in_the_organisations_language(
    database: Database,
    run_worker: Worker,
    document_of: DocumentOf,
    earn: Earn,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    people = two_tenants[0]
    sql = "update tenant set default_locale = $2 where id = $1"
    await superuser.execute(sql, people.tenant_id, "fr")
    try:
        document = json.loads(await document_of(people, await _issued(earn, run_worker, people)))
    finally:
        await superuser.execute(sql, people.tenant_id, "en")
    achievement = document["credentialSubject"]["achievement"]
    assert achievement["inLanguage"] == "fr"
    assert achievement["name"] == document["name"] == FLUENCY.name.fr
    skills = {one["targetName"]: one["targetDescription"] for one in achievement["alignment"]}
    assert skills == {
        labels[1]: f"Niveau {level} sur 4" for level, labels in enumerate(SKILLS.values(), 2)
    }


async def test_an_achievement_of_another_tenant_can_not_be_issued(
    database: Database, achievements: dict[str, UUID], two_tenants: tuple[People, People]
) -> None:
    async with database.tenant(two_tenants[1].tenant_id, actors.system("tests")) as tx:
        with pytest.raises(service.UnknownAchievement):
            await service.issue(
                tx,
                person_id=two_tenants[1].learner_id,
                achievement_id=achievements[two_tenants[0].slug],
                attempt_id=uuid4(),
            )


async def test_an_achievement_proves_known_skills_and_not_too_many(
    database: Database, achievements: dict[str, UUID], two_tenants: tuple[People, People]
) -> None:
    def with_skills(skills: list[ProvenSkill]) -> NewAchievement:
        return msgspec.structs.replace(FLUENCY, skills=skills)

    async with database.tenant(two_tenants[0].tenant_id, actors.system("tests")) as tx:
        with pytest.raises(UnknownSkill):
            await service.save_achievement(tx, with_skills([ProvenSkill(uuid4(), 1)]))
        with pytest.raises(service.TooManySkills):
            await service.save_achievement(
                tx, with_skills([ProvenSkill(uuid4(), 1) for _ in range(65)])
            )
        saved_again = await service.save_achievement(tx, FLUENCY)
    assert saved_again == achievements[two_tenants[0].slug]


async def test_a_revoked_credential_takes_its_evidence_along(
    earn: Earn,
    run_worker: Worker,
    database: Database,
    superuser: asyncpg.Connection,
    two_tenants: tuple[People, People],
) -> None:
    people = two_tenants[0]
    credential_id = await _issued(earn, run_worker, people)
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        since = await service.revoke(tx, credential_id, "The exam was taken by someone else.")
        assert await service.revoke(tx, credential_id, "Again.") == since
    await run_worker()
    reader = database.person_reader(people.learner_id, actors.system("tests"))
    [copy] = [one for one in await wallet_store.credentials(reader) if one.id == credential_id]
    assert copy.revoked_at == since
    assert await count(superuser, "evidence where credential_id = $1", credential_id) == 0
    revoked = "tenant_event where name = 'credential.revoked' and subject = $1"
    assert await count(superuser, revoked, credential_id) == 1


async def test_a_revocation_needs_a_reason_and_a_signed_credential_of_this_tenant(
    earn: Earn, run_worker: Worker, database: Database, two_tenants: tuple[People, People]
) -> None:
    people, other = two_tenants
    credential_id = await earn(people)
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        with pytest.raises(service.NotSignedYet):
            await service.revoke(tx, credential_id, "Too early.")
    await run_worker()
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        for reason in ("", "  ", "x" * 501):
            with pytest.raises(service.ReasonMissing):
                await service.revoke(tx, credential_id, reason)
    async with database.tenant(other.tenant_id, actors.system("tests")) as tx:
        with pytest.raises(service.UnknownCredential):
            await service.revoke(tx, credential_id, "Not ours.")


async def test_a_wallet_is_its_persons_alone(
    earn: Earn,
    run_worker: Worker,
    database: Database,
    two_tenants: tuple[People, People],
) -> None:
    people, other = two_tenants
    credential_id = await _issued(earn, run_worker, people)
    assert credential_id in await wallet_of(database, people.learner_id)
    assert credential_id not in await wallet_of(database, other.learner_id)
    reader = database.person_reader(other.learner_id, actors.system("tests"))
    # Even where the statement forgets the person, the database does not.
    everyones = "select id from wallet_credential where $1::uuid is not null"
    found = await reader.fetch(_Id, everyones, other.learner_id)
    assert credential_id not in {row.id for row in found}


class _Id(msgspec.Struct):
    id: UUID
