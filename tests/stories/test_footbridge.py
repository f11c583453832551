"""The whole story, against real servers of its own: every step asserts what it claims.

A second play, with new persons, stops at the shortlist, and a real Chromium looks at its pages.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser

from infra.demo.story import Step, Story
from infra.demo.world import World
from tests.browser import assert_page_holds, browser, screenshot, visit_page

__all__ = ["browser"]

STEPS = 7
LANGUAGES = ("en", "fr", "ar")


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[World]:
    started = await World("test-story").start()
    yield started
    await started.close()
    started.stop()


@pytest.fixture(scope="module")
async def on_the_shortlist(world: World) -> AsyncIterator[Story]:
    """A story in which the learner stands on the shortlist, and nothing was withdrawn yet."""
    story = Story(world)
    for step in (story.launch, story.learn, story.credential, story.share, story.shortlist):
        await step()
    yield story
    await story.close()


async def test_from_the_lms_to_a_certificate_and_to_the_top_of_a_shortlist(world: World) -> None:
    told: list[Step] = []
    await Story(world).play(told.append)
    assert [step.number for step in told] == list(range(1, STEPS + 1))
    assert all(step.proofs for step in told)


@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desktop"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["learner", "verification", "shortlist"])
async def test_the_pages_of_the_story_show_nothing_cut_off_or_out_of_reach(
    browser: Browser, on_the_shortlist: Story, name: str, language: str, phone: bool
) -> None:
    story = on_the_shortlist
    path, client = {
        "learner": ("/t/region/learn", story.desk),
        "verification": (f"/verify/{story.credential_id}", story.desk),
        "shortlist": (f"/t/retail/hiring/{story.requisition}", story.recruiter),
    }[name]
    visit = await visit_page(
        browser,
        f"{story.world.settings.public_url}{path}?lang={language}",
        language=language,
        phone=phone,
        cookies=cookies_of(client),
    )
    try:
        assert await visit.page.get_attribute("html", "lang") == language
        width = "phone" if phone else "desktop"
        await screenshot(visit.page, f"story-{name}-{language}-{width}")
        await assert_page_holds(visit)
    finally:
        await visit.context.close()


def cookies_of(client: httpx.AsyncClient) -> list[Any]:
    """The story's sessions, for a real browser."""
    return [
        {"name": one.name, "value": one.value, "domain": "localhost", "path": one.path}
        for one in client.cookies.jar
        if one.name == "passerelle_session"
    ]
