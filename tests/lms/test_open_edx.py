"""Tokens of a second independent platform side, Open edX's, come in by the same door."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lms import refusals
from lms.claims import Launch
from lms.id_token import read_token
from lms.key_sets import read_key_set
from lms.state import LoginState
from lms.verification import verify
from tests.lms import tokens
from tests.lms.tokens import login_state, snapshot

SCRIPT = Path(__file__).with_name("open_edx.py")


ASKED: dict[str, dict[str, Any]] = {
    "a student": {"role": "student", "name": "Amina Bennani"},
    "an instructor": {"role": "instructor"},
    "staff": {"role": "staff"},
    "a guest": {"role": "guest"},
    "another deployment": {"role": "student", "deployment_id": "deployment-9"},
}


class Answered(msgspec.Struct):
    """What the platform's own process answered to one login of ours."""

    state: LoginState
    id_token: str
    key_set: Any

    def verified(self) -> Launch:
        known = snapshot(key_set=read_key_set(self.key_set))
        return verify(read_token(self.id_token), known, self.state, time.time())


@pytest.fixture(scope="module")
def answers() -> dict[str, Answered]:
    states = {name: login_state() for name in ASKED}
    common = {
        "issuer": tokens.ISSUER,
        "client_id": tokens.CLIENT_ID,
        "deployment_id": "deployment-1",
        "login_url": f"{tokens.PUBLIC_URL}/lti/login",
        "launch_url": f"{tokens.PUBLIC_URL}/lti/launch",
    }
    asked = [{**common, "nonce": states[name].nonce, **ASKED[name]} for name in ASKED]
    run = subprocess.run(
        [sys.executable, str(SCRIPT)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout)
    return {
        name: Answered(states[name], one["id_token"], one["key_set"])
        for name, one in zip(ASKED, found, strict=True)
    }


def test_a_launch_from_open_edx_is_verified(answers: dict[str, Answered]) -> None:
    launch = answers["a student"].verified()
    assert launch.subject == "edx-user-7"
    assert launch.name == "Amina Bennani"
    assert launch.context_title == "AI for public servants"
    assert launch.line_item_url == f"{tokens.ISSUER}/lineitems/7"
    assert launch.custom["achievement"] == "ai-fluency-1"


@pytest.mark.parametrize("who", ["an instructor", "staff", "a guest"])
def test_every_role_of_open_edx_comes_in(answers: dict[str, Answered], who: str) -> None:
    assert answers[who].verified().name is None


def test_a_launch_from_open_edx_for_another_deployment_is_refused(
    answers: dict[str, Answered],
) -> None:
    with pytest.raises(refusals.DeploymentUnknown):
        answers["another deployment"].verified()


def test_a_launch_from_open_edx_does_not_answer_another_login(
    answers: dict[str, Answered],
) -> None:
    mixed = msgspec.structs.replace(answers["a student"], state=answers["staff"].state)
    with pytest.raises(refusals.NonceForeign):
        mixed.verified()
