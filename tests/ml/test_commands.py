"""`passerelle ml`, as an operator types it."""

import asyncio
import io
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import msgspec
import numpy as np
import pytest

from passerelle.kernel.settings import PREFIX, Settings
from tests.conftest import ROOT, People
from tests.skills.factories import load_starter

CALL = "from ml.commands import app; import sys; sys.exit(app(result_action='return_value') or 0)"


async def run(settings: Settings, *words: str, given: str = "") -> tuple[int, bytes, str]:
    """The exit status, what came out, and what was said beside it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    values = {
        f"{PREFIX}{name.upper()}": str(value)
        for name, value in msgspec.structs.asdict(settings).items()
        if value is not None and not isinstance(value, frozenset)
    }
    roots = f"{ROOT}{os.pathsep}{ROOT / 'platform'}"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", CALL, *words],
        input=given.encode(),
        capture_output=True,
        env={**kept, **values, "PYTHONPATH": roots, "COLUMNS": "200"},
    )
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.fixture(scope="module", autouse=True)
async def taxonomy(superuser: asyncpg.Connection, two_tenants: tuple[People, People]) -> None:
    await load_starter(superuser)


async def test_an_operator_trains_looks_and_embeds(settings: Settings) -> None:
    status, out, said = await run(settings, "status")
    assert status == 1, said
    status, out, said = await run(settings, "train", "--steps", "25")
    assert status == 0, said
    assert "551 skills" in out.decode()
    assert "step 25 of 25" in said
    status, out, said = await run(settings, "status")
    assert status == 0, said
    assert "served" in out.decode()
    lines = "data ethics\néthique des données\nأخلاقيات البيانات\n"
    status, out, said = await run(settings, "embed", "--kind", "skill", given=lines)
    assert status == 0, said
    vectors = np.load(io.BytesIO(out))
    assert vectors.shape == (3, 96)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_the_measured_model_is_trained_once_and_the_table_says_what_leaks(
    settings: Settings,
) -> None:
    status, out, said = await run(settings, "evaluate", "--steps", "25")
    assert status == 0, said
    table = out.decode()
    assert "two towers" in table
    assert "TF-IDF" in table
    assert "leaks" in table
    assert "step 25 of 25" in said
    _, _, said = await run(settings, "evaluate", "--steps", "25")
    assert "step" not in said
    kept = await asyncio.to_thread(
        lambda: list(Path(settings.objects_directory).glob("evaluation/*/model.npz"))
    )
    assert len(kept) == 1
