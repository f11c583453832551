"""Learning and sitting the exam in a real browser: by keyboard, on a phone, without connection."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from litestar import Litestar
from playwright.async_api import Browser, Page, expect

from passerelle.exams.model import choice_of, shown_order
from passerelle.kernel.actor import Actor
from passerelle.kernel.language import LOCALES, Locale, Localised
from tenants.access.roles import permissions_of
from tenants.access.sessions import COOKIE
from tests.browser import Visit, assert_page_holds, serving, visit_page
from tests.conftest import People

MODULE = "ai-fluency-1-judgement"
EXAM = "/learn/exam/ai-fluency-1"


class Desk:
    """Where a learner who has learned nothing yet sits down before a browser."""

    def __init__(self, browser: Browser, app: Litestar, people: People, address: str) -> None:
        self.browser, self.app, self.people = browser, app, people
        self.root = f"{address}/t/{people.slug}"

    async def visit(
        self, path: str, *, locale: Locale = "en", phone: bool = False, dark: bool = False
    ) -> Visit:
        return await visit_page(
            self.browser,
            self.root + path,
            language=locale,
            phone=phone,
            dark=dark,
            cookies=[await self._cookie(locale)],
        )

    async def _cookie(self, locale: Locale) -> dict[str, Any]:
        header = await self.app.state.sessions.open(
            Actor(
                kind="person",
                display_name="Nadia",
                person_id=self.people.learner_id,
                tenant_id=self.people.tenant_id,
                tenant_slug=self.people.slug,
                tenant_name=Localised("Region", "Region", "Region"),
                permissions=permissions_of(["learner"]),
                locale=locale,
                origin="lti",
            )
        )
        return {
            "name": COOKIE,
            "value": header.split(";", 1)[0].split("=", 1)[1],
            "domain": "localhost",
            "path": f"/t/{self.people.slug}",
            "secure": True,
            "httpOnly": True,
            "sameSite": "None",
        }


@pytest.fixture(scope="module")
async def address(app: Litestar) -> AsyncIterator[str]:
    async with serving(app) as served:
        yield served


@pytest.fixture
async def desk(
    browser: Browser,
    app: Litestar,
    address: str,
    starter: tuple[People, People],
    superuser: asyncpg.Connection,
) -> Desk:
    people = starter[0]
    for table in ("study_progress", "enrolment", "attempt"):
        await superuser.execute(f"delete from {table} where person_id = $1", people.learner_id)
    return Desk(browser, app, people, address)


async def press_until_on(page: Page, selector: str, *, most: int = 40) -> None:
    """Tab after Tab until the focus is there; fails where the keyboard can't get."""
    for _ in range(most):
        if await page.evaluate("(s) => document.activeElement?.matches(s)", selector):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


async def saved(page: Page) -> None:
    await expect(page.locator("[data-saved] .tag-proven")).to_be_visible()


async def answers(superuser: asyncpg.Connection, people: People) -> dict[int, int | None]:
    """Position → the option chosen, by its author's place, in the learner's attempt."""
    rows = await superuser.fetch(
        "select form_item.position, response.choice from response"
        " join attempt on attempt.id = response.attempt_id"
        " join form_item on form_item.form_id = attempt.form_id"
        " and form_item.item_id = response.item_id where attempt.person_id = $1",
        people.learner_id,
    )
    return {row["position"]: row["choice"] for row in rows}


async def test_the_exam_is_sat_by_the_keyboard_alone(
    desk: Desk, superuser: asyncpg.Connection
) -> None:
    page = (await desk.visit(EXAM)).page
    await press_until_on(page, "main form button.button-primary")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/attempt/*")
    attempt_id = UUID(page.url.rsplit("/", 1)[-1])
    for number in range(1, 9):
        await expect(page.locator("input[name=question]")).to_have_value(str(number))
        await page.keyboard.press("b")
        await saved(page)
        await press_until_on(page, "main form button.button-primary")
        await page.keyboard.press("Enter")
    await page.wait_for_url("**/check")
    await press_until_on(page, "[data-exam-finish] button")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/result")
    given = await answers(superuser, desk.people)
    items = await superuser.fetch(
        "select position, item_id from form_item where tenant_id = $1", desk.people.tenant_id
    )
    assert given == {
        row["position"]: choice_of(shown_order(attempt_id, row["item_id"], 4), "B") for row in items
    }


