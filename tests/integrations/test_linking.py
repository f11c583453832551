"""From a learning session to an account of one's own: the right pair, seen, confirmed, once."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import asyncpg
import httpx
import pytest
from litestar import Litestar

from infra.demo import sign_in as driver
from infra.demo.sign_in import link_account
from tenants.access.sessions import Sessions
from tests.integrations.conftest import PASSWORD, House
from tests.integrations.launched import Learner
from tests.integrations.launched import launched as launched
from tests.integrations.launched import own_account as own_account
from tests.integrations.visits import session_of, to_the_callback

Browsers = Callable[[], httpx.AsyncClient]
IDENTITIES = "select issuer, subject from identity where person_id = $1"
PERSON_EVENTS = "select name, tenant_id from person_event where person_id = $1 and name = $2"


async def to_confirm(learner: Learner, window: httpx.AsyncClient, email: str) -> httpx.Response:
    """From the page in the frame to the question, in a new window without the frame's cookies."""
    page = await learner.client.get(f"/t/{learner.actor.tenant_slug}/learn/link")
    assert page.status_code == 200
    start = driver.link_to(page, "/auth/link")
    assert start is not None
    return await window.get(await to_the_callback(window, start, email))


async def test_a_learner_links_an_account_and_keeps_the_wallet(
    launched: Any, own_account: Any, superuser: asyncpg.Connection, house: House
) -> None:
    learner, (email, subject) = await launched(), await own_account()
    await link_account(learner.client, learner.actor.tenant_slug, email, PASSWORD)
    rows = await superuser.fetch(IDENTITIES, learner.actor.person_id)
    assert [tuple(row) for row in rows] == [(house.issuer, subject)]
    assert session_of(learner.client, "/me")
    events = await superuser.fetch(PERSON_EVENTS, learner.actor.person_id, "identity.linked")
    assert [event["tenant_id"] for event in events] == [house.region[0]]
    # The session in the frame goes on, and its page knows.
    page = await learner.client.get(f"/t/{learner.actor.tenant_slug}/learn/link")
    assert "/me/sign-in" in page.text
    assert driver.link_to(page, "/auth/link") is None
    # The same account opens the same wallet from anywhere.
    found = await superuser.fetchval("select app.person_by_identity($1, $2)", house.issuer, subject)
    assert found == learner.actor.person_id


async def test_both_names_are_shown_and_no_means_no(
    launched: Any, own_account: Any, person_browser: Browsers, superuser: asyncpg.Connection
) -> None:
    learner, (email, _), window = await launched(), await own_account(), person_browser()
    question = await to_confirm(learner, window, email)
    assert "Salma Bennis" in question.text
    assert email in question.text
    form = driver.form_of(question)
    assert form is not None
    assert form.buttons["answer"] == ["yes", "no"]
    refused = await window.post(form.action, data=form.fields | {"answer": "no"})
    assert refused.url.path == "/auth/signed-out"
    assert await superuser.fetch(IDENTITIES, learner.actor.person_id) == []
    # The ticket is spent.
    late = await window.post(form.action, data=form.fields | {"answer": "yes"})
    assert late.status_code == 400
    assert await superuser.fetch(IDENTITIES, learner.actor.person_id) == []


async def test_an_account_of_another_wallet_is_refused_and_nothing_is_written(
    launched: Any, own_account: Any, person_browser: Browsers, superuser: asyncpg.Connection
) -> None:
    first, second = await launched(), await launched()
    email, _ = await own_account()
    await link_account(first.client, first.actor.tenant_slug, email, PASSWORD)
    window = person_browser()
    page = await to_confirm(second, window, email)
    assert page.status_code == 409
    assert "another wallet" in page.text or "autre portefeuille" in page.text
    assert session_of(window, "/me") is None
    assert await superuser.fetch(IDENTITIES, second.actor.person_id) == []


async def test_a_linked_wallet_takes_no_second_account(
    launched: Any,
    own_account: Any,
    person_browser: Browsers,
    superuser: asyncpg.Connection,
    served: Litestar,
) -> None:
    """A platform decides who its users are: it must not add its own account to a wallet."""
    learner, (email, subject) = await launched(), await own_account()
    other, _ = await own_account()
    page = await learner.client.get(f"/t/{learner.actor.tenant_slug}/learn/link")
    kept_back = driver.link_to(page, "/auth/link")
    assert kept_back is not None
    await link_account(learner.client, learner.actor.tenant_slug, email, PASSWORD)
    window = person_browser()
    refused = await window.get(await to_the_callback(window, kept_back, other))
    assert refused.status_code == 409
    assert session_of(window, "/me") is None
    rows = await superuser.fetch(IDENTITIES, learner.actor.person_id)
    assert [row["subject"] for row in rows] == [subject]


