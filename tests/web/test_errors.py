"""A refusal is a clear page for a person and a problem document for a program."""

import httpx
import pytest

from passerelle.kernel.errors import Problem
from passerelle.web.pages import _kinds as kinds

PROGRAM = {"accept": "application/json"}


async def test_a_program_gets_problem_details(asking: httpx.AsyncClient) -> None:
    answer = await asking.get("/conflict", headers=PROGRAM)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/problems/conflict",
        "title": "Someone changed this in the meantime",
        "status": 409,
        "instance": "/conflict",
        "mend": "Open the page again, look at what changed, and decide anew.",
        "request_id": "0123456789abcdef",
        "seen": 3,
    }


async def test_a_person_gets_a_page_that_says_what_to_do_in_their_language(
    asking: httpx.AsyncClient,
) -> None:
    answer = await asking.get("/conflict?lang=fr")
    assert answer.status_code == 409
    assert "Quelqu’un a modifié ceci entre-temps" in answer.text
    assert "Rouvrez la page" in answer.text
    assert "0123456789abcdef" in answer.text


async def test_an_address_of_the_api_answers_in_json_whoever_asks(
    asking: httpx.AsyncClient,
) -> None:
    answer = await asking.get("/t/region/api/nothing")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


async def test_an_address_that_doesnt_exist_is_a_page_too(asking: httpx.AsyncClient) -> None:
    answer = await asking.get("/nowhere", headers={"accept-language": "ar"})
    assert answer.status_code == 404
    assert 'lang="ar" dir="rtl"' in answer.text


async def test_a_wrong_method_says_which_are_right(asking: httpx.AsyncClient) -> None:
    answer = await asking.put("/conflict", headers=PROGRAM)
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


async def with_token(asking: httpx.AsyncClient) -> dict[str, str]:
    await asking.get("/t/region/bar")
    return {**PROGRAM, "x-csrf-token": asking.cookies["csrftoken"]}


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        ({"number": "three"}, {"number": "This is not of the right kind"}),
        ({"number": 0}, {"number": "This is not of the right kind"}),
        ({}, {"number": "This is missing"}),
    ],
)
async def test_what_does_not_fit_is_named_by_its_field(
    asking: httpx.AsyncClient, content: object, errors: dict[str, str]
) -> None:
    headers = await with_token(asking)
    answer = await asking.post("/t/region/counted", json=content, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"] == errors


async def test_content_that_is_no_json_is_refused_without_our_words_for_it(
    asking: httpx.AsyncClient,
) -> None:
    headers = await with_token(asking)
    answer = await asking.post("/t/region/counted", content=b"{", headers=headers)
    assert answer.status_code == 400
    assert "msgspec" not in answer.text


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_a_fault_of_ours_tells_no_one_what_it_was(
    asking: httpx.AsyncClient, accept: str
) -> None:
    answer = await asking.get("/broken", headers={"accept": accept})
    assert answer.status_code == 500
    for secret in ("hunter2", "RuntimeError", "Traceback", "faces.py"):
        assert secret not in answer.text
    assert "0123456789abcdef" in answer.text


async def test_what_a_problem_says_can_carry_no_script(asking: httpx.AsyncClient) -> None:
    answer = await asking.get("/invalid")
    assert "<script>alert" not in answer.text
    assert "100 %" in answer.text


async def test_htmx_gets_the_problem_without_a_page_around_it(asking: httpx.AsyncClient) -> None:
    answer = await asking.get("/conflict", headers={"accept": "*/*", "hx-request": "true"})
    assert answer.text.strip().startswith("<section")


async def test_every_type_of_problem_has_a_page(asking: httpx.AsyncClient) -> None:
    for kind in kinds(Problem):
        answer = await asking.get(f"/problems/{kind.slug()}")
        assert answer.status_code == 200, kind
    assert (await asking.get("/problems/no-such")).status_code == 404


async def test_a_form_without_its_token_is_refused(asking: httpx.AsyncClient) -> None:
    answer = await asking.post("/form", data={"reason": "x"}, headers=PROGRAM)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
