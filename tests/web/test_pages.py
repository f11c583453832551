"""What every page carries, and what a part of a page leaves out."""

import httpx
import pytest
from jinja2 import UndefinedError

from passerelle.kernel.actor import Actor
from passerelle.web import navigation
from passerelle.web.assets import FrontEndMissing, asset, manifest
from passerelle.web.templates import make_environment, template_folders
from tests.web.faces import TEACHER


async def test_links_of_a_tenants_page_stay_with_the_tenant(asking: httpx.AsyncClient) -> None:
    answer = await asking.get("/t/region/bar")
    assert "/t/region/x" in answer.text


async def test_htmx_gets_the_part_it_asks_for_and_a_person_the_whole_page(
    asking: httpx.AsyncClient,
) -> None:
    part = await asking.get("/t/region/bar", headers={"hx-request": "true"})
    whole = await asking.get("/t/region/bar", headers={"hx-request": "true", "hx-boosted": "true"})
    assert part.text.strip() == '<p id="paragraph">Read me /t/region/x</p>'
    assert whole.text.startswith("<!doctype html>")
    assert part.headers["vary"] == "HX-Request"


async def test_no_cache_keeps_what_a_person_saw(asking: httpx.AsyncClient) -> None:
    answer = await asking.get("/t/region/bar")
    assert answer.headers["cache-control"] == "no-store"


async def test_who_is_signed_in_sees_their_organisation_and_can_sign_out(
    asking: httpx.AsyncClient,
) -> None:
    answer = await asking.get("/t/region/bar", headers={"x-actor": "teacher"})
    assert "Amina Berrada" in answer.text
    assert 'action="/t/region/sign-out"' in answer.text


async def test_inside_an_lmss_frame_the_bar_steps_back(asking: httpx.AsyncClient) -> None:
    answer = await asking.get("/t/region/bar", headers={"x-actor": "launched"})
    assert "Région" in answer.text
    assert "sign-out" not in answer.text


def test_the_bar_shows_what_the_actor_may_open_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(navigation, "_entries", {})
    navigation.add("Audit", "/audit", permission="audit.read", order=80)
    navigation.add("Hiring", "/hiring", permission="hiring.read", order=30)
    navigation.add("Learn", "/learn", permission="learn", order=10)
    navigation.add("Wallet", "/me/wallet", permission="person", space="person")
    person = Actor(kind="person", display_name="A", permissions=frozenset({"person"}))
    assert [entry.label for entry in navigation.entries(TEACHER)] == ["Learn", "Hiring"]
    assert [entry.label for entry in navigation.entries(person)] == ["Wallet"]
    assert navigation.entries(None) == []


async def test_a_built_file_is_kept_for_a_year_and_never_asked_for_again(
    asking: httpx.AsyncClient,
) -> None:
    answer = await asking.get(asset("app.css"))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")


async def test_a_file_outside_the_built_folder_is_not_served(asking: httpx.AsyncClient) -> None:
    for path in ("/static/../page.py", "/static/%2e%2e/%2e%2e/page.py", "/static/nothing.css"):
        assert (await asking.get(path)).status_code == 404


def test_a_file_that_was_not_built_is_named_with_the_mend() -> None:
    with pytest.raises(FrontEndMissing, match=r"'app\.jss'.*make setup"):
        asset("app.jss")


def test_fonts_are_subsets_by_script() -> None:
    fonts = [name for name in manifest() if name.endswith(".woff2")]
    assert {"plex-latin-400.woff2", "plex-arabic-400.woff2", "plex-mono-latin-400.woff2"} <= set(
        fonts
    )


def test_every_template_compiles() -> None:
    environment = make_environment()
    names = environment.list_templates(extensions=["html"])
    assert {"web/base.html", "web/components.html"} <= set(names)
    for name in names:
        environment.get_template(name)


def test_what_fills_a_text_is_escaped() -> None:
    template = make_environment().from_string(
        '{{ _("Question %(number)s of %(total)s", number=n, total=2) }}'
    )
    assert template.render(n="<b>") == "Question &lt;b&gt; of 2"


def test_a_text_that_comes_from_outside_is_escaped_though_it_is_translated() -> None:
    template = make_environment().from_string("{{ _(told) }}")
    assert template.render(told="<script>100%</script>") == "&lt;script&gt;100%&lt;/script&gt;"


def test_a_misspelt_variable_is_an_error_and_not_a_blank() -> None:
    with pytest.raises(UndefinedError):
        make_environment().from_string("{{ candidat }}").render(candidate=1)


def test_every_room_with_templates_is_found() -> None:
    assert {"web", "people", "hiring", "academy", "exams"} <= set(template_folders())
