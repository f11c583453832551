"""Key sets are fetched when needed, no more often, and never stand in each other's way."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from lms import refusals
from lms.key_sets import LIFETIME_S, REFETCH_INTERVAL_S, KeySets
from passerelle.kernel.http import OutsideFailure
from tests.lms.tokens import KEY, OTHER_KEY, public_jwk


class Connection(msgspec.Struct, frozen=True):
    id: UUID
    jwks_url: str


class Lms:
    """An LMS's key host: what it answers, how often it was asked, and the time on its wall."""

    def __init__(self) -> None:
        self.document: Any = {"keys": [public_jwk(KEY, "first")]}
        self.asked: list[str] = []
        self.now = 1000.0
        self.gate = asyncio.Event()
        self.gate.set()
        self.key_sets = KeySets(self.fetch, lambda: self.now)

    async def fetch(self, url: str) -> Any:
        self.asked.append(url)
        if "slow" in url:
            await self.gate.wait()
        if isinstance(self.document, Exception):
            raise self.document
        return self.document

    def rotate(self) -> None:
        self.document = {"keys": [public_jwk(OTHER_KEY, "second")]}


def connection(url: str = "https://lms.example/keys") -> Connection:
    return Connection(uuid4(), url)


async def test_a_key_set_is_fetched_once_and_kept() -> None:
    lms, one = Lms(), connection()
    for _ in range(3):
        assert "first" in await lms.key_sets.holding(one, "first")
    assert len(lms.asked) == 1


async def test_an_unknown_key_fetches_the_set_again() -> None:
    lms, one = Lms(), connection()
    await lms.key_sets.holding(one, "first")
    lms.rotate()
    lms.now += REFETCH_INTERVAL_S + 1
    assert "second" in await lms.key_sets.holding(one, "second")
    assert len(lms.asked) == 2


async def test_unknown_keys_do_not_make_us_ask_again_and_again() -> None:
    lms, one = Lms(), connection()
    for number in range(50):
        lms.now += 0.5
        await lms.key_sets.holding(one, f"invented-{number}")
    assert len(lms.asked) == 1


async def test_one_connections_unknown_keys_do_not_spend_anothers_fetches() -> None:
    lms, one, other = Lms(), connection(), connection()
    for number in range(5):
        await lms.key_sets.holding(one, f"invented-{number}")
    await lms.key_sets.holding(other, "first")
    assert len(lms.asked) == 2


async def test_an_old_key_set_is_fetched_again_and_a_withdrawn_key_is_gone() -> None:
    lms, one = Lms(), connection()
    await lms.key_sets.holding(one, "first")
    lms.rotate()
    lms.now += LIFETIME_S + 1
    assert "first" not in await lms.key_sets.holding(one, "first")


async def test_a_silent_lms_leaves_the_keys_we_have_in_use() -> None:
    lms, one = Lms(), connection()
    await lms.key_sets.holding(one, "first")
    lms.document = OutsideFailure("no answer within 10 s")
    lms.now += LIFETIME_S + 1
    assert "first" in await lms.key_sets.holding(one, "first")


async def test_an_lms_that_never_answered_gives_a_reason_and_is_not_hammered() -> None:
    lms, one = Lms(), connection()
    lms.document = OutsideFailure("answered 500")
    with pytest.raises(refusals.KeySetUnreachable, match="answered 500"):
        await lms.key_sets.holding(one, "first")
    for _ in range(5):
        with pytest.raises(refusals.KeySetUnreachable):
            await lms.key_sets.holding(one, "first")
    assert len(lms.asked) == 1


async def test_a_malformed_key_set_says_so() -> None:
    lms, one = Lms(), connection()
    lms.document = {"keys": "none"}
    with pytest.raises(refusals.KeySetMalformed):
        await lms.key_sets.holding(one, "first")


async def test_a_changed_address_forgets_the_old_keys() -> None:
    lms, one = Lms(), connection()
    await lms.key_sets.holding(one, "first")
    lms.rotate()
    moved = Connection(one.id, "https://lms.example/new-keys")
    assert "first" not in await lms.key_sets.holding(moved, "second")


async def test_many_launches_at_once_fetch_once_and_a_slow_lms_delays_no_other() -> None:
    lms, slow, quick = Lms(), connection("https://slow.example/keys"), connection()
    lms.gate.clear()
    waiting = [asyncio.create_task(lms.key_sets.holding(slow, "first")) for _ in range(20)]
    await asyncio.sleep(0)
    assert "first" in await asyncio.wait_for(lms.key_sets.holding(quick, "first"), 1)
    lms.gate.set()
    await asyncio.gather(*waiting)
    assert lms.asked.count("https://slow.example/keys") == 1
