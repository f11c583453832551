"""The test of a connection: whether its client could work now, and what is to be done if not."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from scim2_server.handler import AsyncScimHandler
from scim2_server.requests import ScimRequest

from integrations.scim import client_store as store
from integrations.scim.door import SERVICE
from integrations.scim.model import Caller
from integrations.scim.storage import TenantStorage
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_

#: From here on the officer is told that a token will run out.
SOON: Final = timedelta(days=30)
READY = N_("Ready: the address answers and a token counts.")
NO_TOKEN = N_("No token counts any more. Make a new one and put it into the directory.")
RUNS_OUT = N_("Ready, but the token runs out within 30 days. Make a new one in time.")
NEVER_ASKED = N_(
    "Ready here, but the directory has not asked yet. Check the address and the token there."
)


class ClientTested(msgspec.Struct, frozen=True):
    """Event `scim.tested`."""

    name: str
    ok: bool
    detail: str


async def test(tx: TenantTransaction, client_id: UUID) -> bool:
    """Asks as the client would, and keeps the result. Raises NotFound."""
    client = await store.client(tx, client_id)
    if client is None or client.revoked_at is not None:
        raise NotFound()
    caller = Caller(tx.tenant_id, client.id, client.id, client.name)
    handler = AsyncScimHandler(SERVICE, TenantStorage(tx, caller, writing=False))
    for path in ("/ServiceProviderConfig", "/Users", "/Groups"):
        await handler.handle(ScimRequest("GET", "https://localhost", path, {"count": "1"}))
    ends = [one.expires_at for one in await store.tokens(tx, client_id)]
    if not ends:
        ok, detail = False, NO_TOKEN
    elif client.last_used_at is None:
        ok, detail = False, NEVER_ASKED
    elif max(ends) < datetime.now(UTC) + SOON:
        ok, detail = True, RUNS_OUT
    else:
        ok, detail = True, READY
    await store.note_test(tx, client_id, ok, detail)
    await emit(tx, "scim.tested", ClientTested(client.name, ok, detail), subject=client_id)
    return ok
