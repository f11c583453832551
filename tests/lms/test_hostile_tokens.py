"""Whatever a token holds, it is verified or refused with a reason; nothing else ever happens."""

import contextlib
import json
import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lms.claims import AGS, LTI
from lms.id_token import read_token
from lms.refusals import LaunchRefused
from lms.verification import verify
from tests.lms.tokens import body, login_state, part, signed, snapshot

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
STATE = login_state()
KNOWN = snapshot()
CLAIMS = sorted(body(STATE))
HEADERS = ["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "zip", "cty"]


def tried(text: str) -> None:
    with contextlib.suppress(LaunchRefused):
        verify(read_token(text), KNOWN, STATE, time.time())


@given(
    st.text(max_size=200) | st.binary(max_size=200).map(lambda content: content.decode("latin1"))
)
def test_any_text(text: str) -> None:
    tried(text)


@given(VALUES)
def test_any_header(header: Any) -> None:
    head = part(json.dumps(header).encode()).decode()
    tried(f"{head}.{part(b'{}').decode()}.{part(b'x').decode()}")


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(HEADERS), VALUES))
def test_any_header_under_a_good_signature(header: dict[str, Any]) -> None:
    tried(signed(body(STATE), header=header))


@given(VALUES)
def test_any_signed_body(content: Any) -> None:
    tried(signed(json.dumps(content).encode()))


@settings(max_examples=400)
@given(st.sampled_from(CLAIMS), VALUES)
def test_any_value_of_any_claim(claim: str, value: Any) -> None:
    tried(signed(body(STATE, **{claim: value})))


@given(
    st.sampled_from([LTI + "resource_link", LTI + "context", AGS, LTI + "launch_presentation"]),
    st.sampled_from(["id", "title", "scope", "lineitem", "locale", "return_url"]),
    VALUES,
)
def test_any_value_inside_a_claim(claim: str, member: str, value: Any) -> None:
    tried(signed(body(STATE, **{claim: {"id": "x", member: value}})))
