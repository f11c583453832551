"""Where someone without a session is sent: the organisation's sign-in, or their own."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.response import Redirect

from passerelle.kernel.errors import NotSignedIn

AnyRequest = Request[Any, Any, Any]
Handler = Callable[[AnyRequest, Any], Response[Any]]


def sign_in_or(answer: Handler) -> Handler:
    """A handler of NotSignedIn: a page that a person opened leads to the sign-in and back.

    Inside an LMS's frame, and for programs, it is `answer`: sign-in can't work in a frame, the
    session comes from the launch.
    """

    def handle(request: AnyRequest, problem: NotSignedIn) -> Response[Any]:
        headers = request.headers
        opened = (
            request.method == "GET"
            and "text/html" in headers.get("accept", "")
            and headers.get("sec-fetch-dest", "document") == "document"
            and "hx-request" not in headers
        )
        parts = request.url.path.split("/")
        if not opened or len(parts) < 2 or parts[1] not in {"t", "me"}:
            return answer(request, problem)
        space = "/".join(parts[:3]) if parts[1] == "t" else "/me"
        query = urlencode({"next": request.url.path})
        return Redirect(f"{space}/sign-in?{query}", status_code=303)

    return handle
