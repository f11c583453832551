"""`scim2-tester`, whole, against the real application over HTTP."""

import asyncio
from typing import Any

import httpx
from scim2_client import BaseSyncSCIMClient
from scim2_tester import Status, check_server

from tests.integrations.scim.conftest import Directory, Served


class OverHttp(BaseSyncSCIMClient):
    """`scim2-client` over httpx."""

    def __init__(self, client: httpx.Client) -> None:
        super().__init__()
        self._client = client

    def _stays_under_base_url(self, endpoint: str) -> bool:
        built = self._client.build_request("GET", endpoint).url
        return str(built).startswith(str(self._client.base_url))

    def _parse_json(self, response: Any) -> Any:
        return response.json()

    def request(self, method: str, url: str, **options: Any) -> Any:
        return self._client.request(method, url, **options)


async def test_every_check_of_the_tester_passes(served: Served, directory: Directory) -> None:
    def checked() -> list[Any]:
        headers = {"authorization": f"Bearer {directory.token}"}
        base = served.base(directory.slug)
        with httpx.Client(base_url=base, headers=headers, timeout=30) as client:
            return list(check_server(OverHttp(client)))

    results = await asyncio.to_thread(checked)
    print(f"{len(results)} checks")
    failed = [one for one in results if one.status != Status.SUCCESS]
    assert not failed, "\n".join(f"{one.title} {one.resource_type}: {one.reason}" for one in failed)
    assert len(results) > 100
