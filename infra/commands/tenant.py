"""`passerelle tenant`: the organisations, and adding one."""

import json

import asyncpg
import msgspec
from cyclopts import App
from rich.table import Table

from infra.commands.context import AsJson, console, operator_database_url, run, settings
from passerelle.kernel.database import Database
from passerelle.kernel.language import Locale, Localised
from tenants.service import create_tenant

app = App(name="tenant", help="The organisations that are customers.")

TENANTS = """
select tenant.slug, tenant.name, tenant.default_locale, tenant.listed, tenant.created_at,
  (select count(*) from member where member.tenant_id = tenant.id) as members
from tenant order by tenant.slug
"""


@app.command(name="list")
def show(*, as_json: AsJson = False) -> int:
    """List every organisation. Needs PASSERELLE_OPERATOR_DATABASE_URL.

    Parameters
    ----------
    as_json
        Print one JSON array.
    """
    rows = run(_tenants(operator_database_url()))
    if as_json:
        print(json.dumps(msgspec.to_builtins([dict(row) for row in rows])))
        return 0
    table = Table("address", "name", "language", "members", "listed", "since")
    for row in rows:
        name = msgspec.json.decode(row["name"], type=Localised)
        table.add_row(
            f"/t/{row['slug']}",
            name.in_(row["default_locale"]),
            row["default_locale"],
            str(row["members"]),
            "yes" if row["listed"] else "no",
            f"{row['created_at']:%Y-%m-%d}",
        )
    console.print(table)
    return 0


@app.command
def create(
    slug: str,
    *,
    english: str,
    french: str,
    arabic: str,
    default_locale: Locale = "en",
    listed: bool = False,
) -> int:
    """Add an organisation.

    Parameters
    ----------
    slug
        Its address: /t/SLUG. Two to 31 small letters, digits or hyphens.
    english
        Its name in English.
    french
        Its name in French.
    arabic
        Its name in Arabic.
    default_locale
        The language it is shown in where a person has chosen none.
    listed
        Whether persons may choose it from a list to share with.
    """
    tenant_id = run(_create(slug, Localised(english, french, arabic), default_locale, listed))
    console.print(f"/t/{slug} is there ({tenant_id}).", highlight=False)
    return 0


async def _tenants(url: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(TENANTS)
        return rows
    finally:
        await connection.close()


async def _create(slug: str, name: Localised, default_locale: Locale, listed: bool) -> object:
    database = Database(settings())
    await database.open()
    try:
        return await create_tenant(database, slug, name, default_locale, listed=listed)
    finally:
        await database.close()
