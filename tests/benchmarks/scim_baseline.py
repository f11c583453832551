"""`scim2-server` over its in-memory storage, as a process of its own: the baseline of `scim`.

The same handler and the same schema as ours; a token is compared with one that is known.
"""

import sys
from typing import Any

import uvicorn
from scim2_models import UnauthorizedException
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage
from scim2_server.requests import ScimRequest

from integrations.scim.schema import PROVIDER


class Baseline(ASGIApplication):
    def __init__(self, token: str) -> None:
        super().__init__(AsyncInMemoryStorage(), PROVIDER)
        self._shown = f"Bearer {token}"

    def check_auth(self, request: ScimRequest) -> None:
        if request.header("Authorization") != self._shown:
            raise UnauthorizedException()


def main(port: str, token: str) -> None:
    application: Any = Baseline(token)
    uvicorn.run(application, host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
