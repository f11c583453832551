"""The operator's API: organisations made, looked at, suspended, deleted, restored.

It takes the operator's token (`PASSERELLE_OPERATOR_TOKEN`) as a bearer token, and no session.
"""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from passerelle.kernel.actor import OPERATOR, Actor
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import N_, Locale, Localised
from passerelle.kernel.settings import Settings
from tenants.access.sessions import Sessions
from tenants.members.invitation_model import EMAIL, EMAIL_LIMIT_CHARACTERS
from tenants.organisations import standing, store
from tenants.organisations.model import (
    NewOrganisation,
    Organisation,
    Provisioned,
    Status,
    Tombstone,
)
from tenants.organisations.owners import invited
from tenants.organisations.provisioning import problems, provision, request_of

ROOT = "/api/operator/tenants"
ONE = ROOT + "/{slug:str}"
TAGS = ["operator"]
PAGE_ROWS = 50
SEARCH_LIMIT_CHARACTERS = 100
GRACE_LIMIT_DAYS = 365

Search = Annotated[str, Parameter(max_length=SEARCH_LIMIT_CHARACTERS)]
RequestKey = Annotated[
    str | None,
    Parameter(
        header="idempotency-key",
        description="The same key and body again make nothing, and are answered the same.",
    ),
]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation to be made, and who is to own it: they are invited by mail."""

    slug: str
    name: Localised
    owner_email: str
    default_locale: Locale = "en"
    listed: bool = False


class Made(msgspec.Struct, frozen=True):
    id: str
    slug: str
    address: str
    owner_invited: str


class Listed(msgspec.Struct, frozen=True):
    """By address. `next_after` asks for the following page; None is the end."""

    tenants: list[Organisation]
    next_after: str | None


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stays on record in the organisation; 1 to 500 characters."""

    reason: str


class Deletion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`confirmation` is the organisation's address once more. `grace_days` from 0 on; without it,
    the operator's setting."""

    confirmation: str
    reason: str
    grace_days: int | None = None


def asked_problems(asked: Asked) -> dict[str, str]:
    """What is wrong with what is asked for, by field."""
    errors = problems(new_of(asked))
    if len(asked.owner_email) > EMAIL_LIMIT_CHARACTERS or not EMAIL.fullmatch(asked.owner_email):
        errors["owner_email"] = N_("Give an e-mail address, such as name@example.org")
    return errors


def new_of(asked: Asked) -> NewOrganisation:
    return NewOrganisation(
        slug=asked.slug,
        name=asked.name,
        default_locale=asked.default_locale,
        listed=asked.listed,
    )


async def make(database: Database, asked: Asked, key: str | None, actor: Actor) -> Provisioned:
    """What API and command line do alike. Raises Invalid, SlugTaken, RequestKeyReused."""
    if errors := asked_problems(asked):
        raise Invalid(errors=errors)
    request = request_of("operator", key, asked) if key is not None else None
    owner = invited(asked.owner_email, asked.default_locale)
    return await provision(database, new_of(asked), request=request, then=owner, actor=actor)


@post(ROOT, permission=OPERATOR, exclude_from_csrf=True, tags=TAGS)
async def create(
    database: Database,
    settings: Settings,
    actor: Actor,
    data: Asked,
    idempotency_key: RequestKey = None,
) -> Response[Made]:
    """Makes an organisation, whole or not at all; its owner is invited by mail.

    409 where another organisation has the address; 422 where the key came with another request.
    """
    made = await make(database, data, idempotency_key, actor)
    address = f"{settings.public_url}/t/{made.slug}"
    return Response(
        Made(str(made.id), made.slug, address, data.owner_email),
        status_code=HTTP_201_CREATED if made.created else HTTP_200_OK,
        headers={"location": f"{ROOT}/{made.slug}"},
    )


@get(ROOT, permission=OPERATOR, tags=TAGS)
async def list_tenants(
    database: Database, status: Status | None = None, q: Search = "", after: Search = ""
) -> Listed:
    """Organisations by address, 50 a page."""
    rows = await store.organisations(
        database.operator_lookup, after=after, status=status, search=q, most=PAGE_ROWS + 1
    )
    page = rows[:PAGE_ROWS]
    return Listed(page, page[-1].slug if len(rows) > PAGE_ROWS else None)


@get(ONE, permission=OPERATOR, tags=TAGS)
async def show(database: Database, slug: str) -> Organisation | Tombstone:
    """One organisation; of an erased one, what stays of it and the receipt."""
    return await standing.shown(database, slug)


@post(
    ONE + "/suspension",
    permission=OPERATOR,
    exclude_from_csrf=True,
    tags=TAGS,
    status_code=HTTP_200_OK,
)
async def suspend(
    database: Database, sessions: Sessions, actor: Actor, slug: str, data: Reason
) -> Organisation | Tombstone:
    """Closes every way into it, at once; credentials it issued still verify."""
    await standing.suspend(database, sessions, slug, data.reason, actor)
    return await standing.shown(database, slug)


@post(
    ONE + "/lifting",
    permission=OPERATOR,
    exclude_from_csrf=True,
    tags=TAGS,
    status_code=HTTP_200_OK,
)
async def lift(
    database: Database, actor: Actor, slug: str, data: Reason
) -> Organisation | Tombstone:
    """Opens it again; deliveries that waited go on."""
    await standing.lift(database, slug, data.reason, actor)
    return await standing.shown(database, slug)


@post(
    ONE + "/deletion",
    permission=OPERATOR,
    exclude_from_csrf=True,
    tags=TAGS,
    status_code=HTTP_200_OK,
)
async def ask_deletion(
    database: Database,
    sessions: Sessions,
    settings: Settings,
    actor: Actor,
    slug: str,
    data: Deletion,
) -> Organisation | Tombstone:
    """Closes it at once; all of it is erased when the grace is over."""
    if data.grace_days is not None and not 0 <= data.grace_days <= GRACE_LIMIT_DAYS:
        raise Invalid(errors={"grace_days": N_("Give a number of days from 0 to 365")})
    await standing.delete(
        database,
        sessions,
        settings,
        slug,
        confirmation=data.confirmation,
        reason=data.reason,
        grace_days=data.grace_days,
        actor=actor,
    )
    return await standing.shown(database, slug)


@post(
    ONE + "/restoration",
    permission=OPERATOR,
    exclude_from_csrf=True,
    tags=TAGS,
    status_code=HTTP_200_OK,
)
async def restore(
    database: Database, actor: Actor, slug: str, data: Reason
) -> Organisation | Tombstone:
    """Undoes a deletion in its grace."""
    await standing.restore(database, slug, data.reason, actor)
    return await standing.shown(database, slug)


handlers = [create, list_tenants, show, suspend, lift, ask_deletion, restore]
