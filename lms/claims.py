"""The claims of an id_token (LTI Core 1.3 section 5) and what a verified launch says with them.

`Claims` is the token's body as platforms write it: every optional claim may be missing or null.
`Launch` is what the rest of this room uses: one flat, verified statement.
"""

import re
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, field

LTI: Final = "https://purl.imsglobal.org/spec/lti/claim/"
AGS: Final = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
SCORE_SCOPE: Final = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
RESOURCE_LINK_REQUEST: Final = "LtiResourceLinkRequest"
VERSION: Final = "1.3.0"

# Section 5.3.1 and 5.4.x: identifiers of at most 255 ASCII characters.
Identifier = Annotated[str, Meta(min_length=1, max_length=255)]
# A limit on what we keep of texts that a platform's users write.
Text = Annotated[str, Meta(max_length=1000)]
Address = Annotated[str, Meta(max_length=2000)]


class ResourceLink(Struct, frozen=True):
    id: Identifier
    title: Text | None = None
    description: str | None = None


class Context(Struct, frozen=True):
    id: Identifier
    label: Text | None = None
    title: Text | None = None
    type: list[str] | None = None


class Presentation(Struct, frozen=True):
    locale: str | None = None
    return_url: Address | None = None
    document_target: str | None = None


class GradeEndpoint(Struct, frozen=True):
    """AGS 2.0 section 3.1: where scores of this resource link go, and what we may do there."""

    scope: list[str] = []
    lineitem: Address | None = None
    lineitems: Address | None = None


class Claims(Struct, frozen=True, kw_only=True):
    """The body of an id_token whose signature holds and whose required claims are there."""

    iss: str
    sub: Identifier
    aud: str | list[str]
    nonce: str
    deployment_id: Identifier = field(name=LTI + "deployment_id")
    message_type: str = field(name=LTI + "message_type")
    target_link_uri: Address = field(name=LTI + "target_link_uri")
    roles: list[str] = field(name=LTI + "roles")
    resource_link: ResourceLink = field(name=LTI + "resource_link")
    context: Context | None = field(name=LTI + "context", default=None)
    presentation: Presentation | None = field(name=LTI + "launch_presentation", default=None)
    custom: dict[str, str | int | float | bool | None] | None = field(
        name=LTI + "custom", default=None
    )
    endpoint: GradeEndpoint | None = field(name=AGS, default=None)
    name: Text | None = None
    given_name: Text | None = None
    family_name: Text | None = None
    email: Text | None = None
    locale: str | None = None


class Launch(Struct, frozen=True, kw_only=True):
    """One verified launch: who, from which deployment, to what, and where its grade goes."""

    tenant_id: UUID
    registration_id: UUID
    deployment_id: str
    subject: str
    name: str | None
    email: str | None
    locale: str | None
    roles: tuple[str, ...]
    resource_link_id: str
    resource_link_title: str | None
    context_id: str | None
    context_title: str | None
    target_link_uri: str
    custom: dict[str, str]
    return_url: str | None
    line_item_url: str | None
    scopes: tuple[str, ...]


def flattened(claims: Claims, tenant_id: UUID, registration_id: UUID) -> Launch:
    """The launch that these verified claims describe."""
    context, presentation, endpoint = claims.context, claims.presentation, claims.endpoint
    return Launch(
        tenant_id=tenant_id,
        registration_id=registration_id,
        deployment_id=claims.deployment_id,
        subject=claims.sub,
        name=_name(claims),
        email=_present(claims.email),
        locale=_present(presentation.locale if presentation else None) or _present(claims.locale),
        roles=tuple(claims.roles),
        resource_link_id=claims.resource_link.id,
        resource_link_title=_present(claims.resource_link.title),
        context_id=context.id if context else None,
        context_title=_present((context.title or context.label) if context else None),
        target_link_uri=claims.target_link_uri,
        custom=_custom(claims.custom or {}),
        return_url=_present(presentation.return_url if presentation else None),
        line_item_url=_present(endpoint.lineitem if endpoint else None),
        scopes=tuple(endpoint.scope) if endpoint else (),
    )


def _name(claims: Claims) -> str | None:
    parts = (_present(claims.given_name), _present(claims.family_name))
    return _present(claims.name) or _present(" ".join(part for part in parts if part))


def _present(text: str | None) -> str | None:
    """The text without blanks around it; None where nothing is left."""
    return (text or "").strip() or None


def _custom(custom: dict[str, str | int | float | bool | None]) -> dict[str, str]:
    """Custom parameters as texts; a substitution variable the platform left unfilled is dropped
    (platforms send an unknown `$Variable.name` back as it stands)."""
    return {
        name: str(value)
        for name, value in custom.items()
        if value is not None and not str(value).startswith("$")
    }


def convert(body: dict[str, object]) -> Claims:
    """Raises msgspec.ValidationError, whose message says which claim has which wrong kind."""
    return msgspec.convert(body, Claims)


def where(error: msgspec.ValidationError) -> str:
    """The path of what has the wrong kind, as msgspec tells it: `$.sub`."""
    found = re.search(r"`(\$[^`]*)`", str(error))
    return found.group(1) if found else "$"
