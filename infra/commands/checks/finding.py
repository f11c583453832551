"""What a check found, and what every check is given."""

from typing import Literal

import msgspec

from passerelle.kernel.settings import Settings

State = Literal["ok", "warning", "problem"]


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """`what` is so, `why` it matters, how to `mend` it; the last two are empty when all is well."""

    check: str
    state: State
    what: str
    why: str = ""
    mend: str = ""


class Context(msgspec.Struct, frozen=True):
    """`operator_database_url` is empty where the operator did not give it."""

    settings: Settings
    operator_database_url: str


def ok(check: str, what: str) -> Finding:
    return Finding(check, "ok", what)


def warning(check: str, what: str, why: str, mend: str) -> Finding:
    return Finding(check, "warning", what, why, mend)


def problem(check: str, what: str, why: str, mend: str) -> Finding:
    return Finding(check, "problem", what, why, mend)
