"""The web process: the only place where rooms are put together to answer requests.

`create_app` takes its settings, so that tests compose the same application over their own servers.
Run it with `uvicorn infra.web:application --factory`.
"""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Router, get
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.types import ASGIApp
from redis.asyncio import Redis
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from infra.openapi import describe_refusals
from integrations.keycloak import notices as keycloak_notices
from integrations.keycloak import pages as keycloak_pages
from integrations.mail import pages as mail_pages
from integrations.mail.adapter import SmtpMail
from integrations.objects import pages as objects_pages
from integrations.objects.adapter import StoredObjects
from integrations.scim import door as scim_door
from integrations.scim import pages as scim_pages
from lms import api as lms_api
from lms import pages as lms_pages
from ml.serving.matcher import StoredVectorMatcher
from passerelle.academy import pages as academy_pages
from passerelle.credentials import api as credentials_api
from passerelle.credentials import notices as credentials_notices
from passerelle.credentials import pages as credentials_pages
from passerelle.exams import api as exams_api
from passerelle.exams import pages as exams_pages
from passerelle.hiring import api as hiring_api
from passerelle.hiring import pages as hiring_pages
from passerelle.kernel import settings as kernel_settings
from passerelle.kernel.actor import PUBLIC
from passerelle.kernel.database import Database
from passerelle.kernel.errors import NotSignedIn, Problem
from passerelle.kernel.http import GuardedClient
from passerelle.kernel.log import configure
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from passerelle.kernel.tenant_settings import SETTINGS
from passerelle.kernel.work import Work
from passerelle.people import pages as people_pages
from passerelle.people.notices import pages as notices_pages
from passerelle.people.notices import setting as notices_setting
from passerelle.people.notices.bar import UnreadNotices
from passerelle.skills import api as skills_api
from passerelle.web import composition as face
from tenants import pages as front_pages
from tenants.access.dependencies import DEPENDENCIES
from tenants.access.door import sign_in_or
from tenants.access.guard import require_permission
from tenants.access.middleware import session_middleware
from tenants.access.rate_limits import RateLimits, within_limits
from tenants.access.refusals import record_suspended
from tenants.access.sessions import Sessions
from tenants.audit import api as audit_api
from tenants.audit import pages as audit_pages
from tenants.members import api as members_api
from tenants.members import pages as members_pages
from tenants.notices import tasks as tenants_notices
from tenants.organisations import host_pages, operator_api, sign_up_pages, unit_pages
from tenants.organisations.host_door import HostDoor
from tenants.plans import api as plan_api
from tenants.plans import operator_api as plan_operator_api
from tenants.plans import pages as plan_pages
from tenants.plans.service import RequestLimits
from tenants.privacy import erasure_pages as privacy_erasure_pages
from tenants.privacy import export_pages as privacy_export_pages
from tenants.privacy import own_pages as privacy_own_pages
from tenants.privacy import pages as privacy_pages
from tenants.settings import api as settings_api
from tenants.settings import brand_pages
from tenants.settings import pages as settings_pages
from tenants.settings.appearance import Appearances, appearance_middleware

#: Every module with handlers, feature by feature; a test lists their routes.
DOORS = (
    front_pages,
    brand_pages,
    plan_operator_api,
    plan_api,
    plan_pages,
    operator_api,
    unit_pages,
    sign_up_pages,
    host_pages,
    audit_api,
    audit_pages,
    members_api,
    members_pages,
    privacy_pages,
    privacy_erasure_pages,
    privacy_export_pages,
    privacy_own_pages,
    people_pages,
    notices_pages,
    skills_api,
    credentials_api,
    credentials_pages,
    exams_api,
    exams_pages,
    academy_pages,
    hiring_api,
    hiring_pages,
    keycloak_pages,
    mail_pages,
    objects_pages,
    scim_door,
    scim_pages,
    lms_api,
    lms_pages,
)

#: Importing these makes their settings and their kinds of notices known.
DECLARING = (credentials_notices, keycloak_notices, notices_setting, tenants_notices)


