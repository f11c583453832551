"""What a model is trained on: skills with their names, and what occupations need, as arrays."""

import hashlib
import zlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ml.problems import TrainingDataInvalid
from passerelle.skills.taxonomy import Taxonomy

OCCUPATION_SKILLS_MINIMUM = 4
HOLD_OUT_FOLDS = 10


class Need(Struct, frozen=True):
    """What one occupation needs; skills by their place in TrainingData.skill_ids."""

    id: UUID
    isco: str
    essential: list[int]
    optional: list[int]


class TrainingData(Struct, frozen=True):
    """Skills and needs. `texts` holds each skill's names in all languages, as one text."""

    skill_ids: list[UUID]
    texts: list[str]
    needs: list[Need]

    def hash(self) -> str:
        """The same for the same content, whatever its order was."""
        digest = hashlib.sha256()
        for skill_id, text in sorted(zip(map(str, self.skill_ids), self.texts, strict=True)):
            digest.update(f"{skill_id}\t{text}\n".encode())
        for need in sorted(self.needs, key=lambda one: one.id):
            for kind in (need.essential, need.optional):
                names = sorted(str(self.skill_ids[place]) for place in kind)
                digest.update(f"{need.id} {need.isco} {' '.join(names)}\n".encode())
        return digest.hexdigest()


def training_data(
    skills: Sequence[tuple[UUID, str]], links: Sequence[tuple[UUID, str, UUID, bool]]
) -> TrainingData:
    """From skills (id, names) and links (occupation, ISCO, skill, essential).

    Raises TrainingDataInvalid, naming a skill that a link goes to and that isn't there.
    """
    ordered = sorted(skills)
    places = {skill_id: place for place, (skill_id, _) in enumerate(ordered)}
    needs: dict[UUID, Need] = {}
    for occupation_id, isco, skill_id, essential in sorted(links):
        if skill_id not in places:
            raise TrainingDataInvalid(f"unknown skill {skill_id} in occupation {occupation_id}")
        need = needs.setdefault(occupation_id, Need(occupation_id, isco, [], []))
        (need.essential if essential else need.optional).append(places[skill_id])
    usable = [one for one in needs.values() if len(one.essential) >= OCCUPATION_SKILLS_MINIMUM]
    ids, texts = [one for one, _ in ordered], [text for _, text in ordered]
    return checked(TrainingData(ids, texts, usable))


def of_taxonomies(*taxonomies: Taxonomy) -> TrainingData:
    """From taxonomies as read from files; of a concept in several, the last one's names stand."""
    names: dict[UUID, str] = {}
    links: dict[tuple[UUID, UUID], tuple[UUID, str, UUID, bool]] = {}
    for one in taxonomies:
        names |= {skill.id: "\n".join(skill.labels.values()) for skill in one.skills}
        codes = {occupation.id: occupation.isco for occupation in one.occupations}
        for link in one.links:
            row = (link.occupation_id, codes[link.occupation_id], link.skill_id, link.essential)
            links[link.occupation_id, link.skill_id] = row
    return training_data(list(names.items()), list(links.values()))


def checked(data: TrainingData) -> TrainingData:
    """The data, where it can be trained on. Raises TrainingDataInvalid."""
    if len(data.needs) < 2 or len(data.skill_ids) < 2:
        raise TrainingDataInvalid(f"{len(data.needs)} occupations, {len(data.skill_ids)} skills")
    if len(data.skill_ids) != len(data.texts) or len(set(data.skill_ids)) != len(data.skill_ids):
        raise TrainingDataInvalid("a skill without a name, or named twice")
    limit = len(data.skill_ids)
    for need in data.needs:
        if any(not 0 <= place < limit for place in (*need.essential, *need.optional)):
            raise TrainingDataInvalid(f"unknown skill in occupation {need.id}")
    return data


def held_out(concept_id: UUID) -> bool:
    """Whether a skill or an occupation is kept from training when quality is measured."""
    return zlib.crc32(str(concept_id).encode()) % HOLD_OUT_FOLDS == 0


def without_held_out(data: TrainingData) -> TrainingData:
    """What a measured model may see: nothing of a held-out occupation or skill."""
    hidden = {place for place, skill_id in enumerate(data.skill_ids) if held_out(skill_id)}
    texts = ["" if place in hidden else text for place, text in enumerate(data.texts)]
    needs = []
    for need in data.needs:
        essential = [place for place in need.essential if place not in hidden]
        optional = [place for place in need.optional if place not in hidden]
        if not held_out(need.id) and len(essential) >= OCCUPATION_SKILLS_MINIMUM:
            needs.append(Need(need.id, need.isco, essential, optional))
    return checked(TrainingData(data.skill_ids, texts, needs))


def padded(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Rows of different lengths as one array, and which of its cells are real."""
    width = max((len(row) for row in rows), default=0)
    places = np.zeros((len(rows), width), np.int64)
    real = np.zeros((len(rows), width), np.bool_)
    for number, row in enumerate(rows):
        places[number, : len(row)] = row
        real[number, : len(row)] = True
    return places, real
