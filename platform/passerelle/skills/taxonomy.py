"""The taxonomy as it is read from files, before it is in the database.

Two sources: the starter files beside this module, and the whole ESCO classification as parquet
files in a folder of the operator's. Both give the same shape; both are checked before use.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from passerelle.kernel.language import LOCALES

STARTER_DIRECTORY = Path(__file__).parent / "starter"
STARTER_VERSION = "1"
ESCO_VERSION = "1.1.1"
ATTRIBUTION = "This service uses the ESCO classification of the European Commission."
SKILLS_LIMIT = 100_000
LINKS_LIMIT = 2_000_000

Kind = Literal["skill", "knowledge"]
Labels = Mapping[str, str]


class TaxonomyInvalid(Exception):
    """A taxonomy file is missing, cut short or contradicts itself; the message says where."""


class Skill(Struct, frozen=True):
    id: UUID
    kind: Kind
    labels: Labels


class Occupation(Struct, frozen=True):
    id: UUID
    isco: str
    labels: Labels


class Link(Struct, frozen=True):
    occupation_id: UUID
    skill_id: UUID
    essential: bool


class Taxonomy(Struct, frozen=True, kw_only=True):
    """Skills, occupations and the links between them, each id once; English is never missing."""

    id: str
    version: str
    skills: list[Skill]
    occupations: list[Occupation]
    links: list[Link]
    content_hash: str


def starter(directory: Path = STARTER_DIRECTORY) -> Taxonomy:
    """The starter taxonomy of the project. Raises TaxonomyInvalid."""
    skills = [
        Skill(UUID(row["id"]), _kind(row["type"]), _labels(row))
        for row in _tsv(directory / "skills.tsv")
    ]
    occupations = [
        Occupation(UUID(row["id"]), row["isco"], _labels(row))
        for row in _tsv(directory / "occupations.tsv")
    ]
    skill_ids = {skill.labels["en"]: skill.id for skill in skills}
    occupation_ids = {occupation.labels["en"]: occupation.id for occupation in occupations}
    links = []
    for row in _tsv(directory / "links.tsv"):
        try:
            ids = occupation_ids[row["occupation"]], skill_ids[row["skill"]]
        except KeyError as error:
            raise TaxonomyInvalid(f"links.tsv names {error}, which no other file holds") from None
        links.append(Link(*ids, row["relation"] == "essential"))
    names = ("skills.tsv", "occupations.tsv", "links.tsv")
    content_hash = _hash(directory / name for name in names)
    return checked("starter", STARTER_VERSION, skills, occupations, links, content_hash)


def esco(directory: Path) -> Taxonomy:
    """The ESCO classification from parquet files. Raises TaxonomyInvalid."""
    names = ("esco_skills.parquet", "esco_occupations.parquet", "esco_occ_skill.parquet")
    paths = [directory / name for name in names]
    for path in paths:
        if not path.is_file():
            raise TaxonomyInvalid(f"{path} is missing")
    skill_rows, occupation_rows, link_rows = (list(_parquet(path)) for path in paths)
    skills = [Skill(UUID(row["id"]), _kind(row["type"]), _labels(row)) for row in skill_rows]
    occupations = [
        Occupation(UUID(row["id"]), row["isco"], _labels(row)) for row in occupation_rows
    ]
    concepts: list[Skill | Occupation] = [*skills, *occupations]
    # Looked up by text: reading a UUID a quarter of a million times takes a second.
    by_text = {str(one.id): one.id for one in concepts}
    try:
        links = [
            Link(by_text[row["occ"]], by_text[row["skill"]], row["rel"] == "e") for row in link_rows
        ]
    except KeyError as error:
        raise TaxonomyInvalid(f"{names[2]} names {error}, which no other file holds") from None
    return checked("esco", ESCO_VERSION, skills, occupations, links, _hash(paths))


def checked(
    name: str,
    version: str,
    skills: list[Skill],
    occupations: list[Occupation],
    links: list[Link],
    content_hash: str,
) -> Taxonomy:
    """The parts put together. Raises TaxonomyInvalid where they contradict one another."""
    if len(skills) > SKILLS_LIMIT or len(links) > LINKS_LIMIT:
        raise TaxonomyInvalid(f"{name}: more than {SKILLS_LIMIT} skills or {LINKS_LIMIT} links")
    skill_ids, occupation_ids = {one.id for one in skills}, {one.id for one in occupations}
    if len(skill_ids) != len(skills) or len(occupation_ids) != len(occupations):
        raise TaxonomyInvalid(f"{name}: an id stands twice")
    concepts: list[Skill | Occupation] = [*skills, *occupations]
    for concept in concepts:
        if "en" not in concept.labels:
            raise TaxonomyInvalid(f"{name}: {concept.id} has no English label")
    if len({(link.occupation_id, link.skill_id) for link in links}) != len(links):
        raise TaxonomyInvalid(f"{name}: a link stands twice")
    return Taxonomy(
        id=name,
        version=version,
        skills=skills,
        occupations=occupations,
        links=links,
        content_hash=content_hash,
    )


def _tsv(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            for row in rows:
                if None in row or None in row.values():
                    raise TaxonomyInvalid(f"{path.name} line {rows.line_num}: wrong columns")
                yield row
    except OSError as error:
        raise TaxonomyInvalid(f"{path} can't be read: {error.strerror}") from error


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    # Imported here: only loading needs it, and it is heavy.
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path, columns=_columns(path.name))
    except (OSError, pyarrow.ArrowException) as error:
        raise TaxonomyInvalid(f"{path} can't be read: {error}") from error
    rows: Iterator[dict[str, Any]] = iter(table.to_pylist())
    return rows


def _columns(name: str) -> list[str]:
    return {
        "esco_skills.parquet": ["id", "type", "en", "fr", "ar"],
        "esco_occupations.parquet": ["id", "isco", "en", "fr", "ar"],
        "esco_occ_skill.parquet": ["occ", "skill", "rel"],
    }[name]


def _labels(row: Mapping[str, str | None]) -> dict[str, str]:
    texts = {locale: " ".join((row[locale] or "").split()) for locale in LOCALES}
    return {locale: text for locale, text in texts.items() if text}


def _kind(name: str | None) -> Kind:
    return "knowledge" if name and name.startswith("knowl") else "skill"


def _hash(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