@get("/health", permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
def health() -> dict[str, str]:
    """Whether the process answers; `passerelle doctor` looks deeper."""
    return {"status": "ok"}


def create_app(settings: Settings, *, debug: bool = False) -> Litestar:
    """The whole application over these settings."""
    answers = face.exception_handlers()
    app = Litestar(
        route_handlers=[
            health,
            *face.handlers(settings),
            *(handler for door in DOORS for handler in door.handlers),
            *settings_pages.handlers_of(SETTINGS.values()),
            *settings_api.handlers_of(SETTINGS.values()),
        ],
        dependencies={**DEPENDENCIES, **plugged_in()},
        guards=[within_limits, require_permission],
        middleware=[
            HostDoor,
            session_middleware,
            appearance_middleware,
            *face.middleware(settings),
            UnreadNotices(),
        ],
        template_config=face.template_config(settings),
        exception_handlers={**answers, NotSignedIn: sign_in_or(answers[Problem])},
        after_exception=[record_suspended],
        before_send=face.before_send(settings),
        csrf_config=_csrf(settings),
        lifespan=[opened(settings)],
        openapi_config=_openapi(settings),
        request_max_body_size=settings.request_body_limit_bytes,
        debug=debug,
        logging_config=None,
    )
    describe_refusals(app.openapi_schema)
    return app


def application() -> ASGIApp:
    """The application over the environment's settings."""
    settings = kernel_settings.load()
    configure(settings.log_level)
    return behind_proxies(create_app(settings), settings)


def behind_proxies(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The client's address is the socket's, unless a proxy that the operator names says otherwise:
    then it is the last address of X-Forwarded-For that isn't such a proxy's."""
    if not settings.trusted_proxies:
        return app
    return ProxyHeadersMiddleware(app, sorted(settings.trusted_proxies))  # type: ignore[arg-type, return-value]


def plugged_in() -> dict[str, Provide]:
    """Adapters of upper rooms behind the ports of lower ones."""
    matcher = StoredVectorMatcher()
    return {"matcher": Provide(lambda: matcher, sync_to_thread=False)}


def opened(settings: Settings) -> Any:
    """The lifespan: what handlers are given is opened before the first request."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        state: State = app.state
        state.settings = settings
        state.database = Database(settings)
        state.valkey = Redis.from_url(settings.valkey_url)
        state.sessions = Sessions(state.valkey, settings)
        state.rate_limits = RateLimits(state.valkey, settings)
        state.plans = RequestLimits(state.database)
        state.http = GuardedClient(settings)
        state.vault = Vault(settings.master_key)
        state.objects = StoredObjects(settings)
        state.appearances = Appearances(state.database, state.objects)
        # What the test of a setting may use.
        state.work = Work(
            settings=settings,
            database=state.database,
            valkey=state.valkey,
            http=state.http,
            vault=state.vault,
            mail=SmtpMail(settings),
            objects=state.objects,
        )
        await state.database.open()
        try:
            yield
        finally:
            await state.http.close()
            await state.valkey.aclose()
            await state.database.close()

    return lifespan


def _csrf(settings: Settings) -> CSRFConfig:
    # A key of its own, derived (HMAC-SHA-256) from the master key.
    secret = hmac.new(base64.b64decode(settings.master_key), b"csrf", hashlib.sha256).hexdigest()
    return CSRFConfig(
        secret=secret,
        cookie_name="passerelle_csrf",
        cookie_secure=True,
        cookie_samesite="none",
        header_name="x-csrf-token",
        # These carry proofs of their own: a signed token, a logout token.
        exclude=[
            "^/lti/login$",
            "^/lti/launch$",
            "^/auth/backchannel-logout$",
        ],
    )


def _openapi(settings: Settings) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Passerelle",
        version="0.1.0",
        openapi_router=Router(path="/schema", route_handlers=[], opt={"permission": PUBLIC}),
        # The document alone: the renderers' pages load scripts from other sites.
        render_plugins=[JsonRenderPlugin(), YamlRenderPlugin()],
    )
