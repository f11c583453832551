"""The LMS over HTTP: what browsers, the tool and the tests ask of it."""

import asyncio
from typing import Any

import jwt
import msgspec
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.response import Redirect

from infra.demo.lms import pages
from infra.demo.lms.adapter import (
    TOKEN_ERRORS,
    Carried,
    Grades,
    Keys,
    Launch,
    Login,
    Platform,
)
from infra.demo.lms.book import Book, Content, Link, NewTool, Outcome, Tool, User

AnyRequest = Request[Any, Any, Any]
SLOW_S = 2.0
STATUS_OF: dict[Outcome, int] = {"fail": 500, "conflict": 409, "unauthorized": 401, "lose": 502}


class Connection(msgspec.Struct):
    """What the tool's administrator copies from the LMS."""

    issuer: str
    client_id: str
    deployment_id: str
    authorization_url: str
    token_url: str
    jwks_url: str


class Lms:
    """The application's handlers over one book and one key pair."""

    def __init__(self, issuer: str, book: Book, keys: Keys) -> None:
        self.issuer, self.book, self.keys = issuer, book, keys
        self._platforms: dict[str, tuple[Tool, Platform]] = {}

    def platform(self, client_id: str) -> Platform:
        """Raises KeyError for a client id that is no tool's."""
        tool = self.book.content.tools[client_id]
        kept = self._platforms.get(client_id)
        if kept is None or kept[0] is not tool:
            made = Platform(self.issuer, self.keys, tool, self.book.spent_assertions)
            self._platforms[client_id] = kept = (tool, made)
        return kept[1]

    def newest_client(self) -> str:
        return next(reversed(self.book.content.tools))

    def connection(self, tool: Tool) -> Connection:
        return Connection(
            issuer=self.issuer,
            client_id=tool.client_id,
            deployment_id=tool.deployment_id,
            authorization_url=f"{self.issuer}/authorize",
            token_url=f"{self.issuer}/token",
            jwks_url=f"{self.issuer}/jwks.json",
        )

    def initiate(self, query: dict[str, str]) -> str:
        platform = self.platform(query.get("client") or self.newest_client())
        login = Login(None, platform)
        login.set_lti_message_hint(link_id=self.book.content.links[query["link"]].id)
        address: str = login.initiate_login(self.book.content.users[query["user"]].id)
        return address

    def authorize(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The signed answer. Raises ValueError where the tool asks for what it may not."""
        platform = self.platform(asked["client_id"])
        if asked.get("redirect_uri") != platform.tool.launch_url:
            raise ValueError("redirect_uri is not the tool's")
        expected = {"scope": "openid", "response_type": "id_token", "response_mode": "form_post"}
        for name, value in expected.items():
            if asked.get(name) != value:
                raise ValueError(f"{name} must be {value}")
        user = self.book.content.users[asked["login_hint"]]
        link = self.book.content.links[asked["lti_message_hint"]]
        launch = Launch(Carried({"get_data": asked, "form_data": {}}), platform)
        launch.describe(self.issuer, user, link)
        answer: dict[str, Any] = launch.lti_launch()
        return answer

    def grades(self, request: AnyRequest, link_id: str, body: Any) -> Grades:
        """The package's service for one request, with the platform whose token it carries."""
        carried = Carried(
            {
                "method": request.method,
                "get_data": {k: v for k, v in request.query_params.items() if k != "type_id"},
                "headers": {"Authorization": request.headers.get("authorization", "")},
                "json": body,
            }
        )
        # All tools' access tokens are signed with the platform's one key.
        platform = self.platform(self.newest_client())
        return Grades(carried, platform, self.book, self.book.content.links[link_id])


def _lms(request: AnyRequest) -> Lms:
    lms: Lms = request.app.state.lms
    return lms


def _answer(service: Grades, handle: Any, **arguments: Any) -> Response[Any]:
    try:
        reply = service.handle_resp(handle, **arguments)
    except jwt.PyJWTError:
        return Response({"error": "token"}, status_code=401)
    content = reply.result if reply.result is not None else {"message": reply.message}
    if isinstance(content, dict) and "content" in content:
        content = content["content"]
    return Response(content, status_code=reply.code, media_type=MediaType.JSON)


@get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@get("/jwks.json")
async def key_set(request: AnyRequest) -> dict[str, Any]:
    lms = _lms(request)
    keys: dict[str, Any] = lms.platform(lms.newest_client()).get_jwks()
    return keys


@get("/initiate")
async def initiate(request: AnyRequest) -> Redirect:
    return Redirect(_lms(request).initiate(dict(request.query_params)), status_code=302)


async def _authorized(request: AnyRequest, asked: dict[str, Any]) -> Response[str]:
    try:
        answer = _lms(request).authorize(asked)
    except (KeyError, ValueError) as error:
        return Response(f"refused: {error}", status_code=400, media_type=MediaType.TEXT)
    return Response(pages.form_post(answer), media_type=MediaType.HTML)


@get("/authorize")
async def authorize(request: AnyRequest) -> Response[str]:
    return await _authorized(request, dict(request.query_params))


@post("/authorize", status_code=200)
async def authorize_by_form(request: AnyRequest) -> Response[str]:
    return await _authorized(request, dict(await request.form()))


@post("/token", status_code=200)
async def token(request: AnyRequest) -> Response[Any]:
    form = dict(await request.form())
    try:
        claims = jwt.decode(form["client_assertion"], options={"verify_signature": False})
        lms = _lms(request)
        platform = lms.platform(claims["iss"])
        # The package fetches the tool's keys with a blocking client.
        given = await asyncio.to_thread(platform.access_token, form)
        counts = lms.book.content.tokens
        counts[platform.tool.client_id] = counts.get(platform.tool.client_id, 0) + 1
        return Response(given)
    except TOKEN_ERRORS as error:
        return Response(
            {"error": "invalid_client", "error_description": str(error)}, status_code=400
        )


@get("/contexts/{context_id:str}/lineitems")
async def line_items(request: AnyRequest, context_id: str) -> Response[Any]:
    links = _lms(request).book.content.links.values()
    link = next((link for link in links if link.context_id == context_id), None)
    if link is None:
        return Response({"message": "no such course"}, status_code=404)
    service = _lms(request).grades(request, link.id, None)
    return _answer(service, service.handle_get_lineitems)


@get("/lineitems/{link_id:str}/lineitem")
async def line_item(request: AnyRequest, link_id: str) -> Response[Any]:
    service = _lms(request).grades(request, link_id, None)
    return _answer(service, service.handle_get_lineitem, line_item_id=link_id)


@get("/lineitems/{link_id:str}/lineitem/results")
async def results(request: AnyRequest, link_id: str) -> Response[Any]:
    service = _lms(request).grades(request, link_id, None)
    return _answer(service, service.handle_get_results, line_item_id=link_id)


@post("/lineitems/{link_id:str}/lineitem/scores", status_code=200)
async def scores(request: AnyRequest, link_id: str) -> Response[Any]:
    lms = _lms(request)
    score = msgspec.json.decode(await request.body())
    service = lms.grades(request, link_id, score)
    service.outcome = lms.book.next_outcome(str(score.get("userId")))
    answer = _answer(service, service.handle_update_score, line_item_id=link_id)
    if service.outcome == "slow":
        await asyncio.sleep(SLOW_S)
    elif service.outcome is not None:
        return Response({"planned": service.outcome}, status_code=STATUS_OF[service.outcome])
    return answer


@post("/admin/tools")
async def add_tool(request: AnyRequest, data: NewTool) -> Connection:
    lms = _lms(request)
    return lms.connection(lms.book.add_tool(data))


@post("/admin/users")
async def add_user(request: AnyRequest, data: User) -> User:
    book = _lms(request).book
    book.content.users[data.id] = data
    book.save()
    return data


@post("/admin/links")
async def add_link(request: AnyRequest, data: Link) -> Link:
    book = _lms(request).book
    book.content.links[data.id] = data
    book.save()
    return data


@post("/admin/plan/{user_id:str}")
async def plan(request: AnyRequest, user_id: str, data: list[Outcome]) -> dict[str, int]:
    """What is to become of a user's next scores, in turn; then all is well again."""
    _lms(request).book.plan[user_id] = list(data)
    return {"planned": len(data)}


@get("/admin/book")
async def content(request: AnyRequest) -> Content:
    return _lms(request).book.content


@get("/", media_type=MediaType.HTML)
async def home(request: AnyRequest) -> str:
    return pages.home(_lms(request).book.content)


@get("/open", media_type=MediaType.HTML)
async def opened(request: AnyRequest) -> str:
    """A course's activity: the tool in a frame."""
    return pages.framed(_lms(request).book.content, dict(request.query_params))


def create_app(issuer: str, book: Book, keys: Keys) -> Litestar:
    app = Litestar(
        [
            *(health, key_set, initiate, authorize, authorize_by_form, token, home, opened),
            *(line_items, line_item, results, scores),
            *(add_tool, add_user, add_link, plan, content),
        ],
        openapi_config=None,
        logging_config=None,
    )
    app.state.lms = Lms(issuer, book, keys)
    return app
