"""`make bench`, or `make bench ONLY=name`: one JSON object a benchmark, talk on standard error.

Exit status 0 when measured, met or not.
"""

import asyncio
import os
import sys
from importlib import import_module

BENCHMARKS = {
    "rls": "tests.benchmarks.rls",
    "launch-verify": "tests.benchmarks.launch_verify",
    "fair-share": "tests.benchmarks.fair_share",
    "provision": "tests.benchmarks.provision",
    "scim": "tests.benchmarks.scim",
    "session": "tests.benchmarks.session",
    "tenants": "tests.benchmarks.tenants",
}


async def main() -> int:
    only = os.environ.get("ONLY")
    if only and only not in BENCHMARKS:
        print(
            f"There is no benchmark {only!r}; there are: {', '.join(BENCHMARKS)}.", file=sys.stderr
        )
        return 2
    for name, module in BENCHMARKS.items():
        if only in (None, "", name):
            print(f"measuring {name} …", file=sys.stderr)
            result = await import_module(module).run()
            print(result.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
