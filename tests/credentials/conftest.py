"""A taxonomy of two skills, an achievement that proves them, and a worker to run by hand."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg
import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from redis.asyncio import Redis

from integrations.objects.adapter import StoredObjects
from passerelle.credentials import service
from passerelle.credentials.model import NewAchievement, ProvenSkill
from passerelle.kernel import actor as actors
from passerelle.kernel import tasks
from passerelle.kernel.database import Database
from passerelle.kernel.http import GuardedClient
from passerelle.kernel.language import Localised
from passerelle.kernel.relay import Relay
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from tests.conftest import People

SKILLS = {
    UUID("1d6c7de4-350e-4868-a47b-333b4b0d9650"): (
        "evaluate data, information and digital content",
        "évaluer des données, des informations et des contenus numériques",
        "تقييم البيانات والمعلومات والمحتوى الرقمي",
    ),
    UUID("33a82b83-c838-4889-ae62-fae1317481eb"): (
        "protect personal data and privacy",
        "protéger les données à caractère personnel et la vie privée",
        "حماية البيانات الشخصية والخصوصية",
    ),
}
FLUENCY = NewAchievement(
    code="ai-fluency-1",
    name=Localised(
        "AI fluency, level 1", "Maîtrise de l’IA, niveau 1", "إتقان الذكاء الاصطناعي، المستوى الأول"
    ),
    description=Localised(
        "The holder checks what an assistant answers.",
        "La personne vérifie ce que répond un assistant.",
        "يتحقق حامل هذه الشهادة من أجوبة المساعد.",
    ),
    criteria=Localised("Pass the exam.", "Réussir l’examen.", "اجتياز الامتحان بنجاح."),
    skills=[ProvenSkill(skill_id, level) for level, skill_id in enumerate(SKILLS, 2)],
)

Worker = Callable[[], Awaitable[int]]
Earn = Callable[..., Awaitable[UUID]]


@pytest.fixture(scope="module")
async def taxonomy(superuser: asyncpg.Connection) -> None:
    for skill_id, labels in SKILLS.items():
        await superuser.execute(
            "insert into skill (id, uri, kind) values ($1, $2, 'skill')",
            skill_id,
            f"http://data.europa.eu/esco/skill/{skill_id}",
        )
        for locale, label in zip(("en", "fr", "ar"), labels, strict=True):
            await superuser.execute(
                "insert into skill_label (skill_id, locale, label, folded) values ($1, $2, $3, $3)",
                skill_id,
                locale,
                label,
            )


@pytest.fixture(scope="module")
async def achievements(
    database: Database, taxonomy: None, two_tenants: tuple[People, People]
) -> dict[str, UUID]:
    """The same achievement at both tenants, by the tenant's slug."""
    found = {}
    for people in two_tenants:
        async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
            found[people.slug] = await service.save_achievement(tx, FLUENCY)
    return found


@pytest.fixture
def earn(database: Database, achievements: dict[str, UUID]) -> Earn:
    """Makes a credential due for the learner of a tenant; returns its id."""

    async def due(people: People, attempt_id: UUID | None = None) -> UUID:
        async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
            return await service.issue(
                tx,
                person_id=people.learner_id,
                achievement_id=achievements[people.slug],
                attempt_id=attempt_id or uuid4(),
            )

    return due


@pytest.fixture
async def work(settings: Settings, database: Database, valkey: Redis) -> AsyncIterator[tasks.Work]:
    http = GuardedClient(settings)
    yield tasks.Work(
        settings=settings,
        database=database,
        valkey=valkey,
        http=http,
        vault=Vault(settings.master_key),
        mail=None,  # type: ignore[arg-type]
        objects=StoredObjects(settings),
    )
    await http.close()


@pytest.fixture
def run_worker(work: tasks.Work, settings: Settings, database: Database, valkey: Redis) -> Worker:
    """Relays and carries out what is due, until nothing is; returns how many deliveries."""
    import passerelle.credentials.tasks  # noqa: F401  registers the listeners

    broker = StubBroker()
    for queue in tasks.QUEUES:
        broker.declare_queue(queue)
    relay = Relay(settings, database, broker, valkey)

    async def run() -> int:
        carried = 0
        while await relay.round():
            for queue in broker.queues.values():
                while not queue.empty():
                    scope, owner_id, event_id, name = dramatiq.Message.decode(queue.get()).args
                    await tasks.carry_out(work, scope, UUID(owner_id), UUID(event_id), name)
                    carried += 1
        return carried

    return run


@pytest.fixture
def document_of(database: Database) -> Callable[[People, UUID], Awaitable[bytes]]:
    async def read(people: People, credential_id: UUID) -> bytes:
        reader = database.tenant_reader(people.tenant_id, actors.system("tests"))
        text = await reader.fetch_value(
            "select document from issued_credential where tenant_id = $1 and id = $2",
            people.tenant_id,
            credential_id,
        )
        assert text is not None, "not signed"
        return bytes(text, "utf-8")

    return read
