"""Signed addresses of objects below our own host: a bucket is never public."""

import base64
import hashlib
import hmac
import time
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from passerelle.kernel.database import Scope

LINK_LIFE_S: Final = 900
#: Links of one quarter of an hour are alike, so that a browser's cache knows them again.
LINK_STEP_S: Final = 900
#: In place of a reader and a time: anyone, for good.
ANYONE: Final = "anyone"
FOR_GOOD: Final = 0
FILE_NAME_LIMIT_CHARACTERS: Final = 150


class Seal:
    """HMAC-SHA-256 under a key of its own, derived from the master key."""

    def __init__(self, master_key: str) -> None:
        self._key = hmac.new(base64.b64decode(master_key), b"objects", hashlib.sha256).digest()

    def address(
        self,
        scope: Scope,
        owner_id: UUID,
        object_id: UUID,
        *,
        reader: UUID | None,
        slug: str | None,
        file_name: str | None,
    ) -> str:
        """Raises ValueError where there is no address: of a person's object for anyone, say."""
        if scope == "tenant" and not slug:
            raise ValueError("a tenant's object has an address by the tenant's slug alone")
        if scope == "person" and reader is None:
            raise ValueError("a person's object is never for anyone")
        until = FOR_GOOD if reader is None else _end_of_step(time.time())
        name = (file_name or "")[:FILE_NAME_LIMIT_CHARACTERS]
        seal = self.seal(scope, owner_id, object_id, reader, until, name)
        space = f"/t/{slug}" if scope == "tenant" else "/me"
        query = {"until": until, **({"name": name} if name else {}), "seal": seal}
        return f"{space}/files/{object_id}?{urlencode(query)}"

    def seal(
        self,
        scope: Scope,
        owner_id: UUID,
        object_id: UUID,
        reader: UUID | None,
        until: int,
        name: str,
    ) -> str:
        who = ANYONE if reader is None else str(reader)
        said = "\n".join([scope, str(owner_id), str(object_id), who, str(until), name])
        digest = hmac.new(self._key, said.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def holds(
        self,
        seal: str,
        scope: Scope,
        owner_id: UUID,
        object_id: UUID,
        reader: UUID | None,
        until: int,
        name: str,
    ) -> bool:
        """Whether the address was made by us, for this reader (or for anyone), and still serves."""
        whom = None if until == FOR_GOOD else reader
        if until != FOR_GOOD and (reader is None or until < time.time()):
            return False
        expected = self.seal(scope, owner_id, object_id, whom, until, name)
        return hmac.compare_digest(expected.encode(), seal.encode())


def _end_of_step(now: float) -> int:
    """The end of the next step: a link serves for LINK_LIFE_S at least."""
    return (int(now) // LINK_STEP_S + 1) * LINK_STEP_S + LINK_LIFE_S
