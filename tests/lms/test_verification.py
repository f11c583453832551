"""Every bad launch is refused for its own reason; every good one, however odd, comes in."""

import time
from typing import Any

import pytest

from lms import refusals
from lms.claims import AGS, LTI, Launch
from lms.id_token import read_token
from lms.key_sets import read_key_set
from lms.refusals import LaunchRefused
from lms.state import LoginState
from lms.verification import verify
from passerelle.kernel.errors import Problem
from tests.lms.bad_launches import BAD_LAUNCHES, GUIDE, Case
from tests.lms.tokens import (
    CLIENT_ID,
    INSTRUCTOR,
    KEY,
    LEARNER,
    body,
    login_state,
    public_jwk,
    signed,
    snapshot,
)


def launched(token: str, state: LoginState) -> Launch:
    return verify(read_token(token), snapshot(), state, time.time())


@pytest.mark.parametrize("case", BAD_LAUNCHES, ids=lambda case: case[0])
def test_a_bad_launch_is_refused_for_its_own_reason(case: Case) -> None:
    _, make, expected = case
    state = login_state()
    with pytest.raises(LaunchRefused) as caught:
        launched(make(state), state)
    assert type(caught.value) is expected


def test_the_table_holds_the_certification_guide_and_forty_more() -> None:
    assert len(GUIDE) == 12
    assert len(BAD_LAUNCHES) - len(GUIDE) >= 40
    assert len({name for name, _, _ in BAD_LAUNCHES}) == len(BAD_LAUNCHES)


def test_every_refusal_says_what_happened_and_what_to_do() -> None:
    kinds = [
        kind
        for kind in vars(refusals).values()
        if isinstance(kind, type) and issubclass(kind, LaunchRefused)
    ]
    assert len({kind.title for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert 400 <= kind.status < 600
        assert kind.mend != Problem.mend


def without(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, ...)


ROLES = LTI + "roles"
GOOD_LAUNCHES: list[tuple[str, dict[str, Any]]] = [
    ("a plain one", {}),
    ("a teacher with many roles", {ROLES: [INSTRUCTOR, LEARNER, INSTRUCTOR + "#Grader"]}),
    ("a student with many roles", {ROLES: [LEARNER, "urn:lti:sysrole:ims/lis/User"]}),
    ("a short role", {ROLES: ["Learner"]}),
    ("an unknown role", {ROLES: ["https://lms.example/roles#Gardener"]}),
    ("no role", {ROLES: []}),
    ("an e-mail only", {**without("name"), "email": "a@b.example"}),
    ("names only", {**without("email"), "given_name": "Amina", "family_name": "B"}),
    ("no personal data", without("name", "email")),
    ("nulls for personal data", {"name": None, "email": None}),
    ("an e-mail without a context", without("name", LTI + "context")),
    ("a context with its id alone", {LTI + "context": {"id": "c", "label": None}}),
    ("no grade endpoint", without(AGS)),
    ("no custom parameters", {LTI + "custom": None}),
    ("no presentation", without(LTI + "launch_presentation")),
    ("a target inside the organisation", {
        LTI + "target_link_uri": "https://passerelle.example/t/region/learn/ai-fluency-1?x=1"}),
    ("our host in capitals", {LTI + "target_link_uri": "https://PASSERELLE.example/lti/launch"}),
    ("one audience in a list", {"aud": [CLIENT_ID]}),
    ("azp beside one audience", {"azp": CLIENT_ID}),
    ("several audiences with our azp", {"aud": ["other", CLIENT_ID], "azp": CLIENT_ID}),
    ("claims we don't know", {"https://lms.example/claim": {"a": [1]}, "s_hash": "x"}),
    ("a name in Arabic", {"name": "أمينة بناني"}),
]  # fmt: skip


@pytest.mark.parametrize("case", GOOD_LAUNCHES, ids=lambda case: case[0])
def test_an_odd_but_valid_launch_comes_in(case: tuple[str, dict[str, Any]]) -> None:
    state = login_state()
    assert launched(signed(body(state, **case[1])), state).subject == "user-1"


@pytest.mark.parametrize(
    "offsets_s",
    [
        {"iat": 5, "exp": 65},
        {"iat": 55.5, "exp": 65.5},
        {"iat": -50, "exp": -50 + 1},
        {"iat": 0, "exp": 60, "nbf": 5},
        {"iat": 0, "exp": 86_400},
    ],
)
def test_clocks_may_differ_by_a_minute(offsets_s: dict[str, float]) -> None:
    state = login_state()
    times = {name: time.time() + offset for name, offset in offsets_s.items()}
    assert launched(signed(body(state, **times)), state)


def test_a_header_we_do_not_know_does_no_harm() -> None:
    state = login_state()
    token = signed(body(state), header={"x5t": "abc", "jku": "https://lms.example/keys"})
    assert launched(token, state)


def test_a_launch_says_what_its_claims_say() -> None:
    state = login_state()
    launch = launched(signed(body(state)), state)
    assert (launch.name, launch.email, launch.locale) == (
        "Amina Bennani",
        "amina@region.example",
        "fr-MA",
    )
    assert launch.custom == {"achievement": "ai-fluency-1"}
    assert launch.line_item_url == "https://lms.example/items/7?type_id=1"
    assert (launch.context_id, launch.resource_link_id) == ("course-1", "link-1")


def test_a_substitution_variable_left_unfilled_is_dropped() -> None:
    state = login_state()
    custom = {LTI + "custom": {"user": "$User.username", "level": 1, "none": None}}
    assert launched(signed(body(state, **custom)), state).custom == {"level": "1"}


def test_a_platforms_key_set_may_hold_keys_without_name_and_the_same_key_twice() -> None:
    state = login_state()
    nameless = public_jwk(KEY, "x")
    del nameless["kid"]
    keys = read_key_set({"keys": [nameless, public_jwk(KEY, "good"), public_jwk(KEY, "good")]})
    assert verify(read_token(signed(body(state))), snapshot(key_set=keys), state, time.time())


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"keys": None},
        {"keys": [1]},
        {"keys": [{"kid": "no kind"}]},
        {"keys": [public_jwk(KEY, str(number)) for number in range(101)]},
    ],
    ids=["null", "a list", "no keys", "null keys", "numbers", "a key of no kind", "101 keys"],
)
def test_a_malformed_key_set_is_refused(document: Any) -> None:
    with pytest.raises(refusals.KeySetMalformed):
        read_key_set(document)
