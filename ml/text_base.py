"""The text vectors that the towers start from: latent semantic indexing across languages.

Each skill is one document made of its names in every language; a truncated singular value
decomposition of documents × hashed n-grams puts n-grams that occur in the same documents, whatever
their language, near one another (Dumais, Letsche, Littman, Landauer: Automatic cross-language
retrieval using latent semantic indexing, 1997). Randomised, with power iterations (Halko,
Martinsson, Tropp, SIAM Review 53(2), 2011, algorithm 4.4).
"""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ml.features import BUCKETS, GramCounts, TextEncoder, count_grams
from ml.pooling import DIMENSIONS, Vectors

OVERSAMPLING = 16
POWER_ITERATIONS = 2


def fit_text_encoder(
    documents: Sequence[str], generator: torch.Generator
) -> tuple[TextEncoder, Tensor]:
    """An encoder whose dimensions are the documents' strongest themes, and what it makes of them.

    Deterministic for the generator's seed.
    """
    counted = count_grams(documents)
    rarity = counted.rarity()
    matrix = _matrix(counted, rarity)
    transposed = matrix.t().to_sparse_csr()
    width = min(DIMENSIONS + OVERSAMPLING, len(documents))
    reached = matrix @ torch.randn(BUCKETS, width, generator=generator)
    basis = torch.zeros(BUCKETS, width)
    for _ in range(POWER_ITERATIONS):
        basis, _ = torch.linalg.qr(transposed @ torch.linalg.qr(reached)[0])
        reached = matrix @ basis
    _, _, right = torch.linalg.svd(reached, full_matrices=False)
    kept = min(DIMENSIONS, width)
    table, vectors = torch.zeros(BUCKETS, DIMENSIONS), torch.zeros(len(documents), DIMENSIONS)
    table[:, :kept] = (basis @ right.T)[:, :kept]
    vectors[:, :kept] = (reached @ right.T)[:, :kept]
    return TextEncoder(rarity, table.numpy()), functional.normalize(vectors, dim=1)


def encode_many(encoder: TextEncoder, texts: Sequence[str]) -> Tensor:
    """What `encoder.encode` gives, for many texts at once."""
    vectors = _matrix(count_grams(texts), encoder.rarity) @ torch.from_numpy(encoder.table)
    return functional.normalize(vectors, dim=1)


def _matrix(counted: GramCounts, rarity: Vectors) -> Tensor:
    """Texts × buckets, sparse by rows."""
    with warnings.catch_warnings():
        # torch says once that this kind of tensor is young; products are all we ask of it.
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(
            torch.from_numpy(counted.starts()),
            torch.from_numpy(counted.columns),
            torch.from_numpy(counted.weighted(rarity)),
            size=(counted.texts, BUCKETS),
            check_invariants=False,
        )
