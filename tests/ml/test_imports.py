"""Torch stays in the process that trains."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SAYS = "import {module}, sys; print('torch' in sys.modules)"
MODULES = (
    "infra.web",
    "ml.commands",
    "ml.pipeline",
    "ml.serving.matcher",
    "ml.serving.tasks",
    "ml.tasks",
)


@pytest.mark.parametrize("module", MODULES)
def test_it_runs_without_torch(module: str) -> None:
    code = SAYS.format(module=module)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}"}
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert said.stdout.strip() == "False", said.stderr
