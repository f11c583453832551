"""Every route with every identifier of the other organisation and the other person.

In a session with every permission at once, in every position of path, query and body: the answer
is that of an identifier that exists nowhere, nothing of theirs stands in it, and nothing of theirs
has changed.
"""

import re
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar

from passerelle.kernel.actor import OPERATOR, PERSON, PUBLIC
from passerelle.kernel.database import Database
from passerelle.kernel.settings import Settings
from tests.people.factories import themselves
from tests.walls.attack import UUID_TEXT, Seen, Target, seen, targets
from tests.walls.crawl import Walked, walk
from tests.walls.mirror import OwnedTable, owned_tables
from tests.walls.world import Resident, Visitor, World, build, visitor


class Attack(msgspec.Struct):
    """One session and what it knows."""

    world: World
    visitor: Visitor
    walked: Walked
    targets: list[Target]
    identifiers: list[str]
    words: list[str]
    theirs: set[str]
    # Pages that our own identifiers did not open, before anything was attacked.
    closed: list[str] = []
    findings: list[str] = []
    asked: int = 0
    turn: int = 0

    async def send(
        self, target: Target, place: str, name: str, value: str, accept: str
    ) -> httpx.Response:
        sent = target.request(place, name, value)
        headers = {**sent.pop("headers", {}), "accept": accept}
        answer = await self.visitor.send(target.method, sent.pop("path"), headers=headers, **sent)
        self.asked += 1
        if target.method != "GET" and place != "path":
            self.world.told.add(value)
        self.look_through(target, answer, value)
        return answer

    async def see(
        self,
        target: Target,
        place: str,
        name: str,
        accept: str,
        blanked: tuple[str, ...],
        value: str,
    ) -> Seen:
        return seen(await self.send(target, place, name, value, accept), blanked)

    def look_through(self, target: Target, answer: httpx.Response, sent: str) -> None:
        """No canary of theirs in an answer, nor an identifier that was not in the request."""
        text = answer.text + str(dict(answer.headers))
        if answer.status_code == 500:
            self.once(f"{target.name}: 500", f" at {sent}")
        if self.world.theirs.side.canary in text.replace(sent, ""):
            self.findings.append(f"{target.name}: their canary, at {sent}")
        shown = set(UUID_TEXT.findall(text)) & self.theirs - {sent} - self.world.told
        if shown:
            self.findings.append(f"{target.name}: their {shown}, at {sent}")

    async def at_every_position(self, target: Target) -> None:
        for place, name in target.positions():
            expected: dict[tuple[bool, str], Seen] = {}
            for number, one in enumerate(self.candidates(target, place, name)):
                # The page once, then what programs get: the same refusal, made in less time.
                accept = "text/html" if number == 0 else "application/json"
                kind = bool(UUID_TEXT.fullmatch(one)), accept
                # Alike but for its end, so that it stands in the same place of a sorted list.
                invented = one[:-12] + uuid4().hex[:12] if kind[0] else one[:-1] + "q"
                see = partial(self.see, target, place, name, accept, (one, invented))

                if kind not in expected:
                    expected[kind] = await see(invented)
                got = await see(one)
                if got != expected[kind]:
                    # Our own state may have moved on, and some of what differs is random: twice
                    # more for what exists nowhere, once for what is theirs.
                    first, got, second = await see(invented), await see(one), await see(invented)
                    expected[kind] = second
                    if free_text(target, place, name):
                        # It may have been written: what the page says next is about that.
                        got.text = first.text = second.text = ""
                    if not got.like(first, second):
                        self.tell(target, place, name, one, got, second)
                if target.method != "GET":
                    await self.visitor.still_in()

    def tell(
        self, target: Target, place: str, name: str, value: str, got: Seen, expected: Seen
    ) -> None:
        start = next(
            (
                at
                for at, pair in enumerate(zip(got.text, expected.text, strict=False))
                if pair[0] != pair[1]
            ),
            0,
        )
        around = slice(max(0, start - 80), start + 200)
        self.once(
            f"{target.name} {place} {name}=",
            f"{value}: {got.status} {got.text[around]!r}\n"
            f"   but made up: {expected.status} {expected.text[around]!r}\n"
            f"   {got.headers if got.headers != expected.headers else ''}",
        )

    def once(self, what: str, more: str) -> None:
        """One finding of a kind is enough to look at."""
        if not any(finding.startswith(what) for finding in self.findings):
            self.findings.append(what + more)

    def candidates(self, target: Target, place: str, name: str) -> list[str]:
        """What of theirs to put there: every identifier, wherever one is taken."""
        if name == "slug" and place == "path":
            # That an organisation has an address is known to everyone.
            return [] if target.permission == PERSON else [self.world.theirs.slug]
        if place == "path":
            own = target.values[name]
            wordy = not UUID_TEXT.fullmatch(own)
            return self.words if wordy else self.identifiers
        if place == "json":
            return self.identifiers
        values = target.query if place == "query" else target.body or {}
        if UUID_TEXT.fullmatch(values.get(name, "")):
            return self.identifiers
        # It took no identifier of ours: one of theirs of another kind each time, and their address.
        self.turn += 1
        kinds = [self.identifiers[self.turn % len(self.identifiers)], self.world.theirs.slug]
        return kinds if place == "query" else kinds[:1]


