"""The exam's pages and its autosave, through the real application."""

import re
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from litestar import Litestar

from passerelle.exams.model import letter_of, shown_order
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from tests.conftest import People, csrf_headers, sign_in
from tests.exams.factories import CANARY, MadeForm, make_form

SYSTEM = actors.system("tests")


class Learner:
    """A signed-in learner's browser, without scripts."""

    def __init__(self, client: httpx.AsyncClient, slug: str, headers: dict[str, str]) -> None:
        self.client, self.slug, self.headers = client, slug, headers
        self.seen: list[str] = []

    async def get(self, path: str) -> httpx.Response:
        response = await self.client.get(f"/t/{self.slug}{path}", headers={"accept": "text/html"})
        self.seen.append(response.text)
        return response

    async def post(self, path: str, **fields: object) -> httpx.Response:
        return await self.client.post(
            f"/t/{self.slug}{path}",
            data={name: str(value) for name, value in fields.items()},
            headers={**self.headers, "accept": "text/html"},
        )

    async def put(self, attempt: str, item: object, body: object) -> httpx.Response:
        address = f"/t/{self.slug}/api/attempts/{attempt}/answers/{item}"
        response = await self.client.put(address, json=body, headers=self.headers)
        self.seen.append(response.text)
        return response

    async def start(self, form: MadeForm) -> str:
        started = await self.post(f"/learn/exam/{form.code}")
        assert started.status_code == 303
        return started.headers["location"].rsplit("/", 1)[-1]


@pytest.fixture
async def learner(
    client: httpx.AsyncClient, app: Litestar, two_tenants: tuple[People, People]
) -> Learner:
    await sign_in(client, app, two_tenants[0], "learner")
    return Learner(client, two_tenants[0].slug, await csrf_headers(client))


@pytest.fixture
async def form(database: Database, two_tenants: tuple[People, People]) -> MadeForm:
    async with database.live_exam(two_tenants[0].tenant_id, SYSTEM) as tx:
        return await make_form(tx, code=f"form-{uuid4().hex[:8]}")


def letter(attempt: str, item: object, *, right: bool = True) -> str:
    found = letter_of(shown_order(UUID(attempt), UUID(str(item)), 4), 0 if right else 1)
    assert found is not None
    return found


async def test_an_exam_can_be_sat_without_any_script(learner: Learner, form: MadeForm) -> None:
    before = await learner.get(f"/learn/exam/{form.code}")
    assert "20 minutes" in before.text
    assert "2 of 2" in before.text
    attempt = await learner.start(form)
    address = f"/learn/attempt/{attempt}"
    for place, item in enumerate(form.items, 1):
        page = await learner.get(f"{address}?question={place}")
        assert f"stem {place - 1} en" in page.text
        sent = await learner.post(
            address, item=item, question=place, answer=letter(attempt, item), go="next"
        )
        assert sent.status_code == 303
    assert sent.headers["location"].endswith("/check")
    check = await learner.get(f"{address}/check")
    assert "No answer" not in check.text
    finished = await learner.post(f"{address}/finish")
    result = await learner.get(finished.headers["location"].removeprefix(f"/t/{learner.slug}"))
    assert "You passed" in result.text
    assert "4 of 4" in result.text
    assert "/learn/link" in result.text


async def test_the_answer_chosen_is_shown_again(learner: Learner, form: MadeForm) -> None:
    attempt = await learner.start(form)
    item = form.items[0]
    saved = await learner.put(attempt, item, {"letter": "C", "later": True, "revision": 1})
    assert saved.status_code == 200
    assert saved.json()["accepted"] is True
    page = await learner.get(f"/learn/attempt/{attempt}?question=1")
    assert re.search(r'value="C"[^>]*checked', page.text)
    assert re.search(r'name="later"[^>]*checked', page.text)


async def test_the_autosave_says_what_it_holds(learner: Learner, form: MadeForm) -> None:
    attempt = await learner.start(form)
    item = form.items[0]
    await learner.put(attempt, item, {"letter": "C", "revision": 2})
    older = await learner.put(attempt, item, {"letter": "A", "revision": 1})
    assert older.status_code == 200
    body = older.json()
    assert (body["letter"], body["revision"], body["accepted"]) == ("C", 2, False)
    assert set(body) == {"letter", "later", "revision", "saved_at", "accepted"}


@pytest.mark.parametrize(
    "body",
    [
        {"letter": "Z", "revision": 1},
        {"letter": "A", "revision": 0},
        {"letter": "A", "revision": 1_000_001},
        {"letter": "A", "revision": 1, "key": 0},
        {"revision": 1},
        [],
    ],
)
async def test_a_misshapen_answer_is_refused(
    learner: Learner, form: MadeForm, body: object
) -> None:
    attempt = await learner.start(form)
    refused = await learner.put(attempt, form.items[0], body)
    assert refused.status_code == 400
    assert refused.headers["content-type"].startswith("application/problem+json")


