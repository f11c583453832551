"""The starter taxonomy is whole, in three languages, and says what ESCO says."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from passerelle.skills import taxonomy
from passerelle.skills.folding import folded
from passerelle.skills.taxonomy import STARTER_DIRECTORY, Occupation, Skill, TaxonomyInvalid
from tests.skills.factories import ESCO_DIRECTORY, needs_esco, starter

ARABIC = re.compile(r"[\u0600-\u06ff]")
LATIN = re.compile(r"[a-z]", re.IGNORECASE)


def test_it_holds_at_least_400_skills_and_40_occupations_each_with_enough_to_train_on() -> None:
    held = starter()
    assert len(held.skills) >= 400
    assert len(held.occupations) >= 40
    essential = [link.occupation_id for link in held.links if link.essential]
    assert all(essential.count(one.id) >= 6 for one in held.occupations)
    assert {link.skill_id for link in held.links} == {one.id for one in held.skills}


def test_every_name_stands_in_the_three_languages_in_its_own_script() -> None:
    concepts: list[Skill | Occupation] = [*starter().skills, *starter().occupations]
    for one in concepts:
        assert set(one.labels) == {"en", "fr", "ar"}, one
        assert ARABIC.search(one.labels["ar"]), one
        assert not ARABIC.search(one.labels["en"] + one.labels["fr"]), one
        assert not LATIN.search(one.labels["ar"]), one
        assert all(text == text.strip() and "  " not in text for text in one.labels.values()), one


def test_no_two_skills_have_the_same_name_in_any_language() -> None:
    for locale in ("en", "fr", "ar"):
        names = [folded(one.labels[locale]) for one in starter().skills]
        twice = {name for name in names if names.count(name) > 1}
        assert not twice, (locale, twice)


def test_identifiers_are_random_uuids_as_escos_are() -> None:
    assert all(UUID(str(one.id)).version == 4 for one in starter().skills)


def test_a_link_to_a_skill_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    for path in STARTER_DIRECTORY.glob("*.tsv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / "links.tsv").open("a", encoding="utf-8") as file:
        file.write("data analyst\tessential\tjuggle with chainsaws\n")
    with pytest.raises(TaxonomyInvalid, match="juggle with chainsaws"):
        taxonomy.starter(tmp_path)


def test_a_line_with_a_missing_column_is_refused_with_its_place(tmp_path: Path) -> None:
    for path in STARTER_DIRECTORY.glob("*.tsv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / "skills.tsv").open("a", encoding="utf-8") as file:
        file.write("e9575f7f-053a-439e-8074-f93df3334e92\tskill\n")
    with pytest.raises(TaxonomyInvalid, match=r"skills\.tsv line \d+"):
        taxonomy.starter(tmp_path)


def test_the_files_are_sorted_so_that_a_change_is_one_line_of_a_review() -> None:
    with (STARTER_DIRECTORY / "skills.tsv").open(encoding="utf-8", newline="") as file:
        names = [row["en"].lower() for row in csv.DictReader(file, delimiter="\t")]
    assert names == sorted(names)


@needs_esco
def test_it_agrees_with_the_official_classification(
    record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    official = taxonomy.esco(ESCO_DIRECTORY)
    ours = {one.id: one for one in starter().skills}
    theirs = {one.id: one for one in official.skills if one.id in ours}
    same: dict[str, str] = {}
    shares: dict[str, float] = {}
    for locale in ("en", "fr", "ar"):
        both = [(ours[i], one) for i, one in theirs.items() if locale in one.labels]
        equal = sum(folded(a.labels[locale]) == folded(b.labels[locale]) for a, b in both)
        shares[locale] = equal / len(both)
        same[locale] = f"{equal} of {len(both)}"
    official_links = {(one.occupation_id, one.skill_id) for one in official.links}
    of_both = {one.id for one in official.occupations}
    links = [one for one in starter().links if one.essential and one.occupation_id in of_both]
    agreed = sum((one.occupation_id, one.skill_id) in official_links for one in links)
    report = f"same skill labels: {same}; essential links also in ESCO: {agreed} of {len(links)}"
    record_property("agreement", report)
    with capsys.disabled():
        print(f"\n  starter taxonomy and ESCO: {report}")
    assert len(theirs) >= 0.98 * len(ours)
    assert all(one.kind == ours[i].kind for i, one in theirs.items())
    assert shares["en"] > 0.99
    assert shares["fr"] > 0.2
    assert shares["ar"] > 0.2
    assert agreed > 0.8 * len(links)
