"""A learner's home and study, through the real application."""

import re
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from litestar import Litestar

from infra.seed.ai_fluency import read_exam_items, read_study_items
from passerelle.academy import service
from passerelle.exams import service as exams
from passerelle.exams.model import Answer, letter_of, shown_order
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.language import LOCALES
from tests.conftest import People, csrf_headers, sign_in

SYSTEM = actors.system("tests")
MODULE = "ai-fluency-1-judgement"
LIVE_TEXTS = [
    text
    for item in read_exam_items("ai_fluency_1_exam.toml")
    for localised in [item.stem, *item.options.localised()]
    for text in (localised.en, localised.fr, localised.ar)
]
STUDY = {item.code: item for item in read_study_items("ai_fluency_1_study.toml")}


class Learner:
    def __init__(self, client: httpx.AsyncClient, people: People, headers: dict[str, str]) -> None:
        self.client, self.people, self.headers = client, people, headers
        self.seen: list[str] = []

    async def get(self, path: str) -> str:
        address = f"/t/{self.people.slug}{path}"
        response = await self.client.get(address, headers={"accept": "text/html"})
        assert response.status_code == 200, response.text
        self.seen.append(response.text)
        return response.text

    async def post(self, path: str, **fields: object) -> httpx.Response:
        return await self.client.post(
            f"/t/{self.people.slug}{path}",
            data={name: str(value) for name, value in fields.items()},
            headers={**self.headers, "accept": "text/html"},
        )


@pytest.fixture
async def learner(
    client: httpx.AsyncClient,
    app: Litestar,
    starter: tuple[People, People],
    superuser: asyncpg.Connection,
) -> Learner:
    """A learner of the first tenant who has learned nothing yet."""
    people = starter[0]
    for table in ("study_progress", "enrolment", "attempt"):
        await superuser.execute(f"delete from {table} where person_id = $1", people.learner_id)
    await sign_in(client, app, people, "learner")
    return Learner(client, people, await csrf_headers(client))


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return found[1]


async def key_of(superuser: asyncpg.Connection, item_id: str) -> int:
    key: int = await superuser.fetchval("select key from study_item where id = $1::uuid", item_id)
    return key


async def answer_next(
    learner: Learner, superuser: asyncpg.Connection, *, right: bool = True, after: str = ""
) -> str:
    """Answers the next question; returns its item's id."""
    page = await learner.get(f"/learn/study/{MODULE}{after}")
    item_id = hidden(page, "item")
    key = await key_of(superuser, item_id)
    choice = key if right else (key + 1) % 4
    sent = await learner.post(
        f"/learn/study/{MODULE}", item=item_id, times=hidden(page, "times"), choice=choice
    )
    assert sent.status_code == 303
    return item_id


async def test_who_follows_no_path_is_offered_one(learner: Learner) -> None:
    assert "Begin this path" in await learner.get("/learn")
    begun = await learner.post("/learn/paths/ai-fluency")
    assert begun.status_code == 303
    home = await learner.get("/learn")
    assert "AI tools, used with judgement" in home
    assert "Start learning" in home
    assert (await learner.post("/learn/paths/no-such-path")).status_code == 404


async def test_enrolling_twice_is_enrolling_once(
    learner: Learner, database: Database, superuser: asyncpg.Connection
) -> None:
    for _ in range(2):
        async with database.live_exam(learner.people.tenant_id, SYSTEM) as tx:
            await service.enrol(tx, learner.people.learner_id, "ai-fluency")
    count = "select count(*) from enrolment where person_id = $1"
    assert await superuser.fetchval(count, learner.people.learner_id) == 1
    with pytest.raises(service.UnknownPath):
        async with database.live_exam(learner.people.tenant_id, SYSTEM) as tx:
            await service.enrol(tx, learner.people.learner_id, "no-such-path")


async def test_the_reason_shows_after_the_learners_own_try_and_not_before(
    learner: Learner, superuser: asyncpg.Connection
) -> None:
    page = await learner.get(f"/learn/study/{MODULE}")
    first = STUDY["ai-fluency-1-s01"]
    assert first.stem.en in page
    assert first.rationale.en not in page
    item_id = hidden(page, "item")
    early = await learner.client.get(
        f"/t/{learner.people.slug}/learn/study/{MODULE}/answered/{item_id}"
    )
    assert early.status_code == 303
    await answer_next(learner, superuser, right=False)
    why = await learner.get(f"/learn/study/{MODULE}/answered/{item_id}")
    assert first.rationale.en.replace("'", "&#39;") in why
    assert "Not right: here is why" in why


