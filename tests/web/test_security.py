"""The policy of each response, and that nothing we write needs a looser one."""

import re
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.web.extraction import ROOT, sources
from passerelle.web.security import content_security_policy, origin_of

TEMPLATES = [path for path in sources() if path.suffix == ".html"]
STYLES = sorted((ROOT / "platform/passerelle/web/frontend/styles").glob("*.css"))
STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "font-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
}


def policy(answer: httpx.Response) -> dict[str, str]:
    parts = answer.headers["content-security-policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


@pytest.mark.parametrize("path", ["/t/region/bar", "/nowhere", "/broken", "/static/none.css"])
async def test_every_response_carries_the_policy(asking: httpx.AsyncClient, path: str) -> None:
    answer = await asking.get(path)
    assert policy(answer) | STRICT == policy(answer)
    assert policy(answer)["frame-ancestors"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "strict-origin"
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "x-frame-options" not in answer.headers


async def test_a_form_may_lead_to_keycloak_and_nowhere_else(asking: httpx.AsyncClient) -> None:
    answer = await asking.get("/t/region/bar")
    assert policy(answer)["form-action"] == "'self' https://keycloak.example"


async def test_a_page_that_names_its_frame_and_its_form_gets_their_origins(
    asking: httpx.AsyncClient,
) -> None:
    answer = await asking.get("/framed")
    assert policy(answer)["frame-ancestors"] == "https://lms.example"
    assert policy(answer)["form-action"].endswith(" https://lms.example:8443")


async def test_only_the_lms_that_launched_a_session_frames_its_pages(
    asking: httpx.AsyncClient,
) -> None:
    launched = await asking.get("/t/region/bar", headers={"x-actor": "launched"})
    other = await asking.get("/t/region/bar", headers={"x-actor": "teacher"})
    assert policy(launched)["frame-ancestors"] == "https://lms.example"
    assert policy(other)["frame-ancestors"] == "'none'"


@given(st.text(max_size=80))
def test_no_address_can_write_its_own_policy(text: str) -> None:
    for address in (text, f"https://{text}", f"https://lms.example/{text}"):
        try:
            origin = origin_of(address)
        except ValueError:
            origin = None
        assert origin is None or not re.search(r"[\s;,'\"*]", origin)
        if origin:
            assert content_security_policy([origin]).count(";") == 8


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_holds_nothing_inline_and_nothing_foreign(path: Path) -> None:
    text = re.sub(r"{#.*?#}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"<style\b|\bstyle\s*=", text), "a style inline: use a class"
    assert not re.search(r"<script(?![^>]*\bsrc=\"{{ asset)", text), "a script inline"
    assert not re.search(r"\son[a-z]+\s*=|hx-on|javascript:", text), "a handler inline"
    assert not re.search(r"(?:src|action|srcset)=\"(?:https?:)?//", text), "another site's file"
    assert "|safe" not in text.replace(" ", ""), "escaping switched off"


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_a_style_sheet_asks_no_other_site(path: Path) -> None:
    assert not re.search(r"https?://|@import url|url\((?!data:)", path.read_text())
