"""Making an organisation: in one transaction, whole or not at all, once for each request.

It has its root unit from the start; roles and settings stand at their defaults until someone
changes them, and its keys are made when it first signs.
"""

import hashlib
from collections.abc import Awaitable, Callable

import asyncpg
import msgspec

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import N_
from tenants.model import TenantCreated
from tenants.organisations import store, units
from tenants.organisations.model import (
    REQUEST_KEY_LIMIT_CHARACTERS,
    NewOrganisation,
    Provisioned,
    name_problems,
    slug_problem,
)
from tenants.organisations.problems import RequestKeyReused, SlugTaken

TASK = "organisations.provisioning"
#: What is done to the new organisation in the transaction that makes it.
Then = Callable[[TenantTransaction], Awaitable[None]]


class Request(msgspec.Struct, frozen=True):
    """Which request asks, so that its repeat finds what it made; and what it asks for."""

    key: str
    digest: str


def request_of(kind: str, key: str, asked: object) -> Request:
    """The request of an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), or of another
    thing that happens once. Raises Invalid."""
    if not 0 < len(key) <= REQUEST_KEY_LIMIT_CHARACTERS or not key.isprintable():
        raise Invalid(errors={"idempotency-key": N_("Use 1 to 255 letters, digits and signs")})
    digest = hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()
    return Request(hashlib.sha256(f"{kind}:{key}".encode()).hexdigest(), digest)


def problems(new: NewOrganisation) -> dict[str, str]:
    """What is wrong with what is asked for, by field."""
    errors = name_problems(new.name)
    wrong = slug_problem(new.slug)
    return {"slug": wrong, **errors} if wrong else errors


async def provision(
    database: Database,
    new: NewOrganisation,
    *,
    request: Request | None = None,
    then: Then | None = None,
    actor: Actor | None = None,
) -> Provisioned:
    """A new organisation, or the one that the very same request made before.

    `then` adds what else it begins with (its owner). Of several that ask for one address at once,
    one gets it. Raises Invalid, SlugTaken, RequestKeyReused, and what `then` raises.
    """
    if errors := problems(new):
        raise Invalid(errors=errors)
    if request is not None and (earlier := await _earlier(database, request)) is not None:
        return earlier
    tenant_id = new_id()
    creator = msgspec.structs.replace(actor or actors.system(TASK), tenant_id=tenant_id)
    key, digest = (request.key, request.digest) if request else (None, None)
    try:
        async with database.tenant(tenant_id, creator, standing=False) as tx:
            if await store.insert_tenant(tx, new, key, digest):
                await _fill(tx, new, then)
                return Provisioned(tenant_id, new.slug, created=True)
    except asyncpg.UniqueViolationError as error:
        # An erased organisation had it.
        if error.table_name not in (None, "tenant"):
            raise
    if request is not None and (earlier := await _earlier(database, request)) is not None:
        return earlier
    raise SlugTaken(new.slug)


async def _fill(tx: TenantTransaction, new: NewOrganisation, then: Then | None) -> None:
    await emit(tx, "tenant.created", TenantCreated(new.slug, new.name), subject=tx.tenant_id)
    await units.plant(tx, new.name)
    if then is not None:
        await then(tx)


async def _earlier(database: Database, request: Request) -> Provisioned | None:
    found = await store.made_by(database.lookup, request.key)
    if found is None:
        return None
    if found.request_digest != request.digest:
        raise RequestKeyReused()
    return Provisioned(found.id, found.slug, created=False)


async def address_problem(database: Database, slug: str) -> str | None:
    """Why an organisation can't have this address; None where it may."""
    wrong = slug_problem(slug)
    if wrong is None and not await store.slug_is_free(database.lookup, slug):
        wrong = SlugTaken.title
    return wrong