@pytest.fixture(scope="module")
async def world(database: Database, settings: Settings, superuser: asyncpg.Connection) -> World:
    return await build(database, settings, superuser)


async def identifiers_of(superuser: asyncpg.Connection, resident: Resident) -> set[str]:
    """Every identifier in a row of theirs that is nobody else's."""
    found: set[str] = set()
    owners = [resident.tenant_id, resident.person_id, resident.member_id]
    for table in await owned_tables(superuser):
        columns = await superuser.fetch(
            "select attname from pg_attribute where attrelid = ('public.' || $1)::regclass"
            " and atttypid = 'uuid'::regtype and attnum > 0 and not attisdropped",
            table.name,
        )
        for column in (row["attname"] for row in columns):
            rows = await superuser.fetch(
                f"select distinct {column} as id from {table.name}"
                f" where {table.owner_column} = any($1) and {column} is not null limit 2000",
                owners,
            )
            found |= {str(row["id"]) for row in rows}
    return found


def one_of_each_kind(resident: Resident) -> list[str]:
    """An identifier of every table in which they have a row."""
    rows = resident.side.rows.values()
    kinds = {str(row["id"]) for row in rows if isinstance(row.get("id"), UUID)}
    real = {resident.attempt_id, resident.requisition_id, resident.member_id, resident.person_id}
    return sorted(kinds | {str(one) for one in real})


def words_of(resident: Resident) -> list[str]:
    """Codes, addresses and names by which rows of theirs are found."""
    found = {resident.slug}
    for row in resident.side.rows.values():
        for column in ("code", "name", "host", "token", "word", "digest"):
            if re.fullmatch(r"[a-z0-9][a-z0-9.-]+", str(row.get(column) or "")):
                found.add(row[column])
    return sorted(found)


async def digests(
    superuser: asyncpg.Connection, tables: list[OwnedTable], resident: Resident
) -> dict[str, str]:
    owners = [resident.tenant_id, resident.person_id, resident.member_id]
    return {
        table.name: await superuser.fetchval(
            f"select md5(string_agg(one::text, '' order by one::text)) from {table.name} as one"
            f" where {table.owner_column} = any($1)",
            owners,
        )
        for table in tables
    }


async def prepare(
    app: Litestar,
    world: World,
    visiting: Visitor,
    superuser: asyncpg.Connection,
    space: str,
    *,
    opening: bool = True,
) -> Attack:
    """Walks the space; with `opening` also finds, for each page, what of ours opens it."""
    reference = {
        str(row["id"])
        for row in await superuser.fetch(
            "select id from skill union select"
            " id from occupation union select id from model_version"
        )
    }
    ours = await identifiers_of(superuser, world.ours)
    theirs = await identifiers_of(superuser, world.theirs) - ours - reference
    fallback = {
        "slug": world.ours.slug,
        "person_id": str(world.ours.person_id),
        "attempt_id": str(world.ours.attempt_id),
        "requisition_id": str(world.ours.requisition_id),
    }
    starts = [space]
    for target in targets(app, Walked(), fallback):
        if target.method == "GET" and set(target.values) <= {"slug"}:
            path = target.request()["path"]
            if path.startswith(space):
                starts.append(path)
    walked = await walk(visiting, starts)
    begun = Attack(
        world,
        visiting,
        walked,
        [one for one in targets(app, walked, fallback) if not asks_elsewhere(one.template)],
        one_of_each_kind(world.theirs),
        words_of(world.theirs),
        theirs,
    )
    if opening:
        await open_with_ours(begun, space, await newest_of_ours(superuser, world.ours), superuser)
    return begun


async def newest_of_ours(superuser: asyncpg.Connection, resident: Resident) -> list[str]:
    """One identifier of ours from every table that has one."""
    found = [str(resident.person_id), str(resident.member_id), str(resident.attempt_id)]
    for table in await owned_tables(superuser):
        rows = await superuser.fetch(
            f"select to_jsonb(one) ->> 'id' as id from {table.name} as one"
            f" where {table.owner_column} = any($1) order by 1 desc limit 1",
            [resident.tenant_id, resident.person_id, resident.member_id],
        )
        found += [row["id"] for row in rows if row["id"]]
    return found


