"""Two organisations and two persons with the same history, made by the rooms' own services.

What the services leave empty on their side is filled from the catalogue, so that there is
something of theirs in every table.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import httpx
import msgspec
from litestar import Litestar

from infra.seed.ai_fluency import seed_path
from integrations.objects.adapter import StoredObjects
from lms import registrations
from lms.model import NewRegistration
from passerelle.exams import service as exams
from passerelle.hiring import service as hiring
from passerelle.hiring.model import NewRequisition, Requirement
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.language import Localised
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from passerelle.people.model import Profile
from passerelle.people.service import register_person, save_profile, share
from passerelle.skills import service as skills
from passerelle.skills.loading import load_taxonomy
from passerelle.skills.model import NewEvidence
from tenants.access.roles import PERMISSIONS
from tenants.access.sessions import COOKIE
from tenants.members import invitations, role_service
from tenants.members.role_model import RoleText
from tenants.organisations import units
from tenants.service import admit, create_tenant
from tests.hiring.factories import MANAGE_DATA, PROTECT_DATA, THINK_CRITICALLY
from tests.people.factories import in_days, themselves
from tests.running import pass_exam
from tests.walls.mirror import Side, mirror

FORM = "ai-fluency-1"
REASON = "Proved four of the requirements in a proctored exam."

SERVED_MODEL = """
insert into model_version
  (status, data_hash, code_hash, settings, metrics, skills, artefact, artefact_sha256, served_at)
select 'served', 'x', 'x', '{}', '{}', count(*), 'none', 'x', now() from skill;
insert into skill_vector (model_version, skill_id, as_evidence, as_requirement)
select model_version.id, skill.id, vector, vector from model_version, skill,
  (select array_fill((1 / sqrt(96))::real, array[96])::vector(96) as vector) as unit
