"""The JSON-LD context that credentials are signed with, and the demo's independent verifier."""

from infra.setup import node
from infra.setup.places import CHECKOUT, WEB, program
from infra.setup.run import run, step
from infra.setup.stamps import Stamp

ROOM = CHECKOUT / "platform" / "passerelle" / "credentials"
CONTEXTS = ROOM / "contexts"
VERIFIER = CHECKOUT / "infra" / "demo" / "verifier"


def make() -> None:
    _copy_contexts()
    _install_verifier()


def _copy_contexts() -> None:
    """Out of the npm package; the module that reads them checks that they are the agreed ones."""
    stamp = Stamp("contexts", files=(ROOM / "contexts.py", WEB / "package.json"))
    if stamp.is_current(CONTEXTS):
        return
    stamp.remove()
    run(
        [program("python"), "-m", "passerelle.credentials.contexts"],
        failing="The contexts of credentials could not be copied",
        mend=f"Remove {WEB / 'node_modules'} and {CONTEXTS}, and run `make setup` again.",
    )
    stamp.set()


def _install_verifier() -> None:
    lock = (VERIFIER / "package.json", VERIFIER / "package-lock.json")
    stamp = Stamp("verifier", files=lock)
    if stamp.is_current(VERIFIER / "node_modules"):
        return
    stamp.remove()
    with step("Installing the independent verifier of credentials (6 MB)"):
        node.npm(
            "ci",
            "--no-audit",
            "--no-fund",
            failing="The independent verifier could not be installed",
            directory=VERIFIER,
        )
    stamp.set()
