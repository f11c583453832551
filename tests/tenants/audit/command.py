"""The command line in a process of its own."""

import asyncio
import os
import sys

from passerelle.kernel.settings import PREFIX, Settings
from tests.conftest import ROOT

COMMAND = "from infra.commands import main; main()"


def environment(settings: Settings) -> dict[str, str]:
    """What a process needs to have these settings."""
    given = {
        f"{PREFIX}{name.upper()}": str(value)
        for name in Settings.__struct_fields__
        if isinstance(value := getattr(settings, name), str | int | float) and value != ""
    }
    return os.environ | given | {"PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"}


async def passerelle(settings: Settings, *words: str) -> tuple[int, str]:
    """Its exit status, and all it said on one line."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", COMMAND, *words),
        cwd=ROOT,
        env=environment(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, " ".join(said.decode().split())