async def open_with_ours(
    begun: Attack, space: str, identifiers: list[str], superuser: asyncpg.Connection
) -> None:
    """Finds, for each page about one thing, an identifier of ours that opens it; where there is
    none, the page is noted as closed. What opened a page serves its forms as well."""
    rows = await superuser.fetch(
        "select code from exam_form where tenant_id = $1 union select code from module"
        " where tenant_id = $1 union select code from tenant_role where tenant_id = $1",
        begun.world.ours.tenant_id,
    )
    words = [row["code"] for row in rows] + ["2026-11"]
    opened: dict[str, dict[str, str]] = {}
    for target in (one for one in begun.targets if is_page_of_one(one, space)):
        names = [name for name in target.values if name != "slug"]
        tried: list[dict[str, str]] = [{}] + [
            {name: value}
            for name in names
            for value in (identifiers if UUID_TEXT.fullmatch(target.values[name]) else words)
        ]
        before = dict(target.values)
        for values in tried:
            target.values = {**before, **opened.get(target.template.rpartition("/")[0], {})}
            target.values.update(values)
            answer = await begun.visitor.send("GET", target.request()["path"])
            if answer.status_code < 400:
                opened[target.template] = dict(target.values)
                break
        else:
            target.values = before
            begun.closed.append(target.template)
    for target in begun.targets:
        for template, values in opened.items():
            if target.method != "GET" and target.template.startswith(template):
                target.values.update(values)


def free_text(target: Target, place: str, name: str) -> bool:
    """Whether a form's field takes more than identifiers."""
    own = (target.body or {}).get(name, "")
    return place == "body" and target.method != "GET" and not UUID_TEXT.fullmatch(own)


def asks_elsewhere(template: str) -> bool:
    return template.startswith(("/auth/", "/static/", "/schema")) or template.endswith(
        ("/sign-out", "/sign-in", "/learn/link")
    )


def is_page_of_one(target: Target, space: str) -> bool:
    """Whether it is a page about one thing, found by an identifier in its path."""
    return (
        target.method == "GET"
        and target.template.startswith(space[:3])
        and target.permission not in (PUBLIC, OPERATOR)
        and (target.permission == PERSON) == (space == "/me")
        and not set(target.values) <= {"slug"}
    )


@pytest.fixture(scope="module")
async def member(
    app: Litestar, settings: Settings, world: World, superuser: asyncpg.Connection
) -> AsyncIterator[Attack]:
    async with visitor(app, settings, world.ours.member()) as visiting:
        yield await prepare(app, world, visiting, superuser, f"/t/{world.ours.slug}")


@pytest.fixture(scope="module")
async def person(
    app: Litestar, settings: Settings, world: World, superuser: asyncpg.Connection
) -> AsyncIterator[Attack]:
    async with visitor(app, settings, themselves(world.ours.person_id)) as visiting:
        yield await prepare(app, world, visiting, superuser, "/me")


async def attack(one: Attack, wanted: list[Target], superuser: asyncpg.Connection) -> None:
    tables = await owned_tables(superuser)
    before = await digests(superuser, tables, one.world.theirs)
    # What only reads first: what changes may take away what is read.
    for target in sorted(wanted, key=lambda target: target.method != "GET"):
        await one.at_every_position(target)
    after = await digests(superuser, tables, one.world.theirs)
    changed = [name for name in before if before[name] != after[name]]
    assert changed == []
    print(f"{len(wanted)} routes, {one.asked} requests")
    assert one.findings == [], "\n".join(one.findings[:40])


async def test_our_own_identifiers_open_what_theirs_must_not(
    member: Attack, person: Attack
) -> None:
    """Else the attack would prove nothing: what is refused to everyone is refused to them."""
    space = f"/t/{member.world.ours.slug}"
    asked = [one for one in member.targets if is_page_of_one(one, space)]
    assert len(member.closed) <= len(asked) / 2, "\n".join(member.closed)
    assert len(asked) > 20


async def test_a_member_reaches_nothing_of_another_organisation(
    member: Attack, superuser: asyncpg.Connection
) -> None:
    wanted = [one for one in member.targets if one.permission not in (PUBLIC, PERSON, OPERATOR)]
    assert len(wanted) > 40
    await attack(member, wanted, superuser)


async def test_a_person_reaches_nothing_of_another_person(
    person: Attack, superuser: asyncpg.Connection
) -> None:
    wanted = [one for one in person.targets if one.permission == PERSON]
    assert len(wanted) > 8
    await attack(person, wanted, superuser)
