"""An organisation whose LMS is connected, set up on both sides as an administrator would."""

from uuid import UUID

import httpx
import msgspec
from litestar import Litestar

from infra.demo.lms.book import NewTool
from infra.demo.lms.server import LmsServer
from infra.demo.sign_in import browser
from lms import keys, registrations
from lms.model import NewRegistration
from passerelle.academy.authoring import NewLevel, NewPath, define_path
from passerelle.credentials.model import NewAchievement
from passerelle.credentials.store import save_achievement
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.language import Localised
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from tests.conftest import People


class Connected(msgspec.Struct):
    """An organisation whose LMS is connected."""

    people: People
    registration_id: UUID
    client_id: str
    deployment_id: str
    achievement_id: UUID

    @property
    def tenant_id(self) -> UUID:
        return self.people.tenant_id


async def connect(
    database: Database, settings: Settings, lms: LmsServer, people: People
) -> Connected:
    """Both sides set up as an administrator would: the tool in the LMS, the LMS in the tool."""
    tool = NewTool(
        login_url=f"{settings.public_url}/lti/login", launch_url=f"{settings.public_url}/lti/launch"
    )
    given = lms.add_tool(tool)
    new = NewRegistration(
        name="The LMS",
        issuer=given.issuer,
        client_id=given.client_id,
        deployment_ids=[given.deployment_id],
        authorization_url=given.authorization_url,
        token_url=given.token_url,
        jwks_url=given.jwks_url,
    )
    actor = actors.system("tests", people.tenant_id)
    async with database.tenant(people.tenant_id, actor) as tx:
        registration_id = await registrations.connect(tx, settings, Vault(settings.master_key), new)
        achievement_id = await curriculum(tx)
        key_set = await keys.key_set(tx)
    lms.add_tool(msgspec.structs.replace(tool, client_id=given.client_id, key_set=key_set))
    return Connected(people, registration_id, given.client_id, given.deployment_id, achievement_id)


async def curriculum(tx: TenantTransaction) -> UUID:
    """A path with one level that leads to an achievement; returns the achievement's id."""
    name = Localised("AI fluency, level 1", "Maîtrise de l'IA, niveau 1", "إتقان الذكاء الاصطناعي")
    achievement_id = await save_achievement(
        tx,
        NewAchievement(code="ai-fluency-1", name=name, description=name, criteria=name, skills=[]),
    )
    level = NewLevel(code="ai-fluency-1", name=name, summary=name, achievement_id=achievement_id)
    await define_path(tx, NewPath(code="ai-fluency", name=name, summary=name, levels=[level]))
    return achievement_id


def another_browser(app: Litestar, settings: Settings) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    opened = browser(settings.public_url, transport)
    opened.follow_redirects = False
    return opened
