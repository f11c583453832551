"""Errors as people and programs see them: a clear page, or problem details (RFC 9457).

No one is ever shown a stack trace, nor a message that wasn't written for them.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import asyncpg
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    TooManyRequestsException,
    ValidationException,
)

from passerelle.kernel.errors import Forbidden, Invalid, NotFound, NotSignedIn, Problem
from passerelle.kernel.language import N_
from passerelle.kernel.log import logger
from passerelle.web.language import of_request, translate
from passerelle.web.page import Page, wants_fragment

log = logger(__name__)
AnyRequest = Request[Any, Any, Any]
Handler = Callable[[AnyRequest, Any], Response[Any]]

PROBLEM_JSON: Final = "application/problem+json"
#: A problem's type is an address under which the problem is described.
TYPE_PREFIX: Final = "/problems/"
_API: Final = re.compile(r"^(/t/[^/]+|/me)?/api/|^/schema|^/health")


class MethodNotAllowed(Problem):
    """The address exists, but not for what was asked of it."""

    status = 405
    title = N_("This address does not take that kind of request")
    mend = N_("Go back to the page you came from and try from there.")


class TooLarge(Problem):
    """What was sent is larger than we take."""

    status = 413
    title = N_("What you sent is too large")
    mend = N_("Send less at once.")


class TooMany(Problem):
    """More requests came than one client may send."""

    status = 429
    title = N_("Too many requests came from you at once")
    mend = N_("Wait a minute, then try again.")


class Unexpected(Problem):
    """A fault of ours. What went wrong is in the log, under the request id."""


class Refused(Problem):
    """Something in the request's form itself can't be taken."""

    status = 400
    title = N_("We could not read what was sent")
    mend = N_("Go back, open the page again and repeat what you did.")


def exception_handlers() -> dict[int | type[Exception], Handler]:
    """For Litestar: `Litestar(exception_handlers=exception_handlers())`."""
    return {
        Problem: _answer,
        HTTPException: _answer_litestar,
        # No text of the database holds a NUL, and no page of ours asks for one.
        asyncpg.CharacterNotInRepertoireError: _answer_refused,
        asyncpg.UntranslatableCharacterError: _answer_refused,
        Exception: _answer_unexpected,
    }


def _answer(request: AnyRequest, problem: Problem) -> Response[Any]:
    language = of_request(request)
    if problem.status >= 500 and not isinstance(problem, Unexpected):
        log.error("problem", problem=problem.slug(), exc_info=problem)
    content = problem_document(request, problem)
    headers = {"content-language": language.locale, "cache-control": "no-store"}
    if wants_json(request):
        return Response(
            content, status_code=problem.status, media_type=PROBLEM_JSON, headers=headers
        )
    return Page(
        "web/problem.html",
        {"problem": content},
        status_code=problem.status,
        headers=headers,
        block="problem",
    )


def problem_document(request: AnyRequest, problem: Problem) -> dict[str, Any]:
    """The members of RFC 9457, in the language of the request, and the problem's own."""
    document: dict[str, Any] = {
        **problem.extension,
        "type": TYPE_PREFIX + problem.slug(),
        "title": translate(problem.title),
        "status": problem.status,
        "instance": request.url.path,
        "mend": translate(problem.mend),
    }
    if problem.detail:
        document["detail"] = translate(problem.detail)
    if errors := problem.extension.get("errors"):
        document["errors"] = _translated(errors)
    if request_id := request.scope.get("state", {}).get("request_id"):
        document["request_id"] = request_id
    return document


def _translated(errors: object) -> object:
    if isinstance(errors, dict):
        return {field: translate(str(text)) for field, text in errors.items()}
    return errors


def _answer_litestar(request: AnyRequest, error: HTTPException) -> Response[Any]:
    response = _answer(request, as_problem(error))
    for name, value in (error.headers or {}).items():
        # A refused method names the allowed ones (RFC 9110, 15.5.6).
        response.headers[name] = value
    return response


def _answer_refused(request: AnyRequest, error: Exception) -> Response[Any]:
    return _answer(request, Refused())


def _answer_unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
    log.error("unexpected", exc_info=error)
    return _answer(request, Unexpected())


def as_problem(error: HTTPException) -> Problem:
    """Litestar's own refusals in our words. Its messages aren't translated, so not shown."""
    if isinstance(error, ValidationException):
        return Invalid(errors=_fields(error))
    known: dict[type[HTTPException], type[Problem]] = {
        NotFoundException: NotFound,
        MethodNotAllowedException: MethodNotAllowed,
        NotAuthorizedException: NotSignedIn,
        PermissionDeniedException: Forbidden,
        TooManyRequestsException: TooMany,
    }
    for kind, problem in known.items():
        if isinstance(error, kind):
            return problem()
    if error.status_code == TooLarge.status:
        return TooLarge()
    return Unexpected() if error.status_code >= 500 else Refused()


def _fields(error: ValidationException) -> dict[str, str]:
    """Field → what is wrong with it, from what msgspec said."""
    found: dict[str, str] = {}
    extra = error.extra if isinstance(error.extra, list) else []
    for one in extra:
        if isinstance(one, dict):
            message = str(one.get("message", ""))
            if message == repr(one.get("key")):
                # A path's parameter that the handler doesn't take: making the OpenAPI document
                # puts it among the handler's fields, and Litestar then misses its value.
                continue
            missing = "missing required" in message
            key = str(_missing_field(message) or one.get("key") or "")
            found[key] = N_("This is missing") if missing else N_("This is not of the right kind")
    return found


def _missing_field(message: str) -> str | None:
    match = re.search(r"missing required field `([^`]+)`", message)
    return match.group(1) if match else None


def wants_json(request: AnyRequest) -> bool:
    """Whether a program asks: by its address, or by what it accepts (RFC 9110, 12.5.1)."""
    if _API.match(request.url.path):
        return True
    accept = request.headers.get("accept", "*/*")
    return "text/html" not in accept and not wants_fragment(request)