async def start(desk: Desk, **options: Any) -> Visit:
    visit = await desk.visit(EXAM, **options)
    await visit.page.click("main form button.button-primary")
    await visit.page.wait_for_url("**/attempt/*")
    return visit


async def test_an_answer_given_without_connection_is_sent_when_it_is_back(
    desk: Desk, superuser: asyncpg.Connection
) -> None:
    visit = await start(desk)
    page = visit.page
    await visit.context.set_offline(True)
    await page.click(".answer >> nth=0")
    await page.click(".answer >> nth=2")
    await expect(page.locator("[data-saved]")).to_contain_text("kept on this device")
    await page.click("button[value=next]")
    assert "question=" not in page.url, "the person stays with what is not sent"
    assert await answers(superuser, desk.people) == {}
    await visit.context.set_offline(False)
    await saved(page)
    chosen = page.locator(".answer input:checked")
    assert await chosen.get_attribute("value") == "C"
    assert list(await answers(superuser, desk.people)) == [1]


async def test_an_answer_left_unsent_by_a_closed_page_is_sent_by_the_next(
    desk: Desk, superuser: asyncpg.Connection
) -> None:
    visit = await start(desk)
    attempt = visit.page.url
    await visit.context.set_offline(True)
    await visit.page.click(".answer >> nth=1")
    await expect(visit.page.locator("[data-saved]")).to_contain_text("kept on this device")
    await visit.page.close()
    await visit.context.set_offline(False)
    page = await visit.context.new_page()
    async with page.expect_response("**/api/attempts/*/answers/*") as sent:
        await page.goto(f"{attempt}?question=2")
    assert (await sent.value).ok
    assert list(await answers(superuser, desk.people)) == [1]


async def test_the_time_can_be_hidden_and_stays_hidden(desk: Desk) -> None:
    page = (await start(desk)).page
    await expect(page.locator("[data-minutes]")).to_be_visible()
    await page.get_by_role("button", name="Hide the time").click()
    await expect(page.locator("[data-minutes]")).to_be_hidden()
    await page.reload()
    await expect(page.locator("[data-minutes]")).to_be_hidden()
    await page.get_by_role("button", name="Show the time").click()
    await expect(page.locator("[data-minutes]")).to_be_visible()


async def test_a_page_whose_time_is_over_says_so_and_saves_nothing(
    desk: Desk, superuser: asyncpg.Connection
) -> None:
    page = (await start(desk)).page
    await superuser.execute(
        "update attempt set started_at = started_at - interval '1 hour',"
        " deadline_at = clock_timestamp() where person_id = $1",
        desk.people.learner_id,
    )
    await page.click(".answer >> nth=0")
    await expect(page.locator("#notices")).to_contain_text("this answer was not saved")
    assert await answers(superuser, desk.people) == {}


@pytest.mark.parametrize("locale", LOCALES)
async def test_every_page_of_learning_holds_on_a_phone_and_in_the_dark(
    desk: Desk, locale: Locale
) -> None:
    visit = await desk.visit("/learn", locale=locale, phone=True, dark=locale == "fr")
    page = visit.page
    await assert_page_holds(visit)
    await page.click("main form button.button-primary")
    await page.wait_for_url("**/learn?path=*")
    await assert_page_holds(visit)
    await page.goto(f"{desk.root}/learn/study/{MODULE}")
    await assert_page_holds(visit)
    await page.click(".answer >> nth=0")
    await page.click("main form button.button-primary")
    await page.wait_for_url("**/answered/*")
    await assert_page_holds(visit)


@pytest.mark.parametrize("locale", LOCALES)
async def test_every_page_of_the_exam_holds_on_a_phone_and_on_a_desk(
    desk: Desk, locale: Locale
) -> None:
    visit = await desk.visit(EXAM, locale=locale, phone=locale != "en", dark=locale == "ar")
    page = visit.page
    await assert_page_holds(visit)
    await page.click("main form button.button-primary")
    await page.wait_for_url("**/attempt/*")
    await page.click(".answer >> nth=0")
    await saved(page)
    await assert_page_holds(visit)
    await page.click("button[value=check]")
    await page.wait_for_url("**/check")
    await assert_page_holds(visit)
    await page.click("[data-exam-finish] button")
    await page.wait_for_url("**/result")
    await assert_page_holds(visit)
