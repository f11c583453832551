"""`passerelle tenant`: organisations made, listed, suspended, deleted, restored."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import msgspec
from cyclopts import App, Parameter
from redis.asyncio import Redis
from rich.table import Table

from infra.commands.context import AsJson, console, run, settings
from infra.problem import OperatorProblem
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.language import Locale, Localised
from passerelle.kernel.settings import Settings
from tenants.access.operator import operator
from tenants.access.sessions import Sessions
from tenants.organisations import standing, store
from tenants.organisations.model import Organisation, Status, Tombstone
from tenants.organisations.operator_api import Asked, make

app = App(name="tenant", help="The organisations that are customers.")

# By their import path: they load every room.
app.command("infra.commands.privacy:export", name="export", help="Write all of it into one file.")
app.command("infra.commands.privacy:bring", name="import", help="Bring one in from such a file.")

PAGE_ROWS = 500
Outcome = TypeVar("Outcome")
Why = Annotated[str, Parameter(name="--reason")]


class Tools(msgspec.Struct, frozen=True):
    """What a command works with; the same as a web process has."""

    settings: Settings
    database: Database
    sessions: Sessions
    actor: Actor


@app.command(name="list")
def show_all(*, status: Status | None = None, search: str = "", as_json: AsJson = False) -> int:
    """List organisations by address.

    Parameters
    ----------
    status
        Only those that stand so: active, suspended or deleting.
    search
        Only those with this in their address or name.
    as_json
        Print one JSON array.
    """
    rows = _with_tools(lambda tools: _every(tools.database, status, search))
    if as_json:
        return _print_json(rows)
    table = Table("address", "name", "standing", "members", "listed", "since")
    for one in rows:
        table.add_row(
            f"/t/{one.slug}",
            one.name.in_(one.default_locale),
            _standing(one),
            str(one.members),
            "yes" if one.listed else "no",
            f"{one.created_at:%Y-%m-%d}",
        )
    console.print(table)
    return 0


@app.command
def show(slug: str, *, as_json: AsJson = False) -> int:
    """Show one organisation; of an erased one, what stays of it and the receipt.

    Parameters
    ----------
    slug
        Its address: SLUG of /t/SLUG.
    as_json
        Print one JSON object.
    """
    found = _with_tools(lambda tools: standing.shown(tools.database, slug))
    if as_json:
        return _print_json(found)
    table = Table(show_header=False)
    for name, value in msgspec.to_builtins(found).items():
        if value is not None and name != "receipt":
            table.add_row(name.replace("_", " "), _words(value))
    if isinstance(found, Tombstone):
        table.add_row("rows erased", str(sum(found.receipt["rows"].values())))
        table.add_row("why", str(found.receipt["reason"]))
    console.print(table)
    return 0


@app.command
def create(
    slug: str,
    *,
    english: str,
    french: str,
    arabic: str,
    owner: str,
    default_locale: Locale = "en",
    listed: bool = False,
    request_key: str | None = None,
    as_json: AsJson = False,
) -> int:
    """Make an organisation, and invite its owner by mail.

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
    owner
        The e-mail address of who is to own it: a link is mailed there.
    default_locale
        The language it is shown in where a person has chosen none.
    listed
        Whether persons may choose it from a list to share with.
    request_key
        Repeated with the same key, the command makes nothing and answers the same.
    as_json
        Print one JSON object.
    """
    asked = Asked(
        slug=slug,
        name=Localised(english, french, arabic),
        owner_email=owner,
        default_locale=default_locale,
        listed=listed,
    )
    made = _with_tools(lambda tools: make(tools.database, asked, request_key, tools.actor))
    if as_json:
        return _print_json(made)
    was = "is there" if made.created else "was there already"
    console.print(f"/t/{slug} {was} ({made.id}). {owner} is invited to own it.", highlight=False)
    return 0


@app.command
def suspend(slug: str, *, reason: Why, as_json: AsJson = False) -> int:
    """Close every way into an organisation. What it issued still verifies.

    Parameters
    ----------
    slug
        Its address: SLUG of /t/SLUG.
    reason
        Stays on record in the organisation.
    as_json
        Print the organisation as one JSON object.
    """

    async def work(tools: Tools) -> None:
        await standing.suspend(tools.database, tools.sessions, slug, reason, tools.actor)

    return _done(work, slug, as_json)


@app.command
def lift(slug: str, *, reason: Why, as_json: AsJson = False) -> int:
    """Open a suspended organisation again; what waited goes on.

    Parameters
    ----------
    slug
        Its address: SLUG of /t/SLUG.
    reason
        Stays on record in the organisation.
    as_json
        Print the organisation as one JSON object.
    """

    async def work(tools: Tools) -> None:
        await standing.lift(tools.database, slug, reason, tools.actor)

    return _done(work, slug, as_json)


@app.command
def delete(
    slug: str,
    *,
    reason: Why,
    confirm: str | None = None,
    grace_days: int | None = None,
    as_json: AsJson = False,
) -> int:
    """Close an organisation at once, and erase all of it when the grace is over.

    Parameters
    ----------
    slug
        Its address: SLUG of /t/SLUG.
    reason
        Stays on the receipt.
    confirm
        Its address once more; without it, you are asked to type it.
    grace_days
        Until then it can be restored; without it, PASSERELLE_DELETION_GRACE_DAYS.
    as_json
        Print the organisation as one JSON object.
    """
    if grace_days is not None and grace_days < 0:
        raise OperatorProblem("The grace can't be less than 0 days.", "Give 0 or more.")
    if confirm is None:
        confirm = console.input(f"Type the address of the organisation to delete ({slug}): ")
    confirmation = confirm.strip()

    async def work(tools: Tools) -> None:
        await standing.delete(
            tools.database,
            tools.sessions,
            tools.settings,
            slug,
            confirmation=confirmation,
            reason=reason,
            actor=tools.actor,
            grace_days=grace_days,
        )

    return _done(work, slug, as_json)


@app.command
def restore(slug: str, *, reason: Why, as_json: AsJson = False) -> int:
    """Undo a deletion whose grace is not over.

    Parameters
    ----------
    slug
        Its address: SLUG of /t/SLUG.
    reason
        Stays on record in the organisation.
    as_json
        Print the organisation as one JSON object.
    """

    async def work(tools: Tools) -> None:
        await standing.restore(tools.database, slug, reason, tools.actor)

    return _done(work, slug, as_json)


def _done(work: Callable[[Tools], Awaitable[None]], slug: str, as_json: bool) -> int:
    async def then_show(tools: Tools) -> Organisation | Tombstone:
        await work(tools)
        return await standing.shown(tools.database, slug)

    found = _with_tools(then_show)
    if as_json:
        return _print_json(found)
    if isinstance(found, Organisation):
        console.print(f"/t/{slug}: {_standing(found)}.", highlight=False)
    return 0


def _standing(one: Organisation) -> str:
    if one.status == "suspended":
        return f"suspended ({one.suspended_reason})"
    if one.status == "deleting" and one.erase_after is not None:
        return f"to be erased from {one.erase_after:%Y-%m-%d %H:%M} UTC on"
    return one.status


def _words(value: object) -> str:
    if isinstance(value, dict):
        return " · ".join(str(one) for one in value.values())
    return str(value)


async def _every(database: Database, status: Status | None, search: str) -> list[Organisation]:
    """Page by page: an installation may hold thousands."""
    found: list[Organisation] = []
    after = ""
    while True:
        page = await store.organisations(
            database.operator_lookup, after=after, status=status, search=search, most=PAGE_ROWS
        )
        found += page
        if len(page) < PAGE_ROWS:
            return found
        after = page[-1].slug


def _print_json(value: object) -> int:
    print(msgspec.json.encode(value).decode())
    return 0


def _with_tools(work: Callable[[Tools], Awaitable[Outcome]]) -> Outcome:
    return run(_opened(work))


async def _opened(work: Callable[[Tools], Awaitable[Outcome]]) -> Outcome:
    own = settings()
    database, valkey = Database(own), Redis.from_url(own.valkey_url)
    await database.open()
    try:
        return await work(Tools(own, database, Sessions(valkey, own), operator("system")))
    finally:
        await valkey.aclose()
        await database.close()
