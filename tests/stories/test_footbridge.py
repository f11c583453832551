"""The whole story, against real servers of its own: every step asserts what it claims."""

from collections.abc import AsyncIterator

import pytest

from infra.demo.story import Step, Story
from infra.demo.world import World

STEPS = 7


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[World]:
    started = await World("test-story").start()
    yield started
    await started.close()
    started.stop()


async def test_from_the_lms_to_a_certificate_and_to_the_top_of_a_shortlist(world: World) -> None:
    told: list[Step] = []
    await Story(world).play(told.append)
    assert [step.number for step in told] == list(range(1, STEPS + 1))
    assert all(step.proofs for step in told)


async def test_the_story_plays_again_with_new_persons(world: World) -> None:
    told: list[Step] = []
    await Story(world).play(told.append)
    assert len(told) == STEPS
