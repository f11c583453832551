"""Two spellings that people use for one another fold to the same text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.skills.folding import folded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Évaluer l’œuvre", "evaluer l'oeuvre"),
        ("GÉRER DES DONNÉES", "gérer des données"),
        ("إدارة", "ادارة"),
        ("إدارة", "ادارة".replace("ة", "ه")),
        ("الذَّكاءُ الاصطناعيّ", "الذكاء الاصطناعي"),
        ("مستشفى", "مستشفي"),
        ("بيـــانات", "بيانات"),
        ("user-centred   design", "user centred design"),
    ],
)
def test_spellings_of_the_same_words_fold_alike(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert folded(folded(text)) == folded(text)
