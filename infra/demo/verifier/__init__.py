"""A second opinion on credentials: Digital Bazaar's verifier, run beside the product.

Installed once by `npm ci` in this folder (`make setup`); it shares no code with ours, and asks the
running server for the issuer's DID document like anyone else.
"""

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path

import msgspec

from infra.setup.node import node

FOLDER = Path(__file__).parent
TIME_LIMIT_S = 60


class Verdict(msgspec.Struct, frozen=True):
    """What the independent verifier says of one credential; `reason` where it refuses."""

    valid: bool
    reason: str | None = None


class VerifierMissing(Exception):
    """The verifier isn't installed or stopped; the message says the mend."""


async def verdicts(texts: Sequence[bytes]) -> list[Verdict]:
    """One verdict a credential, in order, from one run. Raises VerifierMissing."""
    if not (FOLDER / "node_modules").is_dir():
        raise VerifierMissing(f"{FOLDER} has no node_modules. Run `make setup`.")
    process = await asyncio.create_subprocess_exec(
        node(),
        "verify.mjs",
        cwd=FOLDER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    lines = b"".join(base64.b64encode(text) + b"\n" for text in texts)
    try:
        said, complaint = await asyncio.wait_for(process.communicate(lines), TIME_LIMIT_S)
    except TimeoutError as error:
        process.kill()
        raise VerifierMissing(f"the verifier said nothing for {TIME_LIMIT_S} s") from error
    found = [msgspec.json.decode(line, type=Verdict) for line in said.splitlines()]
    if process.returncode != 0 or len(found) != len(texts):
        raise VerifierMissing(f"the verifier stopped: {complaint.decode(errors='replace')[-500:]}")
    return found


async def verdict(text: bytes) -> Verdict:
    """What the independent verifier says of one credential. Raises VerifierMissing."""
    [found] = await verdicts([text])
    return found
