"""Objects: whose they are is the binding's to say; bytes in a folder or in S3."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import obstore
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from moto.server import ThreadedMotoServer

from integrations.objects.adapter import NAME, StoredObjects, key_of
from integrations.objects.kinds import content_type_of
from integrations.objects.problems import (
    ObjectKindRefused,
    ObjectNameRefused,
    ObjectStoreUnavailable,
    ObjectTooLarge,
)
from integrations.objects.setting import FILES, FileSettings, probe
from integrations.objects.tasks import sweep
from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Invalid, NotFound
from passerelle.kernel.settings import Settings, SettingsError
from passerelle.kernel.tenant_settings import change_setting
from tenants.plans.model import StorageFull
from tests.conftest import People, create_people

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
SYSTEM = actors.system("tests")
Tenants = tuple[People, People]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Another project's S3, in this process, on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx.put(f"http://{host}:{port}/files", trust_env=False).raise_for_status()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def objects(request: pytest.FixtureRequest, settings: Settings) -> StoredObjects:
    if request.param == "folder":
        return StoredObjects(settings)
    return StoredObjects(
        msgspec.structs.replace(
            settings,
            objects_url="s3://files/passerelle",
            objects_endpoint=request.getfixturevalue("s3"),
            objects_region="us-east-1",
            objects_access_key_id="tests",
            objects_secret_access_key="tests",
        )
    )


def keys_of(objects: StoredObjects) -> set[str]:
    return {str(each["path"]) for chunk in obstore.list(objects.place) for each in chunk}


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


async def test_what_is_put_is_read_back_as_it_was(
    objects: StoredObjects, database: Database, two_tenants: Tenants
) -> None:
    tenant_id = two_tenants[0].tenant_id
    async with database.tenant(tenant_id, SYSTEM) as tx:
        stored = await objects.put(tx, "branding/logo", PNG)
    assert stored.content_type == "image/png"
    assert stored.size_bytes == len(PNG)
    assert stored.digest == hashlib.sha256(PNG).hexdigest()
    read = database.tenant_reader(tenant_id, SYSTEM)
    assert await objects.content(read, "branding/logo") == PNG
    assert key_of("tenant", tenant_id, stored.id) in keys_of(objects)


async def test_a_large_content_goes_through_piece_by_piece(
    objects: StoredObjects, database: Database, two_tenants: Tenants
) -> None:
    tenant_id = two_tenants[0].tenant_id
    pieces = [bytes([n]) * 3_000_000 for n in range(4)]
    async with database.tenant(tenant_id, SYSTEM) as tx:
        stored = await objects.put(tx, "exports/large", in_pieces(*pieces))
    read = database.tenant_reader(tenant_id, SYSTEM)
    parts = [part async for part in objects.stream(read, stored)]
    assert b"".join(parts) == b"".join(pieces)
    assert max(len(part) for part in parts) < stored.size_bytes


async def test_one_owner_never_finds_anothers(
    objects: StoredObjects, database: Database, two_tenants: Tenants
) -> None:
    ours, theirs = two_tenants
    async with database.tenant(ours.tenant_id, SYSTEM) as tx:
        stored = await objects.put(tx, "secret/plan", b"ours")
    read = database.tenant_reader(theirs.tenant_id, SYSTEM)
    assert await objects.find(read, "secret/plan") is None
    assert await objects.find_by_id(read, stored.id) is None
    with pytest.raises(NotFound):
        await objects.content(read, "secret/plan")
    # Even with the row in hand: the key is made of the binding.
    with pytest.raises(NotFound):
        _ = [part async for part in objects.stream(read, stored)]
    async with database.tenant(theirs.tenant_id, SYSTEM) as tx:
        assert not await objects.delete(tx, "secret/plan")
    person = database.person_reader(ours.learner_id, SYSTEM)
    assert await objects.find(person, "secret/plan") is None


async def test_a_person_has_a_place_of_their_own(
    objects: StoredObjects, database: Database, two_tenants: Tenants
) -> None:
    person_id = two_tenants[0].learner_id
    async with database.person(person_id, SYSTEM) as tx:
        stored = await objects.put(tx, "exports/mine", b"everything about me")
    assert key_of("person", person_id, stored.id) in keys_of(objects)
    assert await objects.used_bytes(database.person_reader(person_id, SYSTEM)) >= stored.size_bytes


async def test_a_name_names_the_newest_and_the_old_bytes_go_by_the_outbox(
    objects: StoredObjects, database: Database, two_tenants: Tenants, superuser: Any
) -> None:
    tenant_id = two_tenants[0].tenant_id
    async with database.tenant(tenant_id, SYSTEM) as tx:
        old = await objects.put(tx, "notes/one", b"old")
        new = await objects.put(tx, "notes/one", b"new")
    read = database.tenant_reader(tenant_id, SYSTEM)
    assert await objects.content(read, "notes/one") == b"new"
    assert await objects.find_by_id(read, old.id) is None
    told = (
        "select array_agg(name order by id) from tenant_event where tenant_id = $1 and subject = $2"
    )
    kept, gone = "object.stored", "object.removed"
    assert await superuser.fetchval(told, tenant_id, old.id) == [kept, gone]
    assert await superuser.fetchval(told, tenant_id, new.id) == [kept]


async def test_what_a_rolled_back_transaction_left_is_swept_and_nothing_else(
    objects: StoredObjects, database: Database, two_tenants: Tenants
) -> None:
    tenant_id = two_tenants[1].tenant_id
    async with database.tenant(tenant_id, SYSTEM) as tx:
        kept = await objects.put(tx, "kept/one", b"kept")
    before = keys_of(objects)
    with pytest.raises(RuntimeError):
        async with database.tenant(tenant_id, SYSTEM) as tx:
            await objects.put(tx, "lost/one", b"lost")
            raise RuntimeError("rolled back")
    obstore.put(objects.place, "tenant/not-ours", b"somebody else's")
    (lost,) = keys_of(objects) - before - {"tenant/not-ours"}
    now = datetime.now(UTC)
    assert await sweep(objects, database.lookup, now) == 0, "it may be under way still"
    await sweep(objects, database.lookup, now + timedelta(hours=25))
    left = keys_of(objects)
    assert lost not in left
    assert {key_of("tenant", tenant_id, kept.id), "tenant/not-ours"} <= left


async def test_lists_are_by_name_by_prefix_and_by_page(
    objects: StoredObjects, database: Database, two_tenants: Tenants
) -> None:
    tenant_id = two_tenants[0].tenant_id
    async with database.tenant(tenant_id, SYSTEM) as tx:
        for name in ("list/a", "list/b", "list/c", "other/a"):
            await objects.put(tx, name, name.encode())
    read = database.tenant_reader(tenant_id, SYSTEM)
    first = await objects.list(read, "list/", limit=2)
    assert [one.name for one in first] == ["list/a", "list/b"]
    rest = await objects.list(read, "list/", after=first[-1].name, limit=2)
    assert [one.name for one in rest] == ["list/c"]
    # A prefix is text, not a pattern.
    assert await objects.list(read, "li%") == []


async def test_use_is_counted_for_each_owner(
    objects: StoredObjects, database: Database, two_tenants: Tenants
) -> None:
    read = database.tenant_reader(two_tenants[1].tenant_id, SYSTEM)
    before = await objects.used_bytes(read)
    async with database.tenant(two_tenants[1].tenant_id, SYSTEM) as tx:
        await objects.put(tx, "use/one", b"x" * 1000)
    assert await objects.used_bytes(read) == before + 1000
    async with database.tenant(two_tenants[1].tenant_id, SYSTEM) as tx:
        assert await objects.delete(tx, "use/one")
    assert await objects.used_bytes(read) == before


BAD_NAMES = ["", "/a", "a/", "../a", "a/../b", "a//b", "A", "a b", "a\x00b", ".a", "é", "a" * 500]


@pytest.mark.parametrize("name", BAD_NAMES, ids=range(len(BAD_NAMES)))
async def test_a_name_can_lead_nowhere_else(
    settings: Settings, database: Database, two_tenants: Tenants, name: str
) -> None:
    objects = StoredObjects(settings)
    async with database.tenant(two_tenants[0].tenant_id, SYSTEM) as tx:
        for attempt in (objects.put(tx, name, b"x"), objects.delete(tx, name)):
            with pytest.raises(ObjectNameRefused):
                await attempt


@given(st.text(max_size=60))
def test_no_name_that_is_taken_leaves_its_place(name: str) -> None:
    if NAME.fullmatch(name):
        inside = Path("/owner") / name
        assert inside.resolve().is_relative_to("/owner")


async def test_too_large_a_content_is_refused_and_leaves_nothing(
    objects: StoredObjects, database: Database, two_tenants: Tenants
) -> None:
    before = keys_of(objects)
    async with database.tenant(two_tenants[0].tenant_id, SYSTEM) as tx:
        for content in (b"x" * 101, in_pieces(b"x" * 60, b"x" * 60)):
            with pytest.raises(ObjectTooLarge):
                await objects.put(tx, "large/one", content, limit_bytes=100)
        assert await objects.find(tx, "large/one") is None
    assert keys_of(objects) == before


async def test_a_kind_that_is_not_taken_is_refused_by_what_is_in_it(
    settings: Settings, database: Database, two_tenants: Tenants
) -> None:
    objects = StoredObjects(settings)
    async with database.tenant(two_tenants[0].tenant_id, SYSTEM) as tx:
        with pytest.raises(ObjectKindRefused):
            await objects.put(
                tx, "branding/logo.png", b"<svg onload='x'/>", kinds=frozenset({"image/png"})
            )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PNG, "image/png"),
        (b"%PDF-1.7 x", "application/pdf"),
        (b"", "text/plain"),
        ("مرحبا".encode(), "text/plain"),
        (b"name,score\nA,1", "text/plain"),
        (b"\n \n<!-- x --><SCRIPT>", "text/html"),
        (b"text " * 300 + b"<html>", "text/html"),
        (b"<svg xmlns=''></svg>", "image/svg+xml"),
        (b"<?xml version='1.0'?><a/>", "application/xml"),
        (b"\x00\x01\x02\x03binary", "application/octet-stream"),
    ],
)
def test_a_kind_is_found_by_looking(content: bytes, expected: str) -> None:
    assert content_type_of(content) == expected


async def test_a_store_that_is_away_says_so_and_nothing_is_written(
    settings: Settings, database: Database, two_tenants: Tenants
) -> None:
    away = StoredObjects(
        msgspec.structs.replace(
            settings,
            objects_url="s3://files",
            objects_endpoint="http://127.0.0.1:9",
            objects_region="us-east-1",
            objects_access_key_id="tests",
            objects_secret_access_key="tests",
        )
    )
    async with database.tenant(two_tenants[0].tenant_id, SYSTEM) as tx:
        with pytest.raises(ObjectStoreUnavailable) as raised:
            await away.put(tx, "away/one", b"x")
        assert "127.0.0.1" not in str(raised.value)
        assert await away.find(tx, "away/one") is None


@pytest.mark.parametrize("url", ["http://bucket", "s3://", "s3://bucket?x=1", "bucket"])
def test_an_address_that_is_no_bucket_stops_the_start(settings: Settings, url: str) -> None:
    with pytest.raises(SettingsError, match="PASSERELLE_OBJECTS_URL"):
        StoredObjects(msgspec.structs.replace(settings, objects_url=url))


async def test_a_wrong_owner_is_refused_by_the_database_itself(
    database: Database, two_tenants: Tenants
) -> None:
    ours, theirs = two_tenants
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.tenant(ours.tenant_id, SYSTEM) as tx:
            await tx.execute(
                "insert into tenant_object (tenant_id, id, name, content_type, size_bytes, digest,"
                " written_by) values ($1, $2, 'x', 'text/plain', 0, repeat('0', 64), 'x')",
                theirs.tenant_id,
                UUID(int=1),
            )


async def test_an_organisation_says_how_large_a_file_may_be(
    settings: Settings, database: Database, superuser: Any
) -> None:
    people = await create_people(database, "small")
    objects = StoredObjects(settings)
    async with database.tenant(people.tenant_id, SYSTEM) as tx:
        await change_setting(tx, FILES, FileSettings(largest_mb=1))
        with pytest.raises(ObjectTooLarge):
            await objects.put(tx, "large/one", b"x" * 1_000_001)
        with pytest.raises(Invalid):
            await change_setting(tx, FILES, FileSettings(largest_mb=0))


async def test_the_test_of_the_files_writes_reads_and_deletes(
    app: Litestar, database: Database, two_tenants: Tenants
) -> None:
    people = two_tenants[0]
    actor = Actor(
        kind="person",
        display_name="Amal",
        person_id=people.recruiter_id,
        tenant_id=people.tenant_id,
    )
    result = await probe(app.state.work, actor, FileSettings())
    assert result.ok, result.detail
    read = database.tenant_reader(people.tenant_id, SYSTEM)
    assert await app.state.objects.find(read, "probes/test") is None
    away = msgspec.structs.replace(
        app.state.settings, objects_url="s3://files", objects_endpoint="http://127.0.0.1:9"
    )
    broken = msgspec.structs.replace(app.state.work, objects=StoredObjects(away))
    assert not (await probe(broken, actor, FileSettings())).ok


async def test_a_plans_storage_is_not_gone_beyond(
    settings: Settings, database: Database, superuser: Any
) -> None:
    people = await create_people(database, "full")
    objects = StoredObjects(settings)
    async with database.tenant(people.tenant_id, SYSTEM) as tx:
        await objects.put(tx, "one/kept", b"x")
    await superuser.execute(
        "update tenant_object set size_bytes = 10::bigint ^ 15 where tenant_id = $1",
        people.tenant_id,
    )
    async with database.tenant(people.tenant_id, SYSTEM) as tx:
        with pytest.raises(StorageFull):
            await objects.put(tx, "two/refused", b"x")
        # What takes the place of something makes room first.
        await objects.put(tx, "one/kept", b"y")
