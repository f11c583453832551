"""Reading our pages as a person would: words, links, forms and their choices."""

from typing import Any
from urllib.parse import urljoin

import httpx
import lxml.html

HTML = {"accept": "text/html"}


class NotOnPage(Exception):
    """The page does not hold what the story looks for; the message shows its words."""


class Seen:
    """One page that a browser shows."""

    def __init__(self, client: httpx.AsyncClient, response: httpx.Response) -> None:
        self._client = client
        self.response = response
        self.tree = lxml.html.fromstring(response.text)

    @property
    def path(self) -> str:
        return self.response.url.path

    @property
    def words(self) -> str:
        for hidden in self.tree.xpath("//script|//style"):
            hidden.drop_tree()
        return " ".join(str(self.tree.text_content()).split())

    @property
    def title(self) -> str:
        return " ".join(str(self.tree.findtext(".//title") or "").split())

    def language(self) -> str:
        return str(self.tree.get("lang"))

    def form(self, action: str) -> Any:
        """The form whose address holds `action`. Raises NotOnPage."""
        for form in self.tree.forms:
            if action in (form.action or ""):
                return form
        raise NotOnPage(f"no form for {action} on {self.path}: {self.words[:400]}")

    def link(self, part: str) -> str:
        """The first link's address that holds `part`. Raises NotOnPage."""
        for anchor in self.tree.xpath("//a[@href]"):
            if part in anchor.get("href"):
                return str(anchor.get("href"))
        raise NotOnPage(f"no link to {part} on {self.path}: {self.words[:400]}")

    async def submit(self, action: str, **values: str) -> "Seen":
        """Sends the form for `action` with its fields as they stand, and these values."""
        form = self.form(action)
        fields = {**dict(form.form_values()), **values}
        address = urljoin(str(self.response.url), form.action)
        if form.method.upper() == "GET":
            answer = await self._client.get(address, params=fields, headers=HTML)
        else:
            answer = await self._client.post(address, data=fields, headers=HTML)
        return seen(self._client, answer)

    async def follow(self, part: str) -> "Seen":
        return await look(self._client, urljoin(str(self.response.url), self.link(part)))


async def look(client: httpx.AsyncClient, path: str) -> Seen:
    """Opens a page. Raises NotOnPage where it is refused."""
    return seen(client, await client.get(path, headers=HTML))


def seen(client: httpx.AsyncClient, response: httpx.Response) -> Seen:
    page = Seen(client, response)
    if response.status_code >= 400:
        raise NotOnPage(f"{response.status_code} at {page.path}: {page.words[:400]}")
    return page
