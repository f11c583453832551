"""Objects for a browser: a signed address, a type that runs nothing, and a cache that may keep it.

Who may see an object is decided where its address is made. The address serves one reader in their
own session, or anyone; the walls hold all the same, since the owner is the session's or the
tenant's of the path.
"""

import time
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from litestar import Request, get
from litestar.response import Stream

from integrations.objects.adapter import StoredObjects
from integrations.objects.kinds import SHOWN, TEXT, UNKNOWN
from integrations.objects.links import FOR_GOOD
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import PERSON, PUBLIC, Actor
from passerelle.kernel.database import Database, PersonReader
from passerelle.kernel.errors import NotFound
from passerelle.kernel.ports import BoundRead, StoredObject
from tenants.service import tenant_by_slug

TASK: Final = "objects.serve"
YEAR_S: Final = 365 * 24 * 3600
#: Whatever a browser makes of the bytes, it runs nothing and loads nothing.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

AnyRequest = Request[Any, Any, Any]


@get("/t/{slug:str}/files/{object_id:uuid}", permission=PUBLIC, include_in_schema=False)
async def tenant_file(
    request: AnyRequest, slug: str, object_id: UUID, database: Database
) -> Stream:
    """A tenant's object. Raises NotFound for whatever is wrong with the address."""
    tenant = await tenant_by_slug(database, slug)
    actor: Actor | None = request.scope["state"].get("actor")
    member = actor if actor is not None and actor.tenant_id == tenant.id else None
    read = database.tenant_reader(tenant.id, member or actors.system(TASK, tenant.id))
    return await _served(request, read, object_id, member)


@get("/me/files/{object_id:uuid}", permission=PERSON, include_in_schema=False)
async def person_file(
    request: AnyRequest, object_id: UUID, person_read: PersonReader, actor: Actor
) -> Stream:
    """A person's own object, for themselves."""
    return await _served(request, person_read, object_id, actor)


async def _served(
    request: AnyRequest, read: BoundRead, object_id: UUID, reader: Actor | None
) -> Stream:
    objects: StoredObjects = request.app.state.objects
    query = request.query_params
    until, name = _whole(query.get("until", "")), query.get("name", "")
    person_id = reader.person_id if reader else None
    if until is None or not objects.is_sealed(
        query.get("seal", ""), read, object_id, person_id, until, name
    ):
        raise NotFound()
    stored = await objects.find_by_id(read, object_id)
    if stored is None:
        raise NotFound()
    return Stream(
        objects.stream(read, stored),
        headers=headers_of(stored, until, name),
        media_type=shown_type(stored),
    )


def shown_type(stored: StoredObject) -> str:
    if stored.content_type == TEXT:
        return "text/plain; charset=utf-8"
    return stored.content_type if stored.content_type in SHOWN else UNKNOWN


def headers_of(stored: StoredObject, until: int, name: str) -> dict[str, str]:
    """What is not known to be harmless, or was given a name, is a download (RFC 6266)."""
    download = bool(name) or stored.content_type not in SHOWN
    disposition = "attachment" if download else "inline"
    if name:
        disposition += f"; filename*=UTF-8''{quote(name, safe='')}"
    if until == FOR_GOOD:
        caching = f"public, max-age={YEAR_S}, immutable"
    else:
        # The bytes of an id never change; the address itself ends.
        caching = f"private, max-age={max(0, until - int(time.time()))}, immutable"
    return {
        "cache-control": caching,
        "content-disposition": disposition,
        "content-length": str(stored.size_bytes),
        "content-security-policy": POLICY,
        "etag": f'"{stored.digest}"',
        "x-content-type-options": "nosniff",
    }


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


handlers: list[Any] = [tenant_file, person_file]
