"""Text as features: hashed character n-grams, whose vectors are added up.

No vocabulary, no language detection and no download: a word's beginning, middle and end count in
every script. Additive, as all of the model is: a text's vector is the sum of its n-grams'.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from passerelle.skills.folding import folded

Floats32 = NDArray[np.float32]

BUCKETS = 1 << 14
GRAM_LENGTHS = (3, 4)
TEXT_LENGTH_LIMIT = 2_000

_PRIME = np.uint64(1_099_511_628_211)  # FNV-1a's
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))  # splitmix64's


def grams(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The n-grams of many texts: the bucket of each (0 to BUCKETS - 1), and whose it is.

    Texts are folded and padded with a space at both ends; no n-gram crosses two texts.
    """
    padded = [f" {folded(text[:TEXT_LENGTH_LIMIT])} " for text in texts]
    lengths = np.array([len(text) for text in padded], np.int64)
    letters = np.frombuffer("".join(padded).encode("utf-32-le"), np.uint32).astype(np.uint64)
    owner = np.repeat(np.arange(len(padded)), lengths)
    buckets, owners = [], []
    for length in GRAM_LENGTHS:
        count = max(len(letters) - length + 1, 0)
        whole = owner[:count] == owner[length - 1 :][:count]
        buckets.append(_hashed(letters, length, count)[whole])
        owners.append(owner[:count][whole])
    joined, of = np.concatenate(buckets), np.concatenate(owners)
    order = np.argsort(of, kind="stable")
    return joined[order], of[order]


def _hashed(letters: NDArray[np.uint64], length: int, count: int) -> NDArray[np.int64]:
    hashes = np.full(count, length, np.uint64)
    for place in range(length):
        hashes = (hashes * _PRIME) ^ (letters[place : place + count] * _MIX[0])
    hashes ^= hashes >> np.uint64(29)
    hashes *= _MIX[1]
    hashes ^= hashes >> np.uint64(32)
    return (hashes % np.uint64(BUCKETS)).astype(np.int64)


class GramCounts(NamedTuple):
    """Texts as counts of n-grams: text `rows[k]` has n-gram `columns[k]` `counts[k]` times.

    Rows ascend; no pair of row and column stands twice.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    counts: NDArray[np.int64]
    texts: int

    def rarity(self) -> Floats32:
        """ln(N / (1 + texts with the n-gram)), not below 0, one a bucket."""
        frequency = np.bincount(self.columns, minlength=BUCKETS)
        rarity = np.log(self.texts / (1 + frequency))
        above: Floats32 = np.maximum(rarity, 0).astype(np.float32)
        return above

    def weighted(self, rarity: Floats32) -> Floats32:
        """√count × rarity for each entry, each text at unit length."""
        values = np.sqrt(self.counts) * rarity[self.columns]
        norms = np.sqrt(np.bincount(self.rows, values * values, minlength=self.texts))
        unit: Floats32 = (values / np.where(norms > 0, norms, 1)[self.rows]).astype(np.float32)
        return unit

    def starts(self) -> NDArray[np.int64]:
        """Where each text's entries begin, and after the last one's, the end."""
        found: NDArray[np.int64] = np.searchsorted(self.rows, np.arange(self.texts + 1))
        return found


def count_grams(texts: Sequence[str]) -> GramCounts:
    """The n-grams of each text, counted."""
    buckets, owners = grams(texts)
    keys, counts = np.unique(owners * BUCKETS + buckets, return_counts=True)
    return GramCounts(keys // BUCKETS, keys % BUCKETS, counts, len(texts))


class TextEncoder:
    """Texts to unit vectors: the sum of their n-grams' vectors, rare n-grams weighing more."""

    def __init__(self, rarity: Floats32, table: Floats32) -> None:
        """`rarity` has one weight a bucket; `table` one row a bucket."""
        self.rarity = rarity
        self.table = table

    def encode(self, texts: Sequence[str]) -> Floats32:
        """One unit row a text, in any language; zeros for a text without a letter."""
        counted = count_grams(texts)
        values = counted.weighted(self.rarity)
        vectors = np.zeros((len(texts), self.table.shape[1]), np.float32)
        for row, (start, end) in enumerate(pairwise(counted.starts())):
            vectors[row] = values[start:end] @ self.table[counted.columns[start:end]]
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Floats32 = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
        return unit
