"""The starter taxonomy, and a model trained on it that serves."""

import asyncpg
import pytest

from ml.pipeline import train_and_serve
from ml.training_settings import TrainingSettings
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from passerelle.skills.loading import load_taxonomy

# Enough to know near skills from far ones; a real training has ten times as many.
STEPS = 30


@pytest.fixture(scope="module")
async def taxonomy(superuser: asyncpg.Connection) -> None:
    await load_taxonomy(superuser)


@pytest.fixture(scope="module")
async def model(database: Database, settings: Settings, taxonomy: None) -> None:
    """The two towers, trained for a few steps and put in service."""
    await train_and_serve(database, settings, TrainingSettings(steps=STEPS, checkpoint_steps=STEPS))
