"""What is kept outside the database: every cache key, broker message, file and model artefact.

None is found by another's name, none holds another's words, and the broker learns identifiers
only.
"""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import dramatiq
import msgspec
import pytest
from litestar import Litestar
from redis import ResponseError
from redis.asyncio import Redis

import passerelle.credentials.tasks
import passerelle.exams.tasks  # noqa: F401  importing registers the listeners
from ml import artefact
from ml.training import train
from passerelle.kernel.database import Database
from passerelle.kernel.events import LISTENERS
from passerelle.kernel.relay import Relay
from passerelle.kernel.settings import Settings
from passerelle.kernel.tasks import create_broker
from tests.ml.factories import QUICK, starter_data
from tests.people.factories import themselves
from tests.walls.crawl import walk
from tests.walls.world import Resident, World, build, visitor

#: A word of ours that names a kind of key; what is random or hashed; an owner's identifier; a
#: network's address, where strangers are counted.
PARTS = re.compile(
    r"_{0,2}[a-z][a-z_.-]{0,40}|[A-Za-z0-9_-]{32,}|[0-9a-f]{16}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(\d{1,3}\.){3}\d{1,3}|\d{1,12}"
)
READ_BY_KIND: dict[object, Any] = {
    b"string": lambda valkey, key: valkey.get(key),
    b"set": lambda valkey, key: valkey.smembers(key),
    b"list": lambda valkey, key: valkey.lrange(key, 0, -1),
    b"hash": lambda valkey, key: valkey.hgetall(key),
    b"zset": lambda valkey, key: valkey.zrange(key, 0, -1),
}


@pytest.fixture(scope="module")
async def world(
    database: Database, settings: Settings, superuser: asyncpg.Connection, valkey: Redis
) -> World:
    # What an earlier module of this run kept belongs to tenants that are gone.
    await valkey.flushdb()
    return await build(database, settings, superuser)


@pytest.fixture(scope="module")
async def keys(
    app: Litestar, settings: Settings, database: Database, world: World, valkey: Redis
) -> dict[str, str]:
    """Every key with its value as text, after everyone has looked at every page of theirs, and
    the relay has handed out what happened."""
    for resident in (world.ours, world.theirs):
        for actor, space in (
            (resident.member(), f"/t/{resident.slug}"),
            (themselves(resident.person_id), "/me"),
        ):
            async with visitor(app, settings, actor) as visiting:
                starts = [space, *(f"{space}/{page}" for page in ("hiring", "members", "audit"))]
                await walk(visiting, starts)
    broker = create_broker(settings)
    relay = Relay(settings, database, broker, valkey)
    while await relay.round():
        pass
    broker.close()
    return {key: await text_of(valkey, key) for key in await names_of(valkey)}


async def names_of(valkey: Redis) -> list[str]:
    return sorted([key.decode() async for key in valkey.scan_iter(count=1000)])


async def text_of(valkey: Redis, key: str) -> str:
    kind = await valkey.type(key)
    try:
        return repr(await READ_BY_KIND[kind](valkey, key))
    except ResponseError:
        return ""


def owners(resident: Resident) -> set[str]:
    found = {resident.tenant_id, resident.person_id, resident.member_id}
    return {str(one) for one in found} | {one.hex for one in found}


def test_every_key_is_random_or_stands_under_its_owners_identifier(
    keys: dict[str, str], world: World
) -> None:
    assert len(keys) > 10
    for key in keys:
        for part in re.split(r"[:/]", key):
            assert PARTS.fullmatch(part), key
        for resident in (world.ours, world.theirs):
            assert resident.side.canary not in key, key
            assert resident.slug not in key, key


def test_no_value_of_one_owner_holds_anything_of_another(
    keys: dict[str, str], world: World
) -> None:
    held = 0
    for one, other in ((world.ours, world.theirs), (world.theirs, world.ours)):
        for key, value in keys.items():
            ours = any(owner in key or owner in value for owner in owners(one))
            if not ours or key.startswith("dramatiq:"):
                continue
            held += 1
            assert other.side.canary not in value, key
            assert not any(owner in key + value for owner in owners(other)), key
    assert held >= 8


def test_the_brokers_messages_hold_identifiers_and_nothing_else(
    keys: dict[str, str], world: World, settings: Settings
) -> None:
    messages = []
    for key, value in keys.items():
        if key.startswith("dramatiq:") and key.endswith(".msgs"):
            # The text is a dict's; each value is one message in JSON.
            for content in re.findall(r": b'(\{.*?\})'(?:,|\})", value):
                messages.append(dramatiq.Message.decode(content.encode()))
    assert messages
    for message in messages:
        scope, owner, event, listener = message.args
        assert scope in ("tenant", "person")
        assert {UUID(owner), UUID(event)}
        assert re.fullmatch(r"[a-z_.]+", listener), listener
        assert message.kwargs == {}
        assert message.options.keys() <= {"time_limit", "redis_message_id"}


def test_files_lie_under_their_owner_and_nobody_elses_words_are_in_them(
    keys: dict[str, str], world: World, settings: Settings
) -> None:
    root = Path(settings.objects_directory)
    files = [path for path in root.rglob("*") if path.is_file()]
    assert len(files) >= 4
    found = set()
    for path in files:
        place, scope, owner, name = path.relative_to(root).parts
        assert (place, UUID(owner).version, UUID(name).version) == ("owned", 7, 7), path
        for resident in (world.ours, world.theirs):
            held = {"tenant": resident.tenant_id, "person": resident.person_id}
            canary = resident.side.canary.encode()
            if canary in path.read_bytes():
                assert owner == str(held[scope]), path
                found.add((scope, resident.slug))
    assert len(found) == 4


def test_a_model_artefact_tells_of_no_tenant(world: World, tmp_path: Path) -> None:
    """It is made from the taxonomy alone: skills by their public identifiers, and numbers."""
    path = tmp_path / "model.npz"
    quick = msgspec.structs.replace(QUICK, steps=2, pairs=16)
    artefact.save(train(starter_data(), quick), path)
    content = path.read_bytes()
    for resident in (world.ours, world.theirs):
        assert resident.side.canary.encode() not in content
        for owner in (resident.tenant_id, resident.person_id, resident.member_id):
            assert owner.bytes not in content
            assert str(owner).encode() not in content


def test_a_queue_is_a_kind_of_work_and_never_a_tenants() -> None:
    assert LISTENERS
    for listener in LISTENERS.values():
        assert re.fullmatch(r"[a-z_]+", listener.queue), listener.name
