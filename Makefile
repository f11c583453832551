# Passerelle: `make help` says what each command does. Only Python 3.11+ and make are needed.
PYTHON ?= python3
INSIDE := .venv/bin/python
ONLY ?=
ONCE ?=
SEED ?=
ALL ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench lint lock reset

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | awk -F ':.*## ' '{printf "  make %-7s %s\n", $$1, $$2}'

setup: ## install what the other commands need (the first time about 3 GB), then only what changed
	@$(PYTHON) -m infra.setup

demo: setup ## start everything, play the story, stay up; ONCE=1 ends after it; SEED=large adds a year
	@ONCE=$(ONCE) SEED=$(SEED) $(INSIDE) -m infra.demo

test: setup ## all tests, against real servers of their own; ARGS="tests/walls -k shared" for some
	@$(INSIDE) -m pytest -n 2 --dist loadfile --durations=10 $(ARGS)

bench: setup ## the benchmarks, one JSON object a line; ONLY=name for one, FULL=1 for the full sizes
	@ONLY=$(ONLY) $(INSIDE) -m tests.benchmarks

lint: setup ## formatting, lint, types and import contracts
	@$(INSIDE) -m ruff format --check . && $(INSIDE) -m ruff check . && \
	 $(INSIDE) -m mypy && .venv/bin/lint-imports

lock: setup ## compile the requirements from pyproject.toml; UPGRADE=1 takes the newest versions
	@$(PYTHON) -m infra.setup.lock

reset: ## stop this checkout's servers and remove their data; ALL=1 removes the downloads as well
	@ALL=$(ALL) $(PYTHON) -m infra.setup.reset
