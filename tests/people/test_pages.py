"""The person's own space, as a browser without scripts uses it."""

from html.parser import HTMLParser
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from passerelle.kernel.database import Database
from passerelle.people import store
from passerelle.people.prose import TAGS, as_html
from tests.conftest import People, sign_in, sign_in_person
from tests.people.factories import create_person, in_days, share, themselves

Tenants = tuple[People, People]
HTML = {"accept": "text/html"}


class Elements(HTMLParser):
    """The elements of a text, and a refusal of any attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert attrs == []
        self.found.add(tag)


def elements(html: str) -> set[str]:
    parser = Elements()
    parser.feed(html)
    parser.close()
    return parser.found


async def _form(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    await client.get("/health")
    token = client.cookies["passerelle_csrf"]
    return await client.post(path, data={"_csrf_token": token, **fields}, headers=HTML)


async def test_someone_shares_checks_and_withdraws(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    retail = two_tenants[1]
    person_id = await create_person(database, "Aïcha")
    await sign_in_person(client, app, person_id)
    assert "You share with no one" in (await client.get("/me", headers=HTML)).text

    until = in_days(40).isoformat()
    query = {"organisation": retail.slug, "until": until}
    check = await client.get("/me/sharing/check", params=query, headers=HTML)
    assert check.status_code == 200
    assert "Check before you share" in check.text
    reader = database.person_reader(person_id, themselves(person_id))
    assert await store.sharings(reader) == []

    done = await _form(client, "/me/sharing", **query)
    assert (done.status_code, done.headers["location"]) == (303, "/me?done=shared")
    (sharing,) = await store.live_sharings(reader, retail.tenant_id, "hiring")
    home = await client.get("/me", headers=HTML)
    assert f"/me/sharing/{sharing.id}/withdraw" in home.text

    confirm = await client.get(f"/me/sharing/{sharing.id}/withdraw", headers=HTML)
    assert "Withdraw now" in confirm.text
    assert len(await store.live_sharings(reader, retail.tenant_id, "hiring")) == 1
    withdrawn = await _form(client, f"/me/sharing/{sharing.id}/withdraw")
    assert withdrawn.status_code == 303
    assert await store.live_sharings(reader, retail.tenant_id, "hiring") == []
    assert "1 sharing has ended" in (await client.get("/me", headers=HTML)).text


@pytest.mark.parametrize(
    ("organisation", "days", "field"),
    [("nobody", 30, "organisation"), ("retail", 0, "until"), ("retail", 800, "until")],
)
async def test_a_wrong_answer_is_named_and_nothing_is_shared(
    client: httpx.AsyncClient,
    app: Litestar,
    database: Database,
    two_tenants: Tenants,
    organisation: str,
    days: int,
    field: str,
) -> None:
    person_id = await create_person(database, "Aïcha")
    await sign_in_person(client, app, person_id)
    query = {"organisation": organisation, "until": in_days(days).isoformat()}
    for answer in (
        await client.get("/me/sharing/check", params=query, headers=HTML),
        await _form(client, "/me/sharing", **query),
    ):
        assert answer.status_code == 400
        assert f'href="#field-{field}"' in answer.text
    reader = database.person_reader(person_id, themselves(person_id))
    assert await store.sharings(reader) == []


async def test_a_date_that_is_none_is_named(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    await sign_in_person(client, app, await create_person(database, "Aïcha"))
    query = {"organisation": "retail", "until": "next year"}
    answer = await client.get("/me/sharing/check", params=query, headers=HTML)
    assert answer.status_code == 400
    assert "Give the last day as a date" in answer.text


async def test_anothers_sharing_is_not_there(
    client: httpx.AsyncClient, app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    owner = await create_person(database, "Aïcha")
    sharing_id = await share(database, owner, two_tenants[1].tenant_id)
    await sign_in_person(client, app, await create_person(database, "Someone else"))
    for identifier in (sharing_id, uuid4()):
        path = f"/me/sharing/{identifier}/withdraw"
        assert (await client.get(path, headers=HTML)).status_code == 404
        assert (await _form(client, path)).status_code == 404


async def test_the_space_opens_for_its_person_alone(
    client: httpx.AsyncClient, app: Litestar, two_tenants: Tenants
) -> None:
    for path in ("/me", "/me/sharing/new", "/me/profile"):
        assert (await client.get(path)).status_code == 401
    await sign_in(client, app, two_tenants[1], "recruiter")
    assert (await client.get("/me")).status_code == 401


async def test_a_profile_is_kept_and_one_that_is_too_long_stays_on_screen(
    client: httpx.AsyncClient, app: Litestar, database: Database
) -> None:
    person_id = await create_person(database, "Aïcha")
    await sign_in_person(client, app, person_id, locale="fr")
    kept = await _form(client, "/me/profile", headline=" Agente d’accueil ", about="Dix ans.")
    assert kept.status_code == 303
    reader = database.person_reader(person_id, themselves(person_id))
    profile = await store.profile(reader)
    assert profile is not None
    assert (profile.headline, profile.locale) == ("Agente d’accueil", "fr")
    refused = await _form(client, "/me/profile", headline="x" * 161, about="<b>y</b>")
    assert refused.status_code == 400
    assert "160 caractères" in refused.text
    assert "&lt;b&gt;y&lt;/b&gt;" in refused.text
    assert await store.profile(reader) == profile


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[click](javascript:alert(1))",
        "![x](https://evil.example/pixel.png)",
        "<https://evil.example>",
        "[a]: javascript:alert(1)\n\n[a]",
        '<a href="https://evil.example">x</a>',
        "<style>*{display:none}</style>",
        "<form action=/t/retail/hiring method=post><button>x</button></form>",
    ],
)
def test_a_profile_brings_no_element_but_paragraphs_lists_and_emphasis(text: str) -> None:
    assert elements(as_html(text)) <= {"p", "em", "strong", "li", "ul"}


@given(st.text("<>/=\"'&;:()[]!*_`# \n\tabcjsx"))
def test_whatever_someone_writes_brings_those_elements_alone(text: str) -> None:
    assert elements(as_html(text)) <= TAGS


def test_a_profile_keeps_its_paragraphs_and_emphasis() -> None:
    assert as_html("One\n\n**two**\n\n- three") == (
        "<p>One</p>\n<p><strong>two</strong></p>\n<ul>\n<li>three</li>\n</ul>\n"
    )
