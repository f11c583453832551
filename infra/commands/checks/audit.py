"""The heads of the audit records: whether they are written down out of the database's reach."""

import tempfile
from pathlib import Path

from infra.commands.checks.finding import Context, Finding, ok, problem, warning

NAME = "audit heads"


async def check(context: Context) -> list[Finding]:
    folder = context.settings.audit_anchor_directory
    mailbox = context.settings.audit_anchor_mailbox
    if folder:
        return [_folder(Path(folder))]
    if mailbox:
        return [ok(NAME, f"mailed to {mailbox} once a day")]
    return [
        warning(
            NAME,
            "The heads of the audit records are written down nowhere else.",
            "Who owns the database could rewrite a record from some point on, and nobody could "
            "tell.",
            "Set PASSERELLE_AUDIT_ANCHOR_DIRECTORY (best on another machine) or "
            "PASSERELLE_AUDIT_ANCHOR_MAILBOX.",
        )
    ]


def _folder(folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"passerelle doctor")
    except OSError as refused:
        return problem(
            NAME,
            f"{folder} cannot be written: {refused.strerror}.",
            "The heads of the audit records are to be written down there.",
            "Make the folder, owned by the user that runs the worker, or set another in "
            "PASSERELLE_AUDIT_ANCHOR_DIRECTORY.",
        )
    return ok(NAME, f"{folder} can be written")
