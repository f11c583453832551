"""`passerelle member`: adding the people who administer an organisation, before anyone can."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from integrations.keycloak.administration import Administration
from integrations.keycloak.members import AddedMember, NewMember, add_member
from passerelle.kernel import actor as actors
from passerelle.kernel import settings as kernel_settings
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Invalid
from passerelle.kernel.language import Locale
from tenants.service import tenant_by_slug

app = App(name="member", help="People of an organisation who sign in through Keycloak.")


@app.command
def add(
    tenant: str,
    email: str,
    *,
    first_name: str,
    last_name: str,
    role: list[str],
    locale: Locale = "en",
    password_file: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,
) -> int:
    """Add a member: account, membership and roles. Again, it adds roles and nothing else.

    Parameters
    ----------
    tenant
        The organisation's address: SLUG of /t/SLUG.
    email
        With which the person signs in.
    first_name
        As the person writes it.
    last_name
        As the person writes it.
    role
        learner, recruiter or tenant_admin; give it once for each.
    locale
        The person's language: en, fr or ar.
    password_file
        A file with the first password, or - for standard input. Without it, Keycloak sends the
        person a link to choose one.
    """
    new = NewMember(
        email=email,
        first_name=first_name,
        last_name=last_name,
        locale=locale,
        roles=role,
        password=None if password_file is None else _password(password_file),
    )
    added = asyncio.run(_add(tenant, new))
    account = "A new account" if added.account_created else "The account that was there"
    print(f"{account} of {email} is a member of /t/{tenant} ({added.person_id}).")
    return 0


async def _add(slug: str, new: NewMember) -> AddedMember:
    settings = kernel_settings.load()
    database = Database(settings)
    await database.open()
    try:
        tenant = await tenant_by_slug(database, slug)
        async with Administration(settings) as administration:
            actor = actors.system("operator: member add", tenant.id)
            return await add_member(database, settings, administration, tenant, new, actor)
    finally:
        await database.close()


def _password(file: Path) -> str:
    """The first line. Raises Invalid."""
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise Invalid(f"{file} can't be read: {problem}") from None
    lines = text.splitlines()
    if not lines or not lines[0]:
        raise Invalid(f"{file} holds no password")
    return lines[0]
