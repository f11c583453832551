"""A suspended organisation is closed at every door; what it issued still verifies."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Invalid, NotFound, TenantSuspended
from passerelle.kernel.settings import Settings
from tenants.access.operator import operator
from tenants.access.sessions import Sessions
from tenants.organisations import standing
from tenants.organisations.problems import ConfirmationWrong, StandingUnchanged
from tests.conftest import People, create_people, csrf_headers, eventually, sign_in
from tests.credentials.conftest import Earn, Worker
from tests.credentials.conftest import achievements as achievements
from tests.credentials.conftest import document_of as document_of
from tests.credentials.conftest import earn as earn
from tests.credentials.conftest import run_worker as run_worker
from tests.credentials.conftest import taxonomy as taxonomy
from tests.credentials.conftest import work as work

WHY = "The contract has ended."
MEMBER = (
    "insert into member (tenant_id, person_id, display_name, locale) values ($1, $2, 'x', 'en')"
)


@pytest.fixture
def sessions(app: Litestar) -> Sessions:
    found: Sessions = app.state.sessions
    return found


async def test_suspension_closes_every_way_in_and_lifting_opens_them_again(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    sessions: Sessions,
    settings: Settings,
    superuser: asyncpg.Connection,
) -> None:
    people = await create_people(database, "closed")
    await sign_in(client, app, people, "recruiter")
    api = "/t/closed/api/requisitions"
    assert (await client.get(api)).status_code == 200
    await standing.suspend(database, sessions, "closed", WHY, operator())

    # The session is over; the sign-in, and whatever leads to it, say why.
    assert (await client.get(api)).status_code == 401
    for path in ("/t/closed/sign-in", "/t/closed", "/auth/start?tenant=closed"):
        answer = await client.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 403, path
        assert "This organisation is suspended" in answer.text
        assert WHY not in answer.text
    french = await client.get(
        "/t/closed/sign-in", headers={"accept": "text/html", "accept-language": "fr"}
    )
    assert "suspendue" in french.text
    # A session that slips in at this very moment, and a launch, which binds the tenant.
    await sign_in(client, app, people, "recruiter")
    assert (await client.get(api)).status_code in (401, 403)
    with pytest.raises(TenantSuspended):
        async with database.tenant(people.tenant_id, actors.system("lms.launch")):
            pass
    read = database.tenant_reader(people.tenant_id, actors.system("tests"))
    with pytest.raises(TenantSuspended):
        await read.fetch_value("select 1 where $1::uuid is not null", people.tenant_id)

    await standing.lift(database, "closed", "Paid.", operator())
    await sign_in(client, app, people, "recruiter")
    assert (await client.get(api)).status_code == 200
    record = await superuser.fetch(
        "select name, reason, actor_name from tenant_event where tenant_id = $1"
        " and name in ('tenant.suspended', 'tenant.lifted') order by id",
        people.tenant_id,
    )
    assert [tuple(row) for row in record] == [
        ("tenant.suspended", WHY, "operator"),
        ("tenant.lifted", "Paid.", "operator"),
    ]


async def test_what_a_suspended_organisation_refuses_its_members_is_on_record_once_each(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    sessions: Sessions,
    superuser: asyncpg.Connection,
) -> None:
    people = await create_people(database, "refusing")
    await standing.suspend(database, sessions, "refusing", WHY, operator())
    for role, path in (("recruiter", "api/requisitions"), ("learner", "learn")):
        # Sessions that slipped in at the very moment, and a program that doesn't stop asking.
        await sign_in(client, app, people, role)
        for _ in range(5):
            assert (await client.get(f"/t/refusing/{path}")).status_code == 403
    record = await superuser.fetch(
        "select person_id, actor_person_id, payload from tenant_event"
        " where tenant_id = $1 and name = 'access.refused' order by id",
        people.tenant_id,
    )
    assert [(row["person_id"], row["actor_person_id"]) for row in record] == [
        (people.recruiter_id, people.recruiter_id),
        (people.learner_id, people.learner_id),
    ]
    assert msgspec.json.decode(record[0]["payload"]) == {
        "permission": "hiring.read",
        "method": "GET",
        "path": "/t/refusing/api/requisitions",
        "problem": "tenant-suspended",
    }


async def test_what_a_suspended_organisation_issued_still_verifies(
    client: httpx.AsyncClient,
    database: Database,
    sessions: Sessions,
    two_tenants: tuple[People, People],
    earn: Earn,
    run_worker: Worker,
) -> None:
    people = two_tenants[0]
    credential_id = await earn(people)
    await run_worker()
    await standing.suspend(database, sessions, people.slug, WHY, operator())
    try:
        answer = await client.get(f"/api/verify/{credential_id}")
        assert answer.json()["outcome"] == "valid"
        assert (await client.get(f"/t/{people.slug}/did.json")).status_code == 200
    finally:
        await standing.lift(database, people.slug, WHY, operator())


async def test_a_transaction_under_way_is_kept_whole_and_the_next_is_refused(
    database: Database, sessions: Sessions, superuser: asyncpg.Connection
) -> None:
    people = await create_people(database, "meanwhile")
    first, second = uuid4(), uuid4()
    actor = actors.system("tests")
    async with database.tenant(people.tenant_id, actor) as tx:
        await tx.execute(MEMBER, tx.tenant_id, first)
        await standing.suspend(database, sessions, "meanwhile", WHY, operator())
        await tx.execute(MEMBER, tx.tenant_id, second)
    with pytest.raises(TenantSuspended):
        async with database.tenant(people.tenant_id, actor) as tx:
            await tx.execute(MEMBER, tx.tenant_id, uuid4())
    kept = await superuser.fetchval(
        "select count(*) from member where person_id = any($1)", [first, second]
    )
    assert kept == 2


async def test_under_load_each_request_is_whole_or_refused(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    sessions: Sessions,
    superuser: asyncpg.Connection,
) -> None:
    people = await create_people(database, "busy")
    written: list[tuple[UUID, UUID]] = []
    refused: list[tuple[UUID, UUID]] = []

    async def write() -> None:
        while not refused:
            await write_once()

    async def write_once() -> None:
        pair = uuid4(), uuid4()
        try:
            async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
                await tx.execute(MEMBER, tx.tenant_id, pair[0])
                await asyncio.sleep(0)
                await tx.execute(MEMBER, tx.tenant_id, pair[1])
        except TenantSuspended:
            refused.append(pair)
        else:
            written.append(pair)

    async def some_written() -> bool:
        return len(written) > 20

    async def suspend() -> None:
        await eventually(some_written)
        await standing.suspend(database, sessions, "busy", WHY, operator())

    await asyncio.gather(suspend(), *(write() for _ in range(4)))
    assert refused
    there = {
        row["person_id"]
        for row in await superuser.fetch(
            "select person_id from member where tenant_id = $1 and display_name = 'x'",
            people.tenant_id,
        )
    }
    assert there == {one for pair in written for one in pair}


async def test_a_standing_that_is_so_already_a_missing_reason_and_a_wrong_word_change_nothing(
    database: Database, sessions: Sessions, settings: Settings
) -> None:
    await create_people(database, "steady")
    with pytest.raises(StandingUnchanged):
        await standing.lift(database, "steady", WHY, operator())
    with pytest.raises(StandingUnchanged):
        await standing.restore(database, "steady", WHY, operator())
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(Invalid):
            await standing.suspend(database, sessions, "steady", reason, operator())
    for confirmation in ("", "Steady", "steady ", "other"):
        with pytest.raises(ConfirmationWrong):
            await standing.delete(
                database, sessions, settings, "steady",
                confirmation=confirmation, reason=WHY, actor=operator(),
            )  # fmt: skip
    with pytest.raises(NotFound):
        await standing.suspend(database, sessions, "nobody-here", WHY, operator())
    shown = await standing.shown(database, "steady")
    assert shown.status == "active"  # type: ignore[union-attr]


async def test_a_deletion_hides_at_once_and_is_undone_in_its_grace(
    client: httpx.AsyncClient, database: Database, sessions: Sessions, settings: Settings
) -> None:
    people = await create_people(database, "regretted")
    await standing.suspend(database, sessions, "regretted", WHY, operator())
    await standing.delete(
        database, sessions, settings, "regretted",
        confirmation="regretted", reason="Asked by its owner.", actor=operator(),
    )  # fmt: skip
    answer = await client.get("/t/regretted/sign-in", headers={"accept": "text/html"})
    assert answer.status_code == 404
    with pytest.raises(NotFound):
        async with database.tenant(people.tenant_id, actors.system("tests")):
            pass
    await standing.restore(database, "regretted", "They thought again.", operator())
    # What it was suspended for, it still is.
    shown = await standing.shown(database, "regretted")
    assert (shown.status, shown.suspended_reason) == ("suspended", WHY)  # type: ignore[union-attr]
    await standing.lift(database, "regretted", WHY, operator())
    async with database.tenant(people.tenant_id, actors.system("tests")) as tx:
        assert await tx.fetch_value(
            "select count(*) from member where tenant_id = $1", tx.tenant_id
        )


@pytest.mark.parametrize("role", ["web_tenant", "worker_tenant"])
async def test_a_tenant_can_change_no_standing_its_own_neither(
    database: Database, two_tenants: tuple[People, People], role: str
) -> None:
    one, other = two_tenants
    for tenant_id in (one.tenant_id, other.tenant_id):
        for statement in (
            "update tenant set status = 'active'",
            "delete from tenant",
            "select * from app.erase_tenant(uuidv7(), 10)",
            "insert into tombstone (tenant_id) values (uuidv7())",
            f"select app.suspend_tenant('{tenant_id}', 'x')",
            f"select app.lift_tenant('{tenant_id}')",
            f"select app.delete_tenant('{tenant_id}', 'x', 0)",
            f"select app.restore_tenant('{tenant_id}')",
        ):
            async with database.pool(role).acquire() as connection, connection.transaction():
                await connection.execute(
                    "select set_config('app.tenant', $1, true)", str(one.tenant_id)
                )
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)


async def test_the_operators_api_suspends_deletes_and_restores(
    app: Litestar, client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    await create_people(database, "by-api")
    headers = await csrf_headers(client)
    refused = await client.post(
        "/api/operator/tenants/by-api/suspension", json={"reason": WHY}, headers=headers
    )
    assert refused.status_code == 401
