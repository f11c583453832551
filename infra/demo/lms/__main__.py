"""`python -m infra.demo.lms --port PORT --directory DIRECTORY`: the LMS on loopback."""

import argparse
from pathlib import Path

import uvicorn

from infra.demo.lms.adapter import Keys
from infra.demo.lms.app import create_app
from infra.demo.lms.book import Book


def main() -> None:
    arguments = argparse.ArgumentParser(prog="infra.demo.lms")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--directory", type=Path, required=True)
    # The host name by which browsers reach it; `lms.localhost` makes it another site than ours.
    arguments.add_argument("--host", default="localhost")
    given = arguments.parse_args()
    given.directory.mkdir(parents=True, exist_ok=True)
    issuer = f"http://{given.host}:{given.port}"
    app = create_app(issuer, Book(given.directory), Keys(given.directory))
    print(f"the LMS listens at {issuer}", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning")


main()
