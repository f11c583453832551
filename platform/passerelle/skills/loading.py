"""Loading a taxonomy into the database, as its owner: an operator's work, never a request's."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import asyncpg
from msgspec import Struct

from passerelle.skills import taxonomy as sources
from passerelle.skills.folding import folded
from passerelle.skills.model import OCCUPATION_URI, SKILL_URI
from passerelle.skills.taxonomy import Occupation, Skill, Taxonomy

LOADING_LOCK = 7_283_010


class Loaded(Struct, frozen=True):
    """What a taxonomy brought; `anew` is false where the database held it already."""

    id: str
    skills: int
    occupations: int
    links: int
    anew: bool


async def load_taxonomy(
    owner: asyncpg.Connection, esco_directory: str | Path | None = None
) -> list[Loaded]:
    """Loads the starter taxonomy, then all of ESCO where its folder is given.

    `owner` may write the reference tables. Loading the same files again changes nothing. Where
    both hold a concept, ESCO's own labels and links stand. Raises TaxonomyInvalid.
    """
    loaded = [await load(owner, sources.starter())]
    if esco_directory is not None:
        loaded.append(await load(owner, sources.esco(Path(esco_directory))))
    return loaded


async def load(owner: asyncpg.Connection, taxonomy: Taxonomy) -> Loaded:
    """Writes one taxonomy in one transaction; the starter one never over all of ESCO."""
    counts = len(taxonomy.skills), len(taxonomy.occupations), len(taxonomy.links)
    async with owner.transaction():
        await owner.execute("select pg_advisory_xact_lock($1)", LOADING_LOCK)
        held = await owner.fetchval("select content_hash from taxonomy where id = $1", taxonomy.id)
        if held == taxonomy.content_hash:
            return Loaded(taxonomy.id, *counts, anew=False)
        keep = taxonomy.id == "starter" and await owner.fetchval(
            "select true from taxonomy where id = 'esco'"
        )
        for table, key, columns, rows in _tables(taxonomy):
            await _merge(owner, table, key, columns, rows, keep=bool(keep))
        await owner.execute(WRITE_TAXONOMY, *_version(taxonomy))
    for table in ("skill", "skill_label", "occupation_skill"):
        await owner.execute(f"analyze {table}")
    return Loaded(taxonomy.id, *counts, anew=True)


WRITE_TAXONOMY = """
insert into taxonomy (id, version, attribution, content_hash, skills, occupations, links)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do update set
  version = excluded.version, attribution = excluded.attribution,
  content_hash = excluded.content_hash, skills = excluded.skills,
  occupations = excluded.occupations, links = excluded.links, loaded_at = now()
"""

_Table = tuple[str, tuple[str, ...], tuple[str, ...], list[tuple[Any, ...]]]


def _version(taxonomy: Taxonomy) -> tuple[object, ...]:
    return (
        taxonomy.id,
        taxonomy.version,
        sources.ATTRIBUTION,
        taxonomy.content_hash,
        len(taxonomy.skills),
        len(taxonomy.occupations),
        len(taxonomy.links),
    )


def _tables(taxonomy: Taxonomy) -> list[_Table]:
    """Table, key, other columns, rows: in the order that foreign keys need."""
    skills = [(one.id, f"{SKILL_URI}{one.id}", one.kind) for one in taxonomy.skills]
    occupations = [(one.id, f"{OCCUPATION_URI}{one.id}", one.isco) for one in taxonomy.occupations]
    links = [
        (link.occupation_id, link.skill_id, "essential" if link.essential else "optional")
        for link in taxonomy.links
    ]
    text = ("label", "folded")
    return [
        ("skill", ("id",), ("uri", "kind"), skills),
        ("skill_label", ("skill_id", "locale"), text, _label_rows(taxonomy.skills)),
        ("occupation", ("id",), ("uri", "isco"), occupations),
        ("occupation_label", ("occupation_id", "locale"), text, _label_rows(taxonomy.occupations)),
        ("occupation_skill", ("occupation_id", "skill_id"), ("relation",), links),
    ]


def _label_rows(concepts: Iterable[Skill | Occupation]) -> list[tuple[Any, ...]]:
    return [
        (one.id, locale, label, folded(label))
        for one in concepts
        for locale, label in one.labels.items()
    ]


async def _merge(
    owner: asyncpg.Connection,
    table: str,
    key: tuple[str, ...],
    columns: tuple[str, ...],
    rows: list[tuple[Any, ...]],
    *,
    keep: bool,
) -> None:
    """COPY into a temporary table, then insert: much faster than row by row."""
    names = (*key, *columns)
    incoming = f"incoming_{table}"
    await owner.execute(
        f"create temporary table {incoming} on commit drop as select {', '.join(names)} "  # noqa: S608
        f"from {table} where false"
    )
    await owner.copy_records_to_table(incoming, columns=names, records=rows)
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns)
    what = "nothing" if keep else f"update set {changes}"
    await owner.execute(
        f"insert into {table} ({', '.join(names)}) select {', '.join(names)} "  # noqa: S608
        f"from {incoming} on conflict ({', '.join(key)}) do {what}"
    )
