"""The face alone as an application: its own pages and a few of the tests', no database behind."""

from base64 import b64encode
from typing import Annotated, Any
from uuid import UUID

import msgspec
from jinja2 import FileSystemLoader
from litestar import Litestar, get, post, put
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import State
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.types import ASGIApp, Receive, Scope, Send

from passerelle.kernel.actor import Actor
from passerelle.kernel.errors import Conflict, Invalid
from passerelle.kernel.language import Localised
from passerelle.kernel.settings import Settings
from passerelle.web import composition as face
from passerelle.web.page import Page

SETTINGS = Settings(
    public_url="http://localhost:8000",
    master_key=b64encode(b"k" * 32).decode(),
    database_url="postgresql://127.0.0.1:5432/none",
    database_password_web_lookup="",
    valkey_url="redis://127.0.0.1:6379",
    keycloak_url="https://keycloak.example/auth",
    objects_directory="/tmp",
)

TEACHER = Actor(
    kind="person",
    display_name="Amina Berrada",
    person_id=UUID(int=1),
    tenant_id=UUID(int=2),
    tenant_slug="region",
    tenant_name=Localised("Région", "Région", "Région"),
    permissions=frozenset({"learn", "hiring.read"}),
    locale="fr",
    origin="keycloak",
)
LAUNCHED = msgspec.structs.replace(
    TEACHER, origin="lti", attributes={"frame_origin": "https://lms.example"}
)
ACTORS = {"teacher": TEACHER, "launched": LAUNCHED}


class Counted(msgspec.Struct, forbid_unknown_fields=True):
    number: Annotated[int, msgspec.Meta(ge=1)]


class Saved(msgspec.Struct, forbid_unknown_fields=True):
    letter: str | None
    later: bool
    revision: int


@get("/t/{slug:str}/bar", permission="public")
async def bar() -> Page:
    return Page("tests/bar.html", {"paragraph": "Read me"}, block="paragraph")


@post("/t/{slug:str}/counted", permission="public")
async def counted(data: Counted) -> Counted:
    return data


@post("/form", permission="public")
async def sent(
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> dict[str, str]:
    return {"reason": data["reason"]}


@get("/broken", permission="public")
async def broken() -> None:
    raise RuntimeError("the master key is hunter2")


@get("/conflict", permission="public")
async def conflict() -> None:
    raise Conflict(seen=3)


@get("/invalid", permission="public")
async def invalid() -> None:
    raise Invalid('<script>alert("x")</script> 100 %', errors={"name": "This is missing"})


@get("/framed", permission="public")
async def framed(by: str = "https://lms.example/course/7") -> Page:
    return Page(
        "tests/bar.html",
        {"paragraph": "In a frame"},
        frame_ancestors=[by, "javascript:alert(1)"],
        form_action=["https://lms.example:8443/return?x=1"],
    )


@get("/sitting", permission="public")
async def sitting() -> Page:
    return Page("tests/sitting.html")


@get("/answers", permission="public")
async def answers(state: State) -> list[Saved]:
    return list(state.get("answers", []))


@put("/answers", permission="public")
async def answer(data: Saved, state: State) -> dict[str, Any]:
    """Like the exams' autosave: the newest revision stands."""
    held: list[Saved] = state.setdefault("answers", [])
    newest = max((one.revision for one in held), default=0)
    if accepted := data.revision > newest:
        held.append(data)
    return {"accepted": accepted, "revision": max(newest, data.revision)}


@post("/leave", permission="public")
async def leave(
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Page:
    return Page("tests/bar.html", {"paragraph": f"Left with {data['answer']}"})


class ActorFromHeader:
    """Stands where the sessions' middleware stands: the test names the actor in a header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", []))
        state = scope.setdefault("state", {})
        state["actor"] = ACTORS.get(headers.get(b"x-actor", b"").decode())
        state["request_id"] = "0123456789abcdef"
        await self.app(scope, receive, send)


def make_app() -> Litestar:
    config = face.template_config(SETTINGS)
    loader: Any = config.engine_instance.engine.loader
    loader.mapping["tests"] = FileSystemLoader([__file__.replace("faces.py", "templates")])
    pages = [bar, counted, sent, broken, conflict, invalid, framed]
    exam = [sitting, answers, answer, leave]
    return Litestar(
        route_handlers=[*face.handlers(SETTINGS), *pages, *exam],
        middleware=[ActorFromHeader, *face.middleware(SETTINGS)],
        template_config=config,
        exception_handlers=face.exception_handlers(),
        before_send=face.before_send(SETTINGS),
        csrf_config=CSRFConfig(secret="tests" * 8, header_name="x-csrf-token"),
        logging_config=None,
        openapi_config=None,
    )
