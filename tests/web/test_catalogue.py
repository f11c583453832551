"""Nothing that a person sees is left in English alone."""

import re
from pathlib import Path

import pytest

from passerelle.web.catalogue import PLURAL_FORMS, Entry, read_parts
from passerelle.web.extraction import ROOT, Found, sources, texts

PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|(?<!%)%(?![%(])")
ARABIC = re.compile(r"[\u0600-\u06ff]")
#: In French a colon, a semicolon, a question mark and guillemets keep their space beside them.
TORN_IN_FRENCH = re.compile(r" [:;?!»]|« ")
#: The same in French and English, and in Arabic written with Latin letters.
SAME_IN_FRENCH_WORDS = 3

PARTS = read_parts()
FOUND = texts()


def forms(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def entries() -> list[tuple[str, str, Entry]]:
    return [(room, text, entry) for room, part in PARTS.items() for text, entry in part.items()]


def test_every_text_is_in_the_catalogue() -> None:
    known = {text for part in PARTS.values() for text in part}
    missing = [f"{found.place}  {found.text}" for found in FOUND if found.text not in known]
    assert not missing, "Add to locale/parts/<room>.json:\n" + "\n".join(missing)


def test_every_entry_of_the_catalogue_is_used() -> None:
    used = {found.text for found in FOUND}
    stale = [f"{room}.json  {text}" for room, text, _ in entries() if text not in used]
    assert not stale, "\n".join(stale)


def test_each_translation_fills_in_what_the_english_text_fills_in() -> None:
    wrong = []
    for room, text, entry in entries():
        allowed = set(PLACEHOLDER.findall(text + (entry.plural or "")))
        for form in [*forms(entry.fr), *forms(entry.ar)]:
            has = set(PLACEHOLDER.findall(form))
            # A plural form may say its number in words: "two attempts" is one word in Arabic.
            complete = has == allowed or (entry.plural is not None and has | {"num"} >= allowed)
            if not complete or not has <= allowed:
                wrong.append(f"{room}.json  {text}  →  {form}")
    assert not wrong, "\n".join(wrong)


def test_a_counting_text_has_every_plural_form_of_its_languages() -> None:
    plurals = {found.text: found for found in FOUND if found.plural}
    wrong = []
    for room, text, entry in entries():
        counted: Found | None = plurals.get(text)
        if counted is None and entry.plural is None:
            continue
        right = (
            counted is not None
            and entry.plural == counted.plural
            and isinstance(entry.fr, list)
            and isinstance(entry.ar, list)
            and len(entry.fr) == len(PLURAL_FORMS["fr"])
            and len(entry.ar) == len(PLURAL_FORMS["ar"])
        )
        if not right:
            wrong.append(f"{room}.json  {text}")
    assert not wrong, "\n".join(wrong)


def test_no_line_of_french_begins_with_a_colon() -> None:
    torn = [
        f"{room}.json  {form}"
        for room, _, entry in entries()
        for form in forms(entry.fr)
        if TORN_IN_FRENCH.search(form)
    ]
    assert not torn, "A no-break space (U+00A0) belongs here:\n" + "\n".join(torn)


def test_rooms_that_share_a_text_share_its_translation() -> None:
    told: dict[str, tuple[str, Entry]] = {}
    wrong = []
    for room, text, entry in entries():
        first = told.setdefault(text, (room, entry))
        if first[1] != entry:
            wrong.append(f"{text}: {first[0]}.json and {room}.json differ")
    assert not wrong, "\n".join(wrong)


def test_translations_are_in_their_language() -> None:
    wrong = []
    for room, text, entry in entries():
        if not any(ARABIC.search(form) for form in forms(entry.ar)):
            wrong.append(f"{room}.json  {text}  has no Arabic letter in ar")
        if len(text.split()) > SAME_IN_FRENCH_WORDS and text in forms(entry.fr):
            wrong.append(f"{room}.json  {text}  is in English in fr")
        if any("!" in form for form in [text, *forms(entry.fr), *forms(entry.ar)]):
            wrong.append(f"{room}.json  {text}  exclaims")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_no_text_holds_markup(language: str) -> None:
    wrong = [
        f"{room}.json  {form}"
        for room, text, entry in entries()
        for form in [text, *forms(entry.in_(language))]
        if re.search(r"<\w|</|&\w+;", form)
    ]
    assert not wrong, "\n".join(wrong)


#: Names and marks that are the same in every language.
NO_WORDS = {"Passerelle"}


def bare_words(template: str) -> list[str]:
    """What a template would show in the same words whatever the language."""
    text = re.sub(r"{#.*?#}", "", template, flags=re.DOTALL)
    # What stands in a block `width` or `body` is a class; a `trans` block is in the catalogue.
    text = re.sub(r"{% block (?:width|body) %}.*?{% endblock %}", "", text)
    text = re.sub(r"{%-?\s*trans\b.*?endtrans\s*-?%}|<code.*?</code>", "", text, flags=re.DOTALL)
    text = re.sub(r"{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)
    told = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', text)
    shown = re.sub(r"<[^>]*>|[\w-]+=\"[^\"]*\"", " ", text)
    words: list[str] = re.findall(r"[A-Za-z]{2,}", " ".join([shown, *told]))
    return words


@pytest.mark.parametrize(
    "path", [p for p in sources() if p.suffix == ".html"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_a_template_shows_no_word_that_is_not_translated(path: Path) -> None:
    assert not [word for word in bare_words(path.read_text()) if word not in NO_WORDS]
