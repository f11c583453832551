"""Work on many members: a list that is checked before anything is written, and then done in
batches that can be repeated."""

import asyncpg
import httpx
import pytest
from litestar import Litestar

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.web.page import CSRF_FIELD
from tenants.members import importing, jobs
from tenants.members.importing import ImportProblem
from tests.conftest import csrf_headers
from tests.tenants.members.conftest import House, enter, events

HEADER = "E-mail;Nom;Rôles;Unité;Langue"


async def upload(client: httpx.AsyncClient, house: House, content: str | bytes) -> httpx.Response:
    """As the page's own form sends it: the token is a field beside the file."""
    content = content.encode() if isinstance(content, str) else content
    token = (await csrf_headers(client))["x-csrf-token"]
    return await client.post(
        f"/t/{house.slug}/members/import",
        files={"file": ("people.csv", content, "text/csv")},
        data={CSRF_FIELD: token},
    )


async def run(database: Database, house: House, job_id: str, batches: int | None = None) -> int:
    """As the worker does it; returns how many batches did something."""
    from uuid import UUID

    done = 0
    while batches is None or done < batches:
        read = database.tenant_reader(house.tenant_id, actors.system("tests"))
        actor = await jobs.acting(read, UUID(job_id))
        assert actor is not None
        async with database.tenant(house.tenant_id, actor) as tx:
            if not await jobs.batch(tx, UUID(job_id)):
                return done
        done += 1
    return done