async def test_the_same_round_sent_twice_counts_once(
    learner: Learner, superuser: asyncpg.Connection
) -> None:
    page = await learner.get(f"/learn/study/{MODULE}")
    fields = {"item": hidden(page, "item"), "times": 0, "choice": 0}
    for _ in range(2):
        assert (await learner.post(f"/learn/study/{MODULE}", **fields)).status_code == 303
    times = "select times from study_progress where person_id = $1"
    assert await superuser.fetchval(times, learner.people.learner_id) == 1


async def test_a_wrong_question_comes_back_after_another(
    learner: Learner, superuser: asyncpg.Connection
) -> None:
    wrong = await answer_next(learner, superuser, right=False)
    other = await answer_next(learner, superuser, after=f"?after={wrong}")
    assert other != wrong
    assert await answer_next(learner, superuser, after=f"?after={other}") == wrong


async def test_a_learner_goes_from_study_to_the_exam_and_on(
    learner: Learner, superuser: asyncpg.Connection, database: Database
) -> None:
    await learner.post("/learn/paths/ai-fluency")
    for _ in STUDY:
        await answer_next(learner, superuser)
    assert "Nothing left to study here today" in await learner.get(f"/learn/study/{MODULE}")
    assert "Go to the exam" in await learner.get("/learn")
    await pass_exam(database, superuser, learner.people)
    home = await learner.get("/learn")
    assert "is not open yet" in home
    assert "Proven" in home


async def pass_exam(database: Database, superuser: asyncpg.Connection, people: People) -> UUID:
    async with database.live_exam(people.tenant_id, SYSTEM) as tx:
        attempt = await exams.start(tx, people.learner_id, "ai-fluency-1")
        for item_id, key in await superuser.fetch(
            "select id, key from exam_item where tenant_id = $1", people.tenant_id
        ):
            letter = letter_of(shown_order(attempt.id, item_id, 4), key)
            answer = Answer(letter, revision=1)  # type: ignore[arg-type]
            await exams.save_answer(tx, people.learner_id, attempt.id, item_id, answer)
        finished = await exams.finish(tx, people.learner_id, attempt.id)
    assert finished.passed
    return attempt.id


async def test_no_live_item_shows_anywhere_in_study(
    learner: Learner, superuser: asyncpg.Connection
) -> None:
    await learner.post("/learn/paths/ai-fluency")
    for locale in LOCALES:
        await learner.get(f"/learn?lang={locale}")
        await learner.get(f"/learn/exam/ai-fluency-1?lang={locale}")
    for _ in STUDY:
        item_id = await answer_next(learner, superuser)
        for locale in LOCALES:
            await learner.get(f"/learn/study/{MODULE}/answered/{item_id}?lang={locale}")
    every_page = "\n".join(learner.seen)
    assert STUDY["ai-fluency-1-s12"].stem.ar in every_page
    assert not [text for text in LIVE_TEXTS if text in every_page]


async def test_a_question_of_another_tenant_is_not_found(
    learner: Learner, starter: tuple[People, People], superuser: asyncpg.Connection
) -> None:
    foreign = await superuser.fetchval(
        "select id from study_item where tenant_id = $1 limit 1", starter[1].tenant_id
    )
    for item_id in (foreign, uuid4()):
        sent = await learner.post(f"/learn/study/{MODULE}", item=item_id, times=0, choice=0)
        assert sent.status_code == 404


async def test_who_signed_in_instead_of_launching_sees_their_path_with_the_bar(
    client: httpx.AsyncClient, app: Litestar, learner: Learner
) -> None:
    """Outside of an LMS's frame, where the page has the links of the organisation."""
    await learner.post("/learn/paths/ai-fluency")
    await sign_in(client, app, learner.people, "learner", origin="keycloak")
    page = await learner.get("/learn")
    assert f'<a href="/t/{learner.people.slug}/learn" aria-current="page">' in page


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en", ["AI fluency", "Foundations", "Start learning", "What awaits you"]),
        ("fr", ["Maîtrise de l’IA", "Fondamentaux", "Commencer à apprendre"]),
        ("ar", ["إتقان الذكاء الاصطناعي", "الأساسيات", "ابدأ التعلّم", "ما ينتظرك"]),
    ],
)
async def test_the_home_speaks_the_three_languages(
    learner: Learner, locale: str, words: list[str]
) -> None:
    await learner.post("/learn/paths/ai-fluency")
    home = await learner.get(f"/learn?lang={locale}")
    assert all(word in home for word in words)
    assert f'dir="{"rtl" if locale == "ar" else "ltr"}"' in home
