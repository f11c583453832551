"""Folding: how two spellings of the same words become the same text, in the three scripts."""

import re
import unicodedata

# Letters that NFKD leaves whole, and the Arabic ones that people use for one another.
_ALIKE = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ة": "ه", "ى": "ي", "ـ": None})
_NOT_A_WORD = re.compile(r"[^\w]+")


def folded(text: str) -> str:
    """The words of a text in lower case, without accents, vowel marks, hamzas and punctuation.

    Unicode NFKD takes every marked letter apart (أ becomes ا and its hamza); the marks go. Then
    ة reads as ه, ى as ي, and the tatweel goes. Words stand one space apart.
    """
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return _NOT_A_WORD.sub(" ", bare.translate(_ALIKE)).strip()