def job_of(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rsplit("/", 1)[1]


async def states(superuser: asyncpg.Connection, job_id: str) -> dict[str, int]:
    rows = await superuser.fetch(
        "select state, count(*) as number from member_job_row where job_id = $1::uuid group by 1",
        job_id,
    )
    return {row["state"]: row["number"] for row in rows}


async def test_a_list_is_checked_row_by_row_before_anything_is_written(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    await enter(client, app, database, house, "admin")
    email = await superuser.fetchval(
        "select email from member where person_id = $1", house.people["amina"]
    )
    lines = [
        "new@example.org;Nadia;Apprenant|Recruteur;health;fr",
        f"{email};;Recruteur;South;",
        "nobody;;;;",
        "new@example.org;Twice;;;",
        "role@example.org;;Empereur;;",
        "owner@example.org;;owner;;",
        "unit@example.org;;;Nowhere;",
        "apart@example.org;;assessor|learner;;",
        "",
    ]
    job_id = job_of(await upload(client, house, "\ufeff" + "\n".join([HEADER, *lines])))
    invited = "select count(*) from invitation where tenant_id = $1"
    assert await superuser.fetchval(invited, house.tenant_id) == 0
    shown = await client.get(f"/t/{house.slug}/members/jobs/{job_id}")
    for words in (
        "This is not an e-mail address",
        "stands in the list twice",
        "There is no such role",
        "powers that you don",
        "There is no such unit",
        "live exam",
    ):
        assert words in shown.text, words
    assert await states(superuser, job_id) == {"waiting": 2, "refused": 6}
    headers = await csrf_headers(client)
    path = f"/t/{house.slug}/members/jobs/{job_id}"
    assert (await client.post(f"{path}/confirm", headers=headers)).status_code == 303
    assert (await client.post(f"{path}/confirm", headers=headers)).status_code == 409
    assert len(await events(superuser, house, "members.job_confirmed")) == 1
    await run(database, house, job_id)
    assert await states(superuser, job_id) == {"done": 2, "refused": 6}
    held = await superuser.fetchrow(
        "select * from invitation where tenant_id = $1", house.tenant_id
    )
    assert (held["email"], held["name"], held["locale"]) == ("new@example.org", "Nadia", "fr")
    assert sorted(held["roles"]) == ["learner", "recruiter"]
    assert held["unit_id"] == house.units["health"]
    moved = await superuser.fetchval(
        "select unit_id from member where person_id = $1", house.people["amina"]
    )
    assert moved == house.units["south"]
    report = await client.get(f"{path}/report.csv")
    assert "owner@example.org" in report.text
    await superuser.execute("delete from invitation")


async def test_a_confirmed_list_done_twice_or_in_pieces_invites_everyone_once(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    await enter(client, app, database, house, "admin")
    rows = [f"person{number}@example.org" for number in range(250)]
    job_id = job_of(await upload(client, house, "\n".join(["email", *rows])))
    headers = await csrf_headers(client)
    await client.post(f"/t/{house.slug}/members/jobs/{job_id}/confirm", headers=headers)
    assert await run(database, house, job_id, batches=1) == 1
    halfway = await client.get(f"/t/{house.slug}/members/jobs/{job_id}")
    assert "Under way" in halfway.text
    assert await run(database, house, job_id) == 2
    assert await run(database, house, job_id) == 0
    count = "select count(*) from invitation where tenant_id = $1"
    assert await superuser.fetchval(count, house.tenant_id) == 250
    assert len(await events(superuser, house, "member.invited")) == 250
    finished = await client.get(f"/t/{house.slug}/members/jobs/{job_id}")
    assert "Finished" in finished.text


async def test_who_was_suspended_in_the_meantime_gets_nothing_done(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    await enter(client, app, database, house, "admin")
    job_id = job_of(await upload(client, house, "email\na@example.org\nb@example.org"))
    headers = await csrf_headers(client)
    await client.post(f"/t/{house.slug}/members/jobs/{job_id}/confirm", headers=headers)
    await superuser.execute(
        "update member set status = 'suspended' where person_id = $1", house.people["admin"]
    )
    await run(database, house, job_id)
    assert await states(superuser, job_id) == {"failed": 2}
    count = "select count(*) from invitation where tenant_id = $1"
    assert await superuser.fetchval(count, house.tenant_id) == 0


async def test_an_action_on_all_that_match_is_done_by_the_worker(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    superuser: asyncpg.Connection,
    house: House,
) -> None:
    await superuser.execute(
        "insert into member (tenant_id, person_id, display_name, locale)"
        " select $1, uuidv7(), 'Crowd ' || n, 'ar' from generate_series(1, 150) as n",
        house.tenant_id,
    )
    await enter(client, app, database, house, "admin")
    answer = await client.post(
        f"/t/{house.slug}/members/actions",
        data={"every": "yes", "q": "crowd", "kind": "grant", "role": "recruiter"},
        headers=await csrf_headers(client),
    )
    job_id = job_of(answer)
    await run(database, house, job_id)
    assert await states(superuser, job_id) == {"done": 150}
    holders = "select count(*) from member_role where tenant_id = $1 and role = 'recruiter'"
    assert await superuser.fetchval(holders, house.tenant_id) == 150


async def test_anothers_job_is_as_unknown_as_none(
    app: Litestar, client: httpx.AsyncClient, database: Database, house: House
) -> None:
    await enter(client, app, database, house, "admin")
    job_id = job_of(await upload(client, house, "email\na@example.org"))
    client.cookies.clear()
    await enter(client, app, database, house, "owner")
    path = f"/t/{house.slug}/members/jobs/{job_id}"
    assert (await client.get(path)).status_code == 404
    assert (await client.get(f"{path}/report.csv")).status_code == 404
    headers = await csrf_headers(client)
    for deed in ("confirm", "discard"):
        assert (await client.post(f"{path}/{deed}", headers=headers)).status_code == 404


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Choose a file"),
        (b"name;unit\nA;B", "must name the columns"),
        (b"email\n", "has no rows"),
        (b"email\n\xff\xfe\x00", "in UTF-8"),
        (b"email\n" + b"a@example.org\n" * 20_001, "at most 20,000 rows"),
        (b"email\n" + b"x" * 4_000_001, "larger than 4 megabytes"),
    ],
    ids=["empty", "no-column", "no-rows", "not-text", "too-long", "too-large"],
)
async def test_a_file_that_is_no_list_is_refused_with_the_reason(
    app: Litestar,
    client: httpx.AsyncClient,
    database: Database,
    house: House,
    content: bytes,
    words: str,
) -> None:
    await enter(client, app, database, house, "admin")
    answer = await upload(client, house, content)
    assert answer.status_code in (400, 413), answer.status_code
    if answer.status_code == 400:
        assert words in answer.text


def test_columns_are_known_in_three_languages_and_three_delimiters() -> None:
    for header, delimiter in (("E-mail,Name", ","), ("البريد الإلكتروني\tالاسم", "\t")):
        lines = importing.read_lines(f"{header}\na@example.org{delimiter}A".encode())
        assert (lines[0].email, lines[0].name) == ("a@example.org", "A")
    quoted = importing.read_lines(b'email;name\n"a@example.org";"A; B"\n')
    assert quoted[0].name == "A; B"
    with pytest.raises(ImportProblem):
        importing.read_lines(b"email\0")