"""
VECTOR = """
insert into candidate_vector (tenant_id, model_version, person_id, embedding, evidence_count)
select $1, id, $2, array_fill((1 / sqrt(96))::real, array[96])::vector(96), 3 from model_version
"""


class Resident(msgspec.Struct):
    """An organisation, its most powerful member, and a person who shares with it."""

    side: Side
    slug: str
    member_id: UUID
    attempt_id: UUID
    requisition_id: UUID

    @property
    def tenant_id(self) -> UUID:
        return self.side.tenant_id

    @property
    def person_id(self) -> UUID:
        return self.side.person_id

    def member(self) -> Actor:
        """With every permission at once: more than any one role has."""
        return Actor(
            kind="person",
            display_name=f"{self.side.canary} member",
            person_id=self.member_id,
            tenant_id=self.tenant_id,
            tenant_slug=self.slug,
            tenant_name=Localised(self.slug, self.slug, self.slug),
            permissions=frozenset(PERMISSIONS),
            origin="keycloak",
        )


class World(msgspec.Struct):
    ours: Resident
    theirs: Resident
    # Of theirs, what we wrote into rows of our own ourselves: a free text takes anything, and what
    # a person writes about themselves stands on the organisation's pages too.
    told: set[str] = msgspec.field(default_factory=set)


async def build(database: Database, settings: Settings, superuser: asyncpg.Connection) -> World:
    await load_taxonomy(superuser)
    world = World(
        await settle(database, settings, "ours-town", "canary-of-ours"),
        await settle(database, settings, "theirs-town", "canary-of-theirs"),
    )
    await superuser.execute(SERVED_MODEL)
    for resident in (world.ours, world.theirs):
        await superuser.execute(VECTOR, resident.tenant_id, resident.person_id)
    await mirror(superuser, world.theirs.side)
    return world


async def settle(database: Database, settings: Settings, slug: str, canary: str) -> Resident:
    """An organisation where one member learned, sat the exam and hired one person."""
    tenant_id = await create_tenant(database, slug, Localised(slug, slug, slug), "en", listed=False)
    side = Side(canary, tenant_id)
    member_id = await person(database, f"{canary} member")
    side.person_id = await person(database, f"{canary} candidate")
    system = actors.system("tests", tenant_id)
    async with database.tenant(tenant_id, system) as tx:
        await admit(tx, member_id, f"{canary} member", f"{canary}@example.org", "en", ["owner"])
        await registrations.connect(tx, settings, Vault(settings.master_key), registration(canary))
    async with database.live_exam(tenant_id, system) as tx:
        await seed_path(tx)
    graduate_id = await person(database, f"{canary} graduate")
    async with database.live_exam(tenant_id, system) as tx:
        await admit(tx, graduate_id, f"{canary} graduate", None, "en", ["learner"])
        await pass_exam(tx, graduate_id, FORM)
    resident = Resident(side, slug, member_id, member_id, member_id)
    async with database.live_exam(tenant_id, resident.member()) as tx:
        resident.attempt_id = (await exams.start(tx, member_id, FORM)).id
    async with database.person(side.person_id, themselves(side.person_id)) as person_tx:
        await save_profile(person_tx, Profile(f"{canary} headline", f"{canary} about", "en"))
        await share(person_tx, tenant_id, until=in_days(30))
        proven = [
            NewEvidence(skill_id=one, level=3, kind="exam", proven_at=datetime.now(UTC))
            for one in (THINK_CRITICALLY, PROTECT_DATA, MANAGE_DATA)
        ]
        await skills.record_evidence(person_tx, proven)
    await hire(database, resident)
    await administer(database, settings, resident)
    return resident


async def hire(database: Database, resident: Resident) -> None:
    canary = f"{resident.side.canary} requisition"
    new = NewRequisition(
        title=Localised(canary, canary, canary),
        requirements=[Requirement(THINK_CRITICALLY, 1.0, 2, False)],
    )
    async with database.tenant(resident.tenant_id, resident.member()) as tx:
        opened = await hiring.open_requisition(tx, new)
        stages = await tx.connection.fetch(
            "select id from stage where tenant_id = $1 and pipeline_id = $2 order by position",
            *(resident.tenant_id, opened.pipeline_id),
        )
        decision = hiring.Decision(
            person_id=resident.person_id,
            from_stage=stages[0]["id"],
            to_stage=stages[1]["id"],
            reason=f"{canary}: {REASON}",
        )
        await hiring.move(tx, opened.id, decision)
    resident.requisition_id = opened.id


async def administer(database: Database, settings: Settings, resident: Resident) -> None:
    """A unit, a role of its own, an open invitation, and files of the organisation and person."""
    canary = resident.side.canary
    name = Localised(canary, canary, canary)
    system = actors.system("tests", resident.tenant_id)
    objects = StoredObjects(settings)
    async with database.tenant(resident.tenant_id, system) as tx:
        root = await tx.fetch_value(
            "select id from unit where tenant_id = $1 and parent_id is null", tx.tenant_id
        )
        unit = await units.add(tx, root, "north", name)
        text = RoleText(name=name, purpose=canary, permissions=["hiring.read"])
        await role_service.make(tx, text)
        await invitations.invite(tx, f"{canary}@else.example", ["learner"], unit.id, "en")
        await objects.put(tx, f"walls/{canary}.txt", canary.encode())
    async with database.person(resident.person_id, themselves(resident.person_id)) as person_tx:
        await objects.put(person_tx, f"walls/{canary}.txt", canary.encode())


async def person(database: Database, name: str) -> UUID:
    person_id = Side("").person_id
    async with database.person(person_id, themselves(person_id, name)) as tx:
        await register_person(tx, name, "en")
    return person_id


def registration(canary: str) -> NewRegistration:
    return NewRegistration(
        name=f"{canary} LMS",
        issuer="https://lms.example",
        client_id=canary,
        deployment_ids=["1"],
        authorization_url="https://lms.example/authorize",
        token_url="https://lms.example/token",
        jwks_url="https://lms.example/jwks",
    )


class Visitor:
    """A browser with a session on every page, whatever path the cookie was made for."""

    def __init__(self, app: Litestar, client: httpx.AsyncClient, actor: Actor) -> None:
        self._app = app
        self._client = client
        self._actor = actor
        self._cookie = ""
        self._csrf: dict[str, str] = {}

    async def sign_in(self) -> None:
        header = await self._app.state.sessions.open(self._actor)
        self._cookie = header.split(";", 1)[0]

    async def still_in(self) -> bool:
        """Whether the session lives with all that it was opened with; else it begins anew."""
        token = self._cookie.removeprefix(f"{COOKIE}=")
        found = await self._app.state.sessions.find(token)
        if found is not None and found.permissions == self._actor.permissions:
            return True
        await self.sign_in()
        return False

    async def send(self, method: str, path: str, **sent: object) -> httpx.Response:
        if not self._csrf:
            token = (await self._client.get("/health")).cookies.get("passerelle_csrf")
            self._csrf = {"x-csrf-token": token or ""}
        headers = {
            "accept": "text/html,application/json",
            "cookie": f"passerelle_csrf={self._csrf['x-csrf-token']}; {self._cookie}",
            **self._csrf,
        }
        headers.update(sent.pop("headers", {}))  # type: ignore[call-overload]
        self._client.cookies.clear()
        return await self._client.request(
            method,
            path,
            headers=headers,
            follow_redirects=False,
            **sent,  # type: ignore[arg-type]
        )


@asynccontextmanager
async def visitor(app: Litestar, settings: Settings, actor: Actor) -> AsyncIterator[Visitor]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        visiting = Visitor(app, client, actor)
        await visiting.sign_in()
        yield visiting
