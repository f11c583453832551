"""`passerelle migrate`: roles, database and migrations."""

import os
from urllib.parse import urlsplit

from infra import database as databases
from infra.commands.context import console, operator_database_url, run, settings
from infra.problem import OperatorProblem

MIGRATION_PASSWORD = "PASSERELLE_DATABASE_PASSWORD_MIGRATION"  # noqa: S105  the variable's name


def migrate() -> int:
    """Create the roles where missing, set their passwords, and apply new migrations.

    Needs PASSERELLE_OPERATOR_DATABASE_URL: the first time a superuser's, who makes the roles; later
    that of the role `migration` is enough for new migrations. Its password is what
    PASSERELLE_DATABASE_PASSWORD_MIGRATION holds when a superuser runs this. May be run again; two
    at once wait for one another.
    """
    own = settings()
    operator = operator_database_url()
    if urlsplit(operator).path != urlsplit(own.database_url).path:
        raise OperatorProblem(
            "PASSERELLE_OPERATOR_DATABASE_URL and PASSERELLE_DATABASE_URL name two databases.",
            "Give both the same name.",
        )
    passwords = {
        role: str(getattr(own, f"database_password_{role}")) for role in databases.SERVING_ROLES
    }
    for role, password in passwords.items():
        if not password:
            raise OperatorProblem(
                f"PASSERELLE_DATABASE_PASSWORD_{role.upper()} is not set.",
                "Give every role a password of its own, for this command.",
            )
    if own_password := os.environ.get(MIGRATION_PASSWORD):
        passwords[databases.MIGRATION_ROLE] = own_password
    try:
        applied = run(_migrate(operator, passwords))
    except (databases.MigrationChanged, databases.MigrationFailed) as problem:
        raise OperatorProblem(
            f"{problem}.", "The database is as it was before that file. Mend the file."
        ) from problem
    except databases.RolesMissing as problem:
        raise OperatorProblem(
            f"{problem}.", "Give PASSERELLE_OPERATOR_DATABASE_URL a superuser's address, this once."
        ) from problem
    console.print("\n".join(f"applied {name}" for name in applied) or "Nothing to apply.")
    return 0


async def _migrate(operator_url: str, passwords: dict[str, str]) -> list[str]:
    if await databases.is_superuser(operator_url):
        await databases.create_roles(operator_url, passwords)
    return await databases.migrate(operator_url)