async def test_two_questions_open_at_once_end_in_one_link(
    launched: Any, own_account: Any, person_browser: Browsers, superuser: asyncpg.Connection
) -> None:
    learner = await launched()
    answers = []
    for _ in range(2):
        email, _subject = await own_account()
        window = person_browser()
        form = driver.form_of(await to_confirm(learner, window, email))
        assert form is not None
        answers.append((window, form))
    statuses = []
    for window, form in answers:
        done = await window.post(
            form.action, data=form.fields | {"answer": "yes"}, follow_redirects=False
        )
        statuses.append(done.status_code)
    assert sorted(statuses) == [303, 409]
    assert len(await superuser.fetch(IDENTITIES, learner.actor.person_id)) == 1


@pytest.mark.parametrize("when", ["before Keycloak", "at the question", "at the answer"])
async def test_a_link_dies_with_the_session_that_asked_for_it(
    launched: Any,
    own_account: Any,
    person_browser: Browsers,
    superuser: asyncpg.Connection,
    served: Litestar,
    when: str,
) -> None:
    learner, (email, _), window = await launched(), await own_account(), person_browser()
    sessions: Sessions = served.state.sessions
    page = await learner.client.get(f"/t/{learner.actor.tenant_slug}/learn/link")
    start = driver.link_to(page, "/auth/link") or ""
    if when == "before Keycloak":
        await sessions.close(learner.session_id)
        last = await window.get(start)
    elif when == "at the question":
        callback = await to_the_callback(window, start, email)
        await sessions.close(learner.session_id)
        last = await window.get(callback)
    else:
        question = await window.get(await to_the_callback(window, start, email))
        await sessions.close(learner.session_id)
        form = driver.form_of(question)
        assert form is not None
        last = await window.post(form.action, data=form.fields | {"answer": "yes"})
    assert last.status_code == 401
    assert await superuser.fetch(IDENTITIES, learner.actor.person_id) == []
    assert session_of(window, "/me") is None


async def test_a_ticket_opens_one_window_and_an_answer_counts_where_it_was_asked(
    launched: Any, own_account: Any, person_browser: Browsers, superuser: asyncpg.Connection
) -> None:
    learner, (email, _) = await launched(), await own_account()
    window, thief = person_browser(), person_browser()
    page = await learner.client.get(f"/t/{learner.actor.tenant_slug}/learn/link")
    start = driver.link_to(page, "/auth/link") or ""
    callback = await to_the_callback(window, start, email)
    assert (await thief.get(start)).status_code == 400
    question = await window.get(callback)
    form = driver.form_of(question)
    assert form is not None
    await thief.get("/auth/start", follow_redirects=False)
    csrf = {"_csrf_token": thief.cookies["passerelle_csrf"]}
    stolen = await thief.post(form.action, data=form.fields | {"answer": "yes"} | csrf)
    assert stolen.status_code == 400
    forged = await window.post(form.action, data={"ticket": form.fields["ticket"], "answer": "yes"})
    assert forged.status_code == 403
    assert await superuser.fetch(IDENTITIES, learner.actor.person_id) == []


async def test_only_a_launch_has_something_to_link(
    person_browser: Browsers, house: House, launched: Any
) -> None:
    slug = house.region[1]
    learner = await launched()
    for client, tenant in ((person_browser(), slug), (learner.client, house.retail[1])):
        page = await client.get(f"/t/{tenant}/learn/link", headers={"accept": "application/json"})
        assert page.status_code == 401
    assert (
        await person_browser().get(f"/auth/link?{urlencode({'ticket': 'x' * 43})}")
    ).status_code == 400


async def test_accounts_are_never_joined_by_their_address(
    launched: Any, own_account: Any, superuser: asyncpg.Connection, person_browser: Browsers
) -> None:
    """A person with the very same address is another person until they link."""
    learner, (email, subject) = await launched(), await own_account()
    await superuser.execute(
        "update person set email = $2 where person_id = $1", learner.actor.person_id, email
    )
    client = person_browser()
    callback = await to_the_callback(client, "/auth/start", email)
    assert (await client.get(callback, follow_redirects=False)).status_code == 303
    owner = await superuser.fetchval("select person_id from identity where subject = $1", subject)
    assert owner not in (None, learner.actor.person_id)
