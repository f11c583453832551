"""The state of a login is ours alone, lives ten minutes, and belongs to one browser."""

import base64
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms import refusals
from lms.state import LIFETIME_S, StateSeal, browser_value
from tests.lms.tokens import fresh_browser, login_state

KEY = base64.b64encode(os.urandom(32)).decode()
SEAL = StateSeal(KEY)


def test_a_state_opens_in_the_browser_that_began_it() -> None:
    state = login_state()
    assert SEAL.open(SEAL.seal(state), "the-browser", time.time()) == state


def test_another_browser_does_not_open_it() -> None:
    with pytest.raises(refusals.OtherBrowser):
        SEAL.open(SEAL.seal(login_state()), "another-browser", time.time())


@pytest.mark.parametrize("cookie", [None, ""])
def test_a_browser_without_the_cookie_does_not_open_it(cookie: str | None) -> None:
    with pytest.raises(refusals.CookieMissing):
        SEAL.open(SEAL.seal(login_state()), cookie, time.time())


@pytest.mark.parametrize("age_s", [LIFETIME_S + 2, -70])
def test_a_state_has_its_time(age_s: float) -> None:
    with pytest.raises(refusals.StateExpired):
        SEAL.open(SEAL.seal(login_state()), "the-browser", time.time() + age_s)


def test_another_key_does_not_open_it() -> None:
    other = StateSeal(base64.b64encode(os.urandom(32)).decode())
    with pytest.raises(refusals.StateForged):
        other.open(SEAL.seal(login_state()), "the-browser", time.time())


SEALED = SEAL.seal(login_state())


@given(st.integers(0, len(SEALED) - 1), st.characters(max_codepoint=127))
def test_no_changed_character_is_overlooked(position: int, character: str) -> None:
    changed = SEALED[:position] + character + SEALED[position + 1 :]
    if changed != SEALED:
        with pytest.raises(refusals.StateForged):
            SEAL.open(changed, "the-browser", time.time())


@given(st.text(max_size=2000))
def test_no_text_is_taken_for_a_state(text: str) -> None:
    with pytest.raises(refusals.StateForged):
        SEAL.open(text, "the-browser", time.time())


def test_a_browser_keeps_its_value_between_logins() -> None:
    value = fresh_browser()
    assert browser_value(value) == value
    for unfit in (None, "", "short", value + "x", "é" * len(value)):
        assert browser_value(unfit) not in (unfit, value)
