"""The running product as the story meets it: servers, organisations, an LMS, web and worker.

Built by the demo in `.passerelle/demo`, and by the story's test in a folder of its own.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self
from uuid import UUID

import asyncpg
import msgspec

from infra.demo.lms.book import NewTool
from infra.demo.lms.server import LmsServer
from infra.instance import Instance, Progress
from infra.problem import ServerProblem
from infra.seed import hiring as hiring_seed
from infra.seed.ai_fluency import seed_path
from infra.seed.organisations import REGION, RETAIL, Organisation, ensure_tenant
from infra.seed.year.telling import tell
from infra.servers.application import WebServer, WorkerServer
from infra.servers.process import write_private
from integrations.keycloak.administration import Administration
from integrations.keycloak.members import add_member
from integrations.keycloak.store import save_organization
from lms import registrations
from lms.model import NewRegistration
from lms.store import connections
from ml import registry
from ml.requests import request_training
from passerelle.hiring import store as hiring_store
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings, load
from passerelle.skills.loading import load_taxonomy
from tenants.service import tenant_by_slug

CANDIDATES = 24
# Enough to rank by; `passerelle ml train` takes its time.
TRAINING_STEPS = 60
TRAINING_DEADLINE_S = 300.0
ORGANISATIONS = (REGION, RETAIL)


class Passwords(msgspec.Struct):
    """Of the demo's accounts: made once for an instance, kept beside its other secrets."""

    password: str