async def test_an_answer_after_time_is_a_problem_document_and_for_a_form_the_result(
    learner: Learner, form: MadeForm, superuser: asyncpg.Connection
) -> None:
    attempt = await learner.start(form)
    await superuser.execute(
        "update attempt set started_at = started_at - interval '1 hour',"
        " deadline_at = clock_timestamp() - interval '1 second' where id = $1::uuid",
        attempt,
    )
    late = await learner.put(attempt, form.items[0], {"letter": "A", "revision": 1})
    assert late.status_code == 409
    assert late.json()["type"] == "/problems/answer-too-late"
    sent = await learner.post(
        f"/learn/attempt/{attempt}", item=form.items[0], question=1, answer="A"
    )
    assert sent.headers["location"].endswith(f"/learn/attempt/{attempt}/result?late=true")
    result = await learner.get(f"/learn/attempt/{attempt}/result?late=true")
    assert "this answer was not saved" in result.text
    assert (
        await superuser.fetchval(
            "select count(*) from response where attempt_id = $1::uuid", attempt
        )
        == 0
    )


async def test_a_recruiter_and_a_stranger_get_no_exam(
    client: httpx.AsyncClient,
    app: Litestar,
    learner: Learner,
    form: MadeForm,
    two_tenants: tuple[People, People],
) -> None:
    attempt = await learner.start(form)
    await sign_in(client, app, two_tenants[0], "recruiter")
    assert (await learner.get(f"/learn/attempt/{attempt}")).status_code == 403
    client.cookies.delete("passerelle_session", path=f"/t/{learner.slug}")
    turned_away = await learner.get(f"/learn/attempt/{attempt}")
    assert turned_away.status_code in (303, 401)
    assert CANARY not in turned_away.text


async def test_another_tenants_learner_can_not_tell_a_foreign_attempt_from_none(
    client: httpx.AsyncClient,
    app: Litestar,
    learner: Learner,
    form: MadeForm,
    two_tenants: tuple[People, People],
) -> None:
    attempt = await learner.start(form)
    await sign_in(client, app, two_tenants[1], "learner")
    stranger = Learner(client, two_tenants[1].slug, learner.headers)
    for path in ("", "/check", "/result"):
        foreign = await stranger.get(f"/learn/attempt/{attempt}{path}")
        none = await stranger.get(f"/learn/attempt/{uuid4()}{path}")
        assert (foreign.status_code, none.status_code) == (404, 404)
    foreign = await stranger.put(attempt, form.items[0], {"letter": "A", "revision": 1})
    assert foreign.status_code == 404
    assert (await stranger.post(f"/learn/attempt/{attempt}/finish")).status_code == 404


async def test_no_key_and_no_authors_order_reaches_the_browser(
    learner: Learner, form: MadeForm
) -> None:
    attempt = await learner.start(form)
    page = await learner.get(f"/learn/attempt/{attempt}?question=1")
    shown = re.findall(r'data-letter="([A-D])".*?option 0-(\d) en', page.text, re.S)
    order = shown_order(UUID(attempt), form.items[0], 4)
    assert [int(option) for _, option in shown] == order
    main = page.text.split("<main", 1)[1].split("</main>", 1)[0]
    assert "key" not in main


async def test_live_items_show_in_their_own_question_alone_and_never_in_a_log(
    learner: Learner, form: MadeForm, capfd: pytest.CaptureFixture[str]
) -> None:
    attempt = await learner.start(form)
    for item in form.items:
        await learner.put(attempt, item, {"letter": "A", "revision": 1})
    await learner.get(f"/learn/exam/{form.code}")
    await learner.get(f"/learn/attempt/{attempt}/check")
    await learner.post(f"/learn/attempt/{attempt}/finish")
    await learner.get(f"/learn/attempt/{attempt}/result")
    after = await learner.get(f"/learn/attempt/{attempt}?question=1")
    assert after.status_code == 303
    await learner.get("/learn")
    assert all(CANARY not in text for text in learner.seen)
    logged = capfd.readouterr()
    assert CANARY not in logged.out + logged.err


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en", ["Time left", "stem 0 en", "Check your answers", "No answer"]),
        ("fr", ["Temps restant", "stem 0 fr", "Vérifier vos réponses", "Sans réponse"]),
        ("ar", ["الوقت المتبقي", "stem 0 ar", "راجع أجوبتك", "بلا جواب"]),
    ],
)
async def test_the_exam_speaks_the_three_languages(
    learner: Learner, form: MadeForm, locale: str, words: list[str]
) -> None:
    attempt = await learner.start(form)
    question = await learner.get(f"/learn/attempt/{attempt}?question=1&lang={locale}")
    check = await learner.get(f"/learn/attempt/{attempt}/check?lang={locale}")
    for word in words:
        assert word in question.text + check.text
    assert f'lang="{locale}"' in question.text
