"""Which language a page speaks, and how it writes dates, numbers and plurals."""

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.kernel.language import LOCALES, Locale
from passerelle.web.formats import format_date, format_datetime, format_duration, format_number
from passerelle.web.language import (
    current,
    preferred,
    speaking,
    translate,
    translate_plural,
    usual,
)


async def heading(asking: httpx.AsyncClient, path: str = "/t/region/bar", **headers: str) -> str:
    answer = await asking.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    return answer.text.split("<h1>")[1].split("</h1>")[0]


async def test_without_any_wish_a_page_is_english(asking: httpx.AsyncClient) -> None:
    assert await heading(asking) == "Home"


async def test_the_browsers_languages_are_followed_by_their_weight(
    asking: httpx.AsyncClient,
) -> None:
    assert await heading(asking, accept_language="de, en;q=0.3, fr-MA;q=0.8") == "Accueil"


async def test_a_persons_own_language_comes_before_the_browsers(asking: httpx.AsyncClient) -> None:
    assert await heading(asking, accept_language="ar", x_actor="teacher") == "Accueil"


async def test_the_switch_holds_for_the_next_page_and_for_a_signed_in_person(
    asking: httpx.AsyncClient,
) -> None:
    answer = await asking.get("/t/region/bar?lang=ar", headers={"x-actor": "teacher"})
    assert 'lang="ar" dir="rtl"' in answer.text
    assert await heading(asking, x_actor="teacher", cookie="passerelle_language=ar") == "الرئيسية"


async def test_the_switchs_cookie_holds_inside_an_lmss_frame(asking: httpx.AsyncClient) -> None:
    answer = await asking.get("/t/region/bar?lang=fr")
    cookie = next(
        value
        for value in answer.headers.get_list("set-cookie")
        if value.startswith("passerelle_language=fr")
    )
    for attribute in ("Secure", "SameSite=None", "Partitioned", "HttpOnly", "Path=/"):
        assert attribute in cookie


async def test_a_language_we_dont_speak_changes_nothing(asking: httpx.AsyncClient) -> None:
    answer = await asking.get("/t/region/bar?lang=xx", headers={"cookie": "passerelle_language=fr"})
    assert "Accueil" in answer.text
    assert not [c for c in answer.headers.get_list("set-cookie") if "passerelle_language" in c]


async def test_every_page_links_to_itself_in_the_other_languages(asking: httpx.AsyncClient) -> None:
    answer = await asking.get("/t/region/bar?stage=2&lang=fr&q=a%26b")
    for locale in LOCALES:
        assert f'href="/t/region/bar?stage=2&amp;q=a%26b&amp;lang={locale}"' in answer.text


@given(st.text(max_size=200))
def test_no_header_breaks_the_choice_of_a_language(header: str) -> None:
    chosen = preferred(header)
    assert chosen is None or chosen.locale in LOCALES


def test_a_region_that_the_browser_names_decides_the_digits() -> None:
    morocco, egypt = preferred("ar-MA"), preferred("ar-EG")
    assert morocco is not None
    assert egypt is not None
    assert (morocco.numerals, egypt.numerals, usual("ar").numerals) == ("latn", "arab", "arab")


@pytest.mark.parametrize(
    ("locale", "written"),
    [("en", "14 December 2026"), ("fr", "14 décembre 2026"), ("ar", "١٤ دجنبر ٢٠٢٦")],
)
def test_dates_are_in_full(locale: Locale, written: str) -> None:
    with speaking(locale):
        assert format_date(date(2026, 12, 14)) == written


def test_a_time_of_the_server_says_its_zone() -> None:
    with speaking("fr"):
        assert format_datetime(datetime(2026, 12, 14, 9, 42, tzinfo=UTC)).endswith("09:42 UTC")


@pytest.mark.parametrize(
    ("locale", "number", "share", "minutes"),
    [
        ("en", "1,284.50", "84%", "40 minutes"),
        ("fr", "1\u202f284,50", "84\xa0%", "40 minutes"),
        ("ar", "١٬٢٨٤٫٥٠", "٨٤", "٤٠ دقيقة"),
    ],
)
def test_numbers_have_the_languages_figures_and_units(
    locale: Locale, number: str, share: str, minutes: str
) -> None:
    with speaking(locale):
        assert format_number(1284.5, decimals=2) == number
        assert format_number(0.84, "percent").startswith(share)
        assert format_number(40, "minute").replace("\xa0", " ") == minutes


def test_a_length_of_time_is_in_its_largest_unit() -> None:
    with speaking("fr"):
        assert format_duration(timedelta(days=3)) == "3\xa0jours"


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "لا محاولات"),
        (1, "محاولة واحدة"),
        (2, "محاولتان"),
        (5, "5 محاولات"),
        (11, "11 محاولة"),
        (100, "100 محاولة"),
    ],
)
def test_arabic_counts_in_six_forms(number: int, written: str) -> None:
    with speaking("ar"):
        assert translate_plural("%(num)s attempt", "%(num)s attempts", number) == written


@pytest.mark.parametrize(("number", "written"), [(0, "0 tentative"), (2, "2 tentatives")])
def test_french_counts_nought_as_one(number: int, written: str) -> None:
    with speaking("fr"):
        assert translate_plural("%(num)s attempt", "%(num)s attempts", number) == written


def test_a_text_outside_the_catalogue_stays_as_it_is() -> None:
    with speaking("ar"):
        assert translate("Rabat 100%") == "Rabat 100%"
    assert current().locale == "en"
