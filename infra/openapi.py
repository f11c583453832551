"""What the OpenAPI document says beyond what handlers say themselves: refusals, and rooms.

Every refusal is problem details (RFC 9457), whoever raised it; the document must say so.
"""

from litestar.openapi.spec import (
    OpenAPI,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Reference,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

PROBLEM = "ProblemDetails"
PROBLEM_JSON = "application/problem+json"
# The statuses with which any route may refuse.
REFUSALS = {
    "400": "What was sent can't be taken; `errors` names each field",
    "401": "Not signed in",
    "403": "The role does not allow it, or the request's token is missing",
    "404": "Not there, or not yours: the two can't be told apart",
    "409": "Someone else was first, or it stands otherwise than this asks for",
    "429": "Too many requests",
    "500": "A fault of ours; the request id finds it in the log",
}
METHODS = ("get", "post", "put", "patch", "delete")


def describe_refusals(document: OpenAPI) -> None:
    """Adds the shape of problems, and each operation's refusals, to the document."""
    if document.components.schemas is None:
        document.components.schemas = {}
    document.components.schemas[PROBLEM] = _problem()
    for path, item in (document.paths or {}).items():
        for method in METHODS:
            operation: Operation | None = getattr(item, method)
            if operation is None:
                continue
            operation.tags = operation.tags or [_room(path)]
            responses = operation.responses or {}
            for status, text in REFUSALS.items():
                responses[status] = OpenAPIResponse(
                    description=text,
                    content={
                        PROBLEM_JSON: OpenAPIMediaType(
                            schema=Reference(ref=f"#/components/schemas/{PROBLEM}")
                        )
                    },
                )
            operation.responses = responses


def _problem() -> Schema:
    text = Schema(type=OpenAPIType.STRING)
    return Schema(
        type=OpenAPIType.OBJECT,
        description="Problem details (RFC 9457).",
        required=["type", "title", "status"],
        properties={
            "type": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.URI_REFERENCE),
            "title": text,
            "status": Schema(type=OpenAPIType.INTEGER),
            "detail": text,
            "mend": Schema(type=OpenAPIType.STRING, description="What to do about it."),
            "errors": Schema(
                type=OpenAPIType.OBJECT,
                description="Field → what is wrong with it.",
                additional_properties=text,
            ),
            "request_id": text,
        },
    )


def _room(path: str) -> str:
    """The first word after `/api/`, else the last folder of the path."""
    parts = [part for part in path.split("/") if part and not part.startswith("{")]
    return parts[parts.index("api") + 1] if "api" in parts[:-1] else parts[-1]
