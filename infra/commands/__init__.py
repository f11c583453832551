"""The operator's command line, `passerelle`. One file a group of commands; see README.md."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from infra.commands.context import guarded, use_settings_file
from infra.setup.places import MADE

app = App(
    name="passerelle",
    help="Run and look after a Passerelle service. Settings come from PASSERELLE_… variables of "
    "the environment, or from a file of them.",
    version=version("passerelle"),
    default_parameter=Parameter(negative=()),
)
# By their import path: only the group that is used is loaded.
for place, name, summary in (
    (
        "infra.commands.doctor:doctor",
        "doctor",
        "Look at everything the service needs, and say how to mend it.",
    ),
    (
        "infra.commands.database:migrate",
        "migrate",
        "Create the roles where missing, and apply new migrations.",
    ),
    ("infra.commands.processes:web", "web", "Answer people's requests, until SIGTERM."),
    ("infra.commands.processes:worker", "worker", "Carry out what events ask for, until SIGTERM."),
    (
        "infra.commands.outbox:app",
        "outbox",
        "See what waits to be carried out; try again what could not be.",
    ),
    (
        "infra.commands.audit:app",
        "audit",
        "The audit records: verify their chains, write their heads down, export them.",
    ),
    ("infra.commands.tenant:app", "tenant", "The organisations that are customers."),
    ("infra.commands.plan:app", "plan", "What an organisation may use, and what it uses."),
    ("integrations.keycloak.commands:app", "member", "People who sign in through Keycloak."),
    ("ml.commands:app", "ml", "The matching model: train it, look at it, measure it."),
    (
        "infra.commands.taxonomy:app",
        "taxonomy",
        "The skills and occupations that everything is told in.",
    ),
    (
        "infra.commands.model:app",
        "model",
        "The matching models on record, and asking for another.",
    ),
):
    app.command(place, name=name, help=summary)


@app.meta.default
def start(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    settings: Path | None = None,
    instance: str | None = None,
) -> int:
    """Reads the settings, then runs the command.

    Parameters
    ----------
    settings
        A file of `PASSERELLE_NAME=value` lines, in front of the environment's.
    instance
        The instance of this checkout whose settings to use, such as `demo`.
    """
    if instance is not None:
        settings = MADE / instance / "settings.env"
    if settings is not None:
        use_settings_file(settings)
    outcome = app(tokens, result_action="return_value")
    return outcome if isinstance(outcome, int) else 0


def main() -> None:
    """The entry point. Exit status 0 when all went well, 1 for a problem, which is said."""
    guarded(lambda: app.meta(result_action="return_value"))
