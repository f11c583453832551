"""`passerelle member add`, as an operator types it."""

import asyncio
import os
import sys
from pathlib import Path

from passerelle.kernel.identifiers import new_id
from passerelle.kernel.settings import PREFIX, Settings
from tests.conftest import ROOT
from tests.integrations.conftest import PASSWORD, House

COMMAND = "from infra.commands import main; main()"


async def passerelle(settings: Settings, *words: str, typed: str = "") -> tuple[int, str]:
    """Runs the command line in a process of its own; returns its status and all it said."""
    given = {
        f"{PREFIX}{name.upper()}": str(value)
        for name in Settings.__struct_fields__
        if isinstance(value := getattr(settings, name), str | int | float) and value != ""
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", COMMAND, *words),
        cwd=ROOT,
        env=os.environ | given | {"PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(typed.encode())
    return process.returncode or 0, " ".join(said.decode().split())


async def test_an_operator_adds_the_first_administrator(
    web_settings: Settings, house: House
) -> None:
    email = f"{new_id().hex[-12:]}@example.org"
    names = ("--first-name", "Nadia", "--last-name", "Chraibi", "--password-file", "-")
    words = ("member", "add", house.retail[1], email, *names)
    status, said = await passerelle(web_settings, *words, "--role", "tenant_admin", typed=PASSWORD)
    assert status == 0, said
    assert f"A new account of {email} is a member of /t/{house.retail[1]}" in said
    assert PASSWORD not in said
    status, said = await passerelle(web_settings, *words, "--role", "recruiter", typed=PASSWORD)
    assert status == 0, said
    assert "The account that was there" in said


async def test_what_can_not_be_done_is_said_in_a_sentence(
    web_settings: Settings, house: House, tmp_path: Path
) -> None:
    names = ("--first-name", "N", "--last-name", "C")
    email = f"{new_id().hex[-12:]}@example.org"
    weak = tmp_path / "weak"
    weak.write_text("short\n")
    for words, expected in (
        (("nobody", email, *names, "--role", "learner"), "No organisation has this address"),
        ((house.retail[1], email, *names, "--role", "sovereign"), "needs mending"),
        (
            (house.retail[1], email, *names, "--role", "learner", "--password-file", str(weak)),
            "does not take this account",
        ),
        (
            (house.retail[1], email, *names, "--role", "learner", "--password-file", "/nowhere"),
            "/nowhere can't be read",
        ),
    ):
        status, said = await passerelle(web_settings, "member", "add", *words)
        assert status == 1, said
        assert expected in said
        assert "Traceback" not in said
