"""Checking as JSON, the signed documents themselves, issuers' DID documents, and revoking."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import Parameter

from passerelle.credentials import badge, checking, did, service, store
from passerelle.credentials.model import Check
from passerelle.kernel.actor import PUBLIC, system
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.settings import Settings

#: Anyone's tools may read what is public, in a browser too.
OPEN: Final = {"access-control-allow-origin": "*"}
# For whoever was given the address; not for search engines.
UNLISTED: Final = {"x-robots-tag": "noindex"}
# Whoever holds the address may read the document; no cache keeps it beyond an erasure.
UNKEPT: Final = {**OPEN, **UNLISTED, "cache-control": "no-store"}


@dataclass
class TakesACredential(Operation):
    """Says in the schema what the body is: we read its bytes ourselves."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.OBJECT, title="OpenBadgeCredential")
        self.request_body = RequestBody(
            content={
                media_type: OpenAPIMediaType(schema=schema)
                for media_type in (badge.MEDIA_TYPE, "application/json")
            },
            description=f"A credential of at most {badge.DOCUMENT_LIMIT_BYTES} bytes.",
            required=True,
        )


def parse_id(text: str) -> UUID | None:
    """The identifier in an address; None where it holds none."""
    try:
        return UUID(text)
    except ValueError:
        return None


async def check_address(database: Database, settings: Settings, text: str) -> Check:
    """Checks the credential of this identifier; an address that holds none is not known."""
    credential_id = parse_id(text)
    if credential_id is None:
        return checking.not_known(None)
    return await checking.check_by_id(database, settings.public_url, credential_id)


def as_json(check: Check) -> Response[Check]:
    """The check for a program: 404 where the credential is not known."""
    status = 404 if check.outcome == "not-known" else 200
    return Response(check, status_code=status, media_type="application/json", headers=UNKEPT)


@get(
    "/api/verify/{credential_id:str}",
    permission=PUBLIC,
    limit="verify",
    responses={404: ResponseSpec(Check, description="Not known here", generate_examples=False)},
    tags=["credentials"],
)
async def check_issued(
    database: Database, settings: Settings, credential_id: str
) -> Response[Check]:
    """Checks an issued credential, step by step."""
    return as_json(await check_address(database, settings, credential_id))


@post(
    "/api/verify",
    permission=PUBLIC,
    limit="verify",
    exclude_from_csrf=True,
    status_code=200,
    operation_class=TakesACredential,
    tags=["credentials"],
)
async def check_sent(database: Database, settings: Settings, body: bytes) -> Check:
    """Checks a credential that someone holds, step by step."""
    return await checking.check_document(database, settings.public_url, badge.parse(body))


@get("/credentials/{file_name:str}", permission=PUBLIC, include_in_schema=False)
async def document(database: Database, file_name: str) -> Response[bytes]:
    """The signed document, byte for byte, to whoever holds its address."""
    credential_id = parse_id(file_name.removesuffix(".json"))
    signed = credential_id and await checking.signed_document(database, credential_id)
    if not signed:
        raise service.UnknownCredential()
    return Response(
        signed.encode(),
        media_type=badge.MEDIA_TYPE,
        headers={**UNKEPT, "content-disposition": f'inline; filename="{credential_id}.json"'},
    )


@get("/t/{slug:str}/did.json", permission=PUBLIC, include_in_schema=False)
async def did_document(
    request: Request[None, None, State],
    database: Database,
    settings: Settings,
    slug: str,
    asked: Annotated[str | None, Parameter(query="did")] = None,
) -> Response[bytes]:
    """Which keys speak for the tenant as an issuer: under our address; under the host that was
    asked, where an imported tenant's old address leads here; or under `did`, by its whole name."""
    issuer = did.issuer_did(settings.public_url, slug)
    known = did.slug_of(settings.public_url, issuer)
    tenant_id = known and await store.issuer_by_slug(database.lookup, known)
    if not tenant_id:
        raise NotFound()
    reader = database.tenant_reader(tenant_id, system("credentials.did", tenant_id), standing=False)
    every = await store.issuer_keys(reader)
    controllers = {key.controller for key in every}
    here = did.issuer_did(str(request.base_url).rstrip("/"), slug)
    issuer = next((one for one in (asked, here) if one in controllers), issuer)
    keys = [key.public_key for key in every if key.controller == issuer]
    return Response(
        msgspec.json.encode(did.document(issuer, keys)),
        media_type=did.DID_MEDIA_TYPE,
        headers=OPEN,
    )


class Revocation(msgspec.Struct, frozen=True):
    """Why a credential no longer stands: for the record, not shown in public."""

    reason: str


class Revoked(msgspec.Struct, frozen=True):
    revoked_at: datetime


@post(
    "/t/{slug:str}/api/credentials/{credential_id:uuid}/revocation",
    permission="tenant.admin",
    status_code=200,
    tags=["credentials"],
)
async def revoke(tx: TenantTransaction, credential_id: UUID, data: Revocation) -> Revoked:
    """Takes a credential back, in public, from now on."""
    return Revoked(await service.revoke(tx, credential_id, data.reason))


handlers: list[Any] = [check_issued, check_sent, document, did_document, revoke]
