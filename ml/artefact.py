"""A trained model as one file: the vectors of its skills, and the encoder of texts. NumPy only."""

import hashlib
import io
import zipfile
from pathlib import Path
from uuid import UUID

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ml.features import BUCKETS, TextEncoder
from ml.pooling import DIMENSIONS, Vectors
from ml.problems import ModelArtefactCorrupt

SKILLS_LIMIT = 100_000
BYTES_LIMIT = 512 * 1024 * 1024
NORM_LIMIT = 1e4


class Artefact(Struct, frozen=True, kw_only=True):
    """Row i of `as_evidence` and `as_requirement` is skill i, as float32.

    `rarity`, `table` and `turn` encode any text into the same space.
    """

    skill_ids: list[UUID]
    as_evidence: Vectors
    as_requirement: Vectors
    rarity: Vectors
    table: Vectors
    turn: Vectors
    metrics: dict[str, float]

    def text_encoder(self) -> TextEncoder:
        return TextEncoder(self.rarity, self.table)

    def encode_texts(self, texts: list[str]) -> Vectors:
        """One unit row a text, in the space of the skills."""
        vectors = self.text_encoder().encode(texts) @ self.turn
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
        return unit


def save(artefact: Artefact, path: Path) -> str:
    """Writes the file, whole or not at all; returns its SHA-256."""
    checked(artefact, path.name)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        skill_ids=np.frombuffer(b"".join(one.bytes for one in artefact.skill_ids), np.uint8),
        as_evidence=artefact.as_evidence,
        as_requirement=artefact.as_requirement,
        rarity=artefact.rarity,
        table=artefact.table,
        turn=artefact.turn,
        metric_names=np.array(sorted(artefact.metrics)),
        metric_values=np.array([artefact.metrics[name] for name in sorted(artefact.metrics)]),
    )
    content = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_bytes(content)
    beside.replace(path)
    return hashlib.sha256(content).hexdigest()


def load(path: Path, sha256: str | None = None) -> Artefact:
    """The model of the file; with `sha256`, only if it is that very file.

    Raises ModelArtefactCorrupt, which names the file and what is wrong with it.
    """
    try:
        if path.stat().st_size > BYTES_LIMIT:
            raise ModelArtefactCorrupt(f"{path.name}: larger than {BYTES_LIMIT} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise ModelArtefactCorrupt(f"{path.name}: {error.strerror}") from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ModelArtefactCorrupt(f"{path.name}: it is not the file that was registered")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as held:
            raw: NDArray[np.uint8] = held["skill_ids"]
            identifiers = raw.tobytes()
            names, values = held["metric_names"], held["metric_values"]
            artefact = Artefact(
                skill_ids=[
                    UUID(bytes=identifiers[place : place + 16])
                    for place in range(0, len(identifiers), 16)
                ],
                as_evidence=held["as_evidence"],
                as_requirement=held["as_requirement"],
                rarity=held["rarity"],
                table=held["table"],
                turn=held["turn"],
                metrics={
                    str(name): float(value) for name, value in zip(names, values, strict=True)
                },
            )
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelArtefactCorrupt(f"{path.name}: {error}") from error
    return checked(artefact, path.name)


def checked(artefact: Artefact, name: str) -> Artefact:
    """The artefact, where every number is one and every shape fits."""
    count = len(artefact.skill_ids)
    if not 0 < count <= SKILLS_LIMIT or len(set(artefact.skill_ids)) != count:
        raise ModelArtefactCorrupt(f"{name}: {count} skills, or one of them twice")
    shapes = {
        "as_evidence": (count, DIMENSIONS),
        "as_requirement": (count, DIMENSIONS),
        "rarity": (BUCKETS,),
        "table": (BUCKETS, DIMENSIONS),
        "turn": (DIMENSIONS, DIMENSIONS),
    }
    for field, shape in shapes.items():
        array: Vectors = getattr(artefact, field)
        if array.shape != shape or array.dtype != np.float32:
            raise ModelArtefactCorrupt(f"{name}: {field} is {array.dtype} {array.shape}")
        if not np.isfinite(array).all():
            raise ModelArtefactCorrupt(f"{name}: {field} holds a number that is none")
    for field in ("as_evidence", "as_requirement"):
        largest = float(np.linalg.norm(getattr(artefact, field), axis=1).max())
        if largest > NORM_LIMIT:
            raise ModelArtefactCorrupt(f"{name}: a vector of {field} is {largest:.0f} long")
    return artefact