class World:
    """Everything that the story needs, up and filled. `start` again finds it as it was."""

    def __init__(
        self,
        name: str,
        *,
        progress: Callable[[Progress], None] | None = None,
        lms_host: str = "localhost",
        large: bool = False,
    ) -> None:
        self._progress = progress or (lambda _: None)
        self._large = large
        self.instance = Instance(name, progress=progress)
        self.directory: Path = self.instance.directory
        self.lms = LmsServer(self.directory / "lms", host=lms_host)
        self.settings: Settings
        self.database: Database
        self.web: WebServer
        self.worker: WorkerServer
        self.tenants: dict[str, UUID] = {}
        self.lms_client_id = ""

    async def start(self) -> Self:
        """Starts and fills everything. Raises ServerProblem; what had started is stopped first."""
        try:
            # In a thread of its own: an instance runs event loops of its own.
            await asyncio.to_thread(self.instance.start, wait_for_keycloak=False)
            # In threads, so that Ctrl-C is heard meanwhile: `stop` then ends what they wait for.
            await asyncio.to_thread(self._timed, "LMS", self.lms.start)
            self.environment = {
                **self.instance.environment(),
                "PASSERELLE_ALLOWED_PRIVATE_ADDRESSES": self.lms.address,
            }
            self.settings = load(self.environment)
            self.web = WebServer(self.directory / "web", self.environment)
            self.worker = WorkerServer(self.directory / "worker", self.environment)
            await asyncio.to_thread(self._timed, "Worker", self.worker.start)
            await asyncio.to_thread(self._timed, "Web", self.web.start)
            await self._fill()
        except BaseException:
            await self.close()
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends what this world started, the last one first."""
        for server in ("web", "worker"):
            if hasattr(self, server):
                getattr(self, server).stop()
        self.lms.stop()
        self.instance.stop()

    async def close(self) -> None:
        if hasattr(self, "database"):
            await self.database.close()

    @property
    def password(self) -> str:
        path = self.directory / "accounts.json"
        if not path.exists():
            made = Passwords(f"{secrets.token_urlsafe(9)}-Aa1")
            write_private(path, msgspec.json.encode(made))
        return msgspec.json.decode(path.read_bytes(), type=Passwords).password

    async def _fill(self) -> None:
        begun = time.monotonic()
        self.database = Database(self.settings)
        await self.database.open("worker", also=("web_tenant", "web_person"))
        owner = await asyncpg.connect(self.instance.database_dsn)
        try:
            await load_taxonomy(owner, self.settings.esco_directory)
        finally:
            await owner.close()
        self._progress(Progress("Taxonomy", time.monotonic() - begun))
        begun = time.monotonic()
        for organisation in ORGANISATIONS:
            self.tenants[organisation.slug] = await ensure_tenant(self.database, organisation)
        await request_training(self.database, once=True, steps=TRAINING_STEPS)
        await self._fill_region()
        await self._fill_retail()
        self._progress(Progress("Organisations, path, requisition", time.monotonic() - begun))
        if self._large:
            await self._fill_year()
        await asyncio.to_thread(self.instance.wait_for_keycloak)
        begun = time.monotonic()
        await self._fill_accounts()
        self._progress(Progress("Accounts", time.monotonic() - begun))
        begun = time.monotonic()
        await self._model_serves()
        self._progress(Progress("First matching model", time.monotonic() - begun))

    async def _model_serves(self) -> None:
        """Returns when a model of this taxonomy serves; the worker trains it meanwhile."""
        pool = self.database.pool("worker_relay")
        give_up_at = time.monotonic() + TRAINING_DEADLINE_S
        while await registry.served(pool) is None:
            if time.monotonic() > give_up_at:
                raise ServerProblem(
                    f"No matching model after {TRAINING_DEADLINE_S:g} s.",
                    f"The worker's log is {self.worker.log_path}.",
                )
            await asyncio.sleep(0.1)

    async def _fill_region(self) -> None:
        tenant_id = self.tenants["region"]
        async with self.database.live_exam(tenant_id, _task(tenant_id)) as tx:
            await seed_path(tx)
        read = self.database.tenant_reader(tenant_id, _task(tenant_id))
        known = {each.client_id for each in await connections(read)}
        tool = NewTool(
            login_url=f"{self.settings.public_url}/lti/login",
            launch_url=f"{self.settings.public_url}/lti/launch",
            jwks_url=f"{self.settings.public_url}/t/region/lti/jwks.json",
            client_id=next(iter(known), None),
        )
        connection = self.lms.add_tool(tool)
        self.lms_client_id = connection.client_id
        if connection.client_id in known:
            return
        new = NewRegistration(
            name="Campus",
            issuer=connection.issuer,
            client_id=connection.client_id,
            deployment_ids=[connection.deployment_id],
            authorization_url=connection.authorization_url,
            token_url=connection.token_url,
            jwks_url=connection.jwks_url,
        )
        async with self.database.tenant(tenant_id, _task(tenant_id)) as tx:
            await registrations.connect(tx, self.settings, Vault(self.settings.master_key), new)

    async def _fill_year(self) -> None:
        """A year of the administration: 2,000 people in 40 cohorts."""
        begun = time.monotonic()
        operator = await asyncpg.connect(self.instance.database_dsn)
        try:
            tenant_id = self.tenants[REGION.slug]
            rows = await tell(operator, self.database, self.settings, tenant_id, REGION.domain)
        finally:
            await operator.close()
        self._progress(
            Progress(f"A year of {REGION.name.en}: {rows:,} rows", time.monotonic() - begun)
        )

    async def _fill_retail(self) -> None:
        tenant_id = self.tenants["retail"]
        read = self.database.tenant_reader(tenant_id, _task(tenant_id))
        if await hiring_store.requisitions(read, "", None, None, 1):
            return
        async with self.database.tenant(tenant_id, _task(tenant_id)) as tx:
            await hiring_seed.open_requisition(tx)
        await hiring_seed.create_candidates(self.database, tenant_id, CANDIDATES)

    async def _fill_accounts(self) -> None:
        async with Administration(self.settings) as administration:
            for organisation in ORGANISATIONS:
                await self._fill_organization(administration, organisation)

    async def _fill_organization(
        self, administration: Administration, organisation: Organisation
    ) -> None:
        tenant_id = self.tenants[organisation.slug]
        organization_id = await administration.ensure_organization(
            organisation.slug, organisation.name.en, organisation.domain
        )
        async with self.database.tenant(tenant_id, _task(tenant_id)) as tx:
            await save_organization(tx, organization_id, required=True)
        tenant = await tenant_by_slug(self.database, organisation.slug)
        for member in organisation.members:
            new = msgspec.structs.replace(member, password=self.password)
            await add_member(
                self.database, self.settings, administration, tenant, new, _task(tenant_id)
            )

    def _timed(self, what: str, work: Callable[[], object]) -> None:
        begun = time.monotonic()
        work()
        self._progress(Progress(what, time.monotonic() - begun))


def _task(tenant_id: UUID) -> actors.Actor:
    return actors.system("seed", tenant_id)
