"""A small world to match in: the starter taxonomy, a model of it, and people who have proven."""

from functools import lru_cache

from ml.artefact import Artefact
from ml.data import TrainingData, of_taxonomies
from ml.training_settings import TrainingSettings
from tests.skills.factories import starter

QUICK = TrainingSettings(steps=60, pairs=128, hard_negatives=16, threads=1)


@lru_cache(maxsize=1)
def starter_data() -> TrainingData:
    return of_taxonomies(starter())


@lru_cache(maxsize=1)
def starter_model() -> Artefact:
    from ml.training import train

    return train(starter_data(), QUICK)
