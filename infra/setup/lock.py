"""`make lock`: the exact version of every package, compiled from pyproject.toml.

For every platform and Python that the project runs on, and with no registry's host in it.
"""

import os
import sys

from infra.problem import OperatorProblem
from infra.setup.places import CHECKOUT
from infra.setup.run import run, say, step
from infra.setup.tools import uv

RUNTIME = CHECKOUT / "infra" / "requirements.txt"
TEST = CHECKOUT / "infra" / "requirements-test.txt"


def main() -> int:
    upgrade = ["--upgrade"] if os.environ.get("UPGRADE") else []
    common = ["--universal", "--python-version", "3.11", "--no-annotate", "--no-header", "--quiet"]
    try:
        for title, only, output in (
            ("what runs", (), RUNTIME),
            ("what tests and demo add", ("--group", "test", "--constraint", str(RUNTIME)), TEST),
        ):
            command = ["pip", "compile", str(CHECKOUT / "pyproject.toml"), *common, *upgrade]
            with step(f"Compiling {title}"):
                run(
                    [uv(), *command, *only, "--output-file", output],
                    failing="The requirements could not be compiled",
                    directory=CHECKOUT,
                )
    except OperatorProblem as problem:
        say(f"{problem.what}\n{problem.mend}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
