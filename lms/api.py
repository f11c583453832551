"""What an LMS and a browser call during a launch, and the key set that LMSes fetch."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.di import Provide
from litestar.params import Body
from litestar.response import Redirect

from lms import arrivals, keys, launch, registrations, state
from lms.key_sets import KeySets
from lms.launch import Door
from lms.model import NewRegistration
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import PUBLIC
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.secrets import Vault
from passerelle.kernel.settings import Settings
from passerelle.web.security import allow
from tenants.access.sessions import Sessions, cookie
from tenants.service import tenant_by_slug

AnyRequest = Request[Any, Any, State]
COOKIE_PATH = "/lti"
COOKIE_LIFETIME_S = 3600
KEY_SET_LIFETIME_S = 600


def provide_door(state: State) -> Door:
    """One a process: the platforms' key sets are kept in it."""
    if "lms_door" not in state:
        state.lms_door = Door(
            state.settings, state.database, state.valkey, KeySets(state.http.get_json)
        )
    door: Door = state.lms_door
    return door


def _seen_in_the_frame(request: AnyRequest) -> None:
    """A refusal is a page without anything to click: whoever sent the browser may frame it."""
    named = (request.headers.get("origin", ""), request.headers.get("referer", ""))
    allow(request.scope, frame_ancestors=[address for address in named if address])


async def _login(request: AnyRequest, door: Door, parameters: dict[str, Any]) -> Response[None]:
    _seen_in_the_frame(request)
    browser = state.browser_value(request.cookies.get(state.COOKIE))
    address, _ = await launch.begin(door, launch.read_login(parameters), browser)
    headers = {
        "location": address,
        "cache-control": "no-store",
        "set-cookie": cookie(state.COOKIE, browser, COOKIE_PATH, COOKIE_LIFETIME_S),
    }
    return Response(None, status_code=302, headers=headers)


@get("/login", permission=PUBLIC, limit="launch")
async def login_by_address(request: AnyRequest, door: Door) -> Response[None]:
    """A login that an LMS begins with a GET."""
    return await _login(request, door, dict(request.query_params))


@post("/login", permission=PUBLIC, limit="launch", status_code=302)
async def login_by_form(request: AnyRequest, door: Door) -> Response[None]:
    """A login that an LMS begins with a form."""
    return await _login(request, door, dict(await request.form()))


@post("/launch", permission=PUBLIC, limit="launch", status_code=303)
async def launched(request: AnyRequest, door: Door, sessions: Sessions) -> Redirect:
    """The token comes in, a session begins, and the browser goes on to the linked activity."""
    _seen_in_the_frame(request)
    form = launch.read_form(dict(await request.form()))
    verified = await launch.complete(door, form, request.cookies.get(state.COOKIE))
    allow(request.scope, frame_ancestors=[verified.registration.authorization_url])
    actor, path = await arrivals.enter(door.database, verified)
    headers = {"set-cookie": await sessions.open(actor), "cache-control": "no-store"}
    return Redirect(path, status_code=303, headers=headers)


@get("/t/{slug:str}/lti/jwks.json", permission=PUBLIC)
async def key_set(slug: str, database: Database) -> Response[dict[str, Any]]:
    """The public keys with which this organisation's tool signs to its LMSes (RFC 7517)."""
    tenant = await tenant_by_slug(database, slug)
    read = database.tenant_reader(tenant.id, actors.system("lms.keys", tenant.id))
    headers = {"cache-control": f"public, max-age={KEY_SET_LIFETIME_S}"}
    return Response(await keys.key_set(read), headers=headers)


@post("/t/{slug:str}/api/lms/registrations", permission="tenant.admin")
async def connect(
    data: Annotated[NewRegistration, Body()],
    tx: TenantTransaction,
    settings: Settings,
    vault: Vault,
) -> dict[str, str]:
    """Connects an LMS that was set up by hand."""
    return {"id": str(await registrations.connect(tx, settings, vault, data))}


handlers = [
    Router(
        "/lti",
        route_handlers=[login_by_address, login_by_form, launched],
        dependencies={"door": Provide(provide_door, sync_to_thread=False)},
        include_in_schema=False,
    ),
    key_set,
    connect,
]
