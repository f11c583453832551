"""The door: tokens, foreign organisations, bad requests, versions, bulk, nothing for nothing."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from scim2_server.routing import ROUTES

from integrations.scim import clients
from integrations.scim.schema import BULK_OPERATIONS, DEPTH_LIMIT, PAGE_LIMIT
from passerelle.kernel.database import Database
from passerelle.kernel.identifiers import new_id
from tests.integrations.scim.conftest import MEDIA, TEST, Directory, Served, create_directory
from tests.integrations.scim.payloads import bulk, group, patch, replace, user

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
#: The routes inside the one that Litestar knows: method and pattern. Each wants a token.
INNER = {
    ("GET", "/"),
    ("POST", "/.search"),
    ("GET", "/ServiceProviderConfig"),
    ("GET", "/ResourceTypes"),
    ("GET", "/ResourceTypes/{resource_id}"),
    ("GET", "/Schemas"),
    ("GET", "/Schemas/{resource_id}"),
    ("POST", "/Bulk"),
    *((method, "/Me") for method in ("GET", "PUT", "PATCH", "DELETE", "POST")),
    *((method, "/{endpoint}") for method in ("GET", "POST")),
    ("POST", "/{endpoint}/.search"),
    *((method, "/{endpoint}/{resource_id}") for method in ("GET", "PUT", "PATCH", "DELETE")),
}
#: What a write would change, in this organisation.
WRITTEN = """
select (select count(*) from tenant_event where tenant_id = $1 and name not like 'scim.token%'),
  (select count(*) from scim_log where tenant_id = $1),
  (select coalesce(sum(version), 0) from scim_resource where tenant_id = $1),
  (select md5(string_agg(one::text, '' order by person_id)) from member as one
   where tenant_id = $1),
  (select count(*) from member_expected where tenant_id = $1),
  (select md5(string_agg(one.xmin::text || one.id::text, '' order by id)) from scim_resource as one
   where tenant_id = $1)
"""


def concrete(pattern: str) -> str:
    return pattern.replace("{endpoint}", "Users").replace("{resource_id}", str(new_id()))


def test_the_inner_routes_are_the_ones_listed_here() -> None:
    assert {(route.method, route.pattern) for route in ROUTES} == INNER


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer x", "Basic eDp5", "foreign", "revoked"])
async def test_no_route_answers_without_a_token_of_this_organisation(
    served: Served, directory: Directory, database: Database, shown: str
) -> None:
    headers = {"content-type": MEDIA}
    if shown == "foreign":
        headers["authorization"] = f"Bearer {(await create_directory(database, 'foreign')).token}"
    elif shown == "revoked":
        async with database.tenant(directory.tenant_id, TEST) as tx:
            await clients.revoke(tx, directory.client_id)
        headers["authorization"] = f"Bearer {directory.token}"
    elif shown:
        headers["authorization"] = shown
    async with httpx.AsyncClient(base_url=served.base(directory.slug)) as stranger:
        for method, pattern in sorted(INNER):
            answer = await stranger.request(method, concrete(pattern), headers=headers)
            assert answer.status_code == 401, (method, pattern, answer.text)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["schemas"] == [ERROR]
    async with httpx.AsyncClient(base_url=served.base("no-such-place")) as stranger:
        answer = await stranger.get("/Users", headers=headers)
        assert answer.status_code == 401


async def test_a_refused_token_is_on_record_once_an_hour(
    served: Served, directory: Directory, superuser: asyncpg.Connection
) -> None:
    async with httpx.AsyncClient(base_url=served.base(directory.slug)) as stranger:
        for _ in range(3):
            await stranger.get("/Users", headers={"authorization": "Bearer scim_wrong"})
    rows = await superuser.fetch(
        "select payload from tenant_event where tenant_id = $1 and name = 'scim.refused'",
        directory.tenant_id,
    )
    assert [msgspec.json.decode(row["payload"]) for row in rows] == [{"reason": "unknown"}]


async def test_who_shows_wrong_tokens_again_and_again_has_to_wait(
    served: Served, directory: Directory
) -> None:
    """A token that counts goes on being served: it is asked for before the limit."""
    limits = served.app.state.rate_limits
    scale, limits._scale = limits._scale, 1
    try:
        async with httpx.AsyncClient(base_url=served.base(directory.slug)) as client:
            wrong = {"authorization": "Bearer scim_wrong"}
            answers = [await client.get("/Users", headers=wrong) for _ in range(40)]
            refused = [one for one in answers if one.status_code == 429]
            assert refused
            assert refused[0].json()["schemas"] == [ERROR]
            assert int(refused[0].headers["retry-after"]) >= 1
            assert (await client.get("/Users", headers=directory.headers)).status_code == 200
    finally:
        limits._scale = scale


async def test_a_suspended_organisation_is_refused_in_scims_words_and_nothing_is_written(
    scim: httpx.AsyncClient, directory: Directory, superuser: asyncpg.Connection
) -> None:
    await superuser.execute(
        "update tenant set status = 'suspended', suspended_at = now() where id = $1",
        directory.tenant_id,
    )
    answer = await scim.post("/Users", json=user("amal"))
    assert (answer.status_code, answer.json()["schemas"]) == (403, [ERROR])
    assert "suspended" in answer.json()["detail"]
    assert not await superuser.fetchval(
        "select count(*) from member where tenant_id = $1", directory.tenant_id
    )


async def test_two_tokens_count_while_they_overlap_and_no_third(
    scim: httpx.AsyncClient, directory: Directory, database: Database, superuser: asyncpg.Connection
) -> None:
    tokens = [directory.token]
    for _ in range(2):
        async with database.tenant(directory.tenant_id, TEST) as tx:
            tokens.append((await clients.rotate(tx, directory.client_id)).token)
        counting = []
        for token in tokens:
            headers = {"authorization": f"Bearer {token}"}
            answer = await scim.get("/Users", headers=headers)
            counting.append(answer.status_code == 200)
        assert counting == [False] * (len(tokens) - 2) + [True, True]
    rows = await superuser.fetch(
        "select expires_at - now() as left, last_used_at is not null as used, digest"
        " from scim_token where tenant_id = $1 and revoked_at is null order by expires_at",
        directory.tenant_id,
    )
    assert [row["left"].days for row in rows] == [6, 364]
    assert [row["used"] for row in rows] == [True, True]
    assert clients.digest_of(tokens[-1]) in {row["digest"] for row in rows}
    await superuser.execute(
        "update scim_token set expires_at = now() where tenant_id = $1", directory.tenant_id
    )
    headers = {"authorization": f"Bearer {tokens[-1]}"}
    assert (await scim.get("/Users", headers=headers)).status_code == 401


async def test_nothing_of_another_organisation_is_found_or_changed(
    scim: httpx.AsyncClient, served: Served, database: Database, superuser: asyncpg.Connection
) -> None:
    theirs = await create_directory(database, "theirs")
    async with httpx.AsyncClient(base_url=served.base(theirs.slug), headers=theirs.headers) as them:
        user_id = (await them.post("/Users", json=user("theirs"))).json()["id"]
        group_id = (await them.post("/Groups", json=group("theirs", user_id))).json()["id"]
    before = await superuser.fetchrow(WRITTEN, theirs.tenant_id)
    for path, body in ((f"/Users/{user_id}", user("x")), (f"/Groups/{group_id}", group("x"))):
        for method, sent in (
            ("GET", None),
            ("PUT", body),
            ("PATCH", patch(replace("displayName", "x"))),
            ("DELETE", None),
        ):
            assert (await scim.request(method, path, json=sent)).status_code == 404
    assert (await scim.get("/Users")).json()["totalResults"] == 0
    for text in (f'id eq "{user_id}"', f'groups.value eq "{group_id}"', 'userName co "theirs"'):
        assert (await scim.get("/Users", params={"filter": text})).json()["totalResults"] == 0
    assert (await scim.post("/Groups", json=group("ours", user_id))).status_code == 400
    boss = user("ours", **{ENTERPRISE: {"manager": {"value": user_id}}})
    said = (await scim.post("/Users", json=boss)).json()
    assert "$ref" not in said[ENTERPRISE]["manager"]
    assert await superuser.fetchrow(WRITTEN, theirs.tenant_id) == before


ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
DEEP: Any = []
for _ in range(DEPTH_LIMIT + 1):
    DEEP = [DEEP]
BAD: list[tuple[str, str, Any, int]] = [
    ("POST", "/Users", b"", 400),
    ("POST", "/Users", b"{", 400),
    ("POST", "/Users", b"[" * 100_000, 400),
    ("POST", "/Users", b"null", 400),
    ("POST", "/Users", b'"x"', 400),
    ("POST", "/Users", {"userName": "x", "deep": DEEP}, 400),
    ("POST", "/Users", {}, 400),
    ("POST", "/Users", user("x", userName=""), 400),
    ("POST", "/Users", user("x", userName="  "), 400),
    ("POST", "/Users", user("x", userName="u" * 255), 400),
    ("POST", "/Users", user("x", userName="a\0b"), 400),
    ("POST", "/Users", user("x", externalId="e" * 255), 400),
    ("POST", "/Users", user("x", title="t" * 1001), 400),
    ("POST", "/Users", user("x", title="\0"), 400),
    ("POST", "/Users", user("x", active="perhaps"), 400),
    ("POST", "/Users", user("x", emails=[{"value": "x@y.z"}] * 51), 400),
    ("POST", "/Users", b" " * 1_000_001, 413),
    ("POST", "/Groups", group(""), 400),
    ("POST", "/Groups", group("x", "nobody"), 400),
    ("POST", "/Groups", group("x", str(new_id())), 400),
    ("POST", "/Nothing", user("x"), 404),
    ("GET", "/Users/%00", None, 404),
    ("GET", "/Users/1", None, 404),
    ("DELETE", "/Users", None, 405),
    ("GET", "/Me", None, 501),
    ("GET", "/Users?filter=userName", None, 400),
    ("GET", "/Users?filter=nothing%20eq%20%221%22", None, 400),
    ("GET", "/Users?filter=active%20gt%20true", None, 400),
    ("GET", "/Users?filter=meta.version%20eq%20%221%22", None, 400),
    ("GET", "/Users?sortBy=name", None, 400),
    ("GET", "/Users?startIndex=x", None, 400),
    ("GET", "/Users?filter=" + "%20and%20".join(['title%20eq%20"x"'] * 60), None, 400),
    ("GET", "/Users?filter=" + "(" * 30 + "title%20pr" + ")" * 30, None, 200),
    ("GET", "/Users?filter=" + "not%20(" * 30 + "title%20pr" + ")" * 30, None, 400),
    ("GET", "/Users?filter=title%20eq%20%22%5Cu0000%22", None, 200),
    ("POST", "/Bulk", bulk(*[{"method": "DELETE", "path": "/Users/1"}] * 201), 413),
    ("POST", "/Bulk", bulk({"method": "GET", "path": "/Users/1"}), 200),
    ("POST", "/Bulk", {"schemas": ["x"], "Operations": "x"}, 400),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD)
async def test_a_bad_request_is_refused_in_scims_words_and_changes_nothing(
    scim: httpx.AsyncClient,
    directory: Directory,
    superuser: asyncpg.Connection,
    method: str,
    path: str,
    body: Any,
    status: int,
) -> None:
    content = (
        body if isinstance(body, bytes) else None if body is None else msgspec.json.encode(body)
    )
    answer = await scim.request(method, path, content=content)
    assert answer.status_code == status, answer.text
    said = answer.json()
    if status >= 400:
        assert said["schemas"] == [ERROR]
        assert (said["status"], bool(said["detail"])) == (str(status), True)
    assert not await superuser.fetchval(
        "select count(*) from scim_resource where tenant_id = $1", directory.tenant_id
    )


async def test_an_update_that_changes_nothing_writes_nothing(
    scim: httpx.AsyncClient, directory: Directory, superuser: asyncpg.Connection
) -> None:
    people = [(await scim.post("/Users", json=user(name))).json()["id"] for name in "ab"]
    group_id = (await scim.post("/Groups", json=group("Staff", *people))).json()["id"]
    first = await superuser.fetchrow(WRITTEN, directory.tenant_id)
    said = (await scim.get(f"/Users/{people[0]}")).json()
    for method, path, body in (
        ("PUT", f"/Users/{people[0]}", user("a")),
        ("PUT", f"/Users/{people[0]}", said),
        # What is never kept, and what is not taken at all.
        ("PUT", f"/Users/{people[0]}", user("a", password="1mz050nq", photos=[{"value": "x"}])),
        ("PATCH", f"/Users/{people[0]}", patch(replace("active", "True"))),
        ("PATCH", f"/Users/{people[0]}", patch(replace("userName", "a@agency.example"))),
        ("PUT", f"/Groups/{group_id}", group("Staff", *reversed(people))),
        (
            "PATCH",
            f"/Groups/{group_id}",
            patch({"op": "add", "path": "members", "value": [{"value": people[1]}]}),
        ),
        ("PATCH", f"/Groups/{group_id}", patch({"op": "remove", "path": 'members[value eq "x"]'})),
    ):
        answer = await scim.request(method, path, json=body)
        assert answer.status_code in (200, 204), answer.text
    assert await superuser.fetchrow(WRITTEN, directory.tenant_id) == first


async def test_a_version_that_is_not_the_newest_changes_nothing(scim: httpx.AsyncClient) -> None:
    made = await scim.post("/Users", json=user("amal"))
    path, tag = f"/Users/{made.json()['id']}", made.headers["etag"]
    assert (await scim.get(path, headers={"if-none-match": tag})).status_code == 304
    newer = await scim.put(path, json=user("amal", title="Chief"), headers={"if-match": tag})
    assert newer.status_code == 200
    assert newer.headers["etag"] != tag
    for method, body in (
        ("PUT", user("amal")),
        ("PATCH", patch(replace("title", "x"))),
        ("DELETE", None),
    ):
        answer = await scim.request(method, path, json=body, headers={"if-match": tag})
        assert answer.status_code == 412
    assert (await scim.get(path)).json()["title"] == "Chief"


async def test_in_bulk_what_fails_fails_alone_and_names_may_refer_to_what_is_made(
    scim: httpx.AsyncClient, directory: Directory, superuser: asyncpg.Connection
) -> None:
    body = bulk(
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group("Staff", "bulkId:a")},
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": user("a")},
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": user("A")},
        {"method": "DELETE", "path": f"/Users/{new_id()}"},
        {"method": "POST", "path": "/Users", "bulkId": "c", "data": user("c")},
    )
    answer = await scim.post("/Bulk", json=body)
    assert answer.status_code == 200, answer.text
    assert [one["status"] for one in answer.json()["Operations"]] == [
        "201",
        "201",
        "409",
        "404",
        "201",
    ]
    (staff,) = (await scim.get("/Groups")).json()["Resources"]
    assert len(staff["members"]) == 1
    assert (await scim.get("/Users")).json()["totalResults"] == 2
    rows = await superuser.fetch(
        "select action, name, status from scim_log where tenant_id = $1 and status >= 400",
        directory.tenant_id,
    )
    assert {tuple(row) for row in rows} == {
        ("create", "A@agency.example", 409),
        ("delete", "", 404),
    }


async def test_many_at_once_end_as_one_after_the_other(
    scim: httpx.AsyncClient, superuser: asyncpg.Connection, directory: Directory
) -> None:
    """The same name from ten sides makes one user; ten changes of one leave a whole one."""
    made = await asyncio.gather(*(scim.post("/Users", json=user("same")) for _ in range(10)))
    assert sorted(one.status_code for one in made) == [201] + [409] * 9
    path = f"/Users/{next(one for one in made if one.status_code == 201).json()['id']}"
    changed = await asyncio.gather(
        *(scim.put(path, json=user("same", title=str(number))) for number in range(10))
    )
    assert {one.status_code for one in changed} == {200}
    version = await superuser.fetchval(
        "select version from scim_resource where id = $1", UUID(path.rpartition("/")[2])
    )
    assert version == 11


async def test_a_page_has_an_end_and_what_is_announced_holds(scim: httpx.AsyncClient) -> None:
    said = (await scim.get("/ServiceProviderConfig")).json()
    assert said["bulk"]["maxOperations"] == BULK_OPERATIONS
    assert said["filter"]["maxResults"] == PAGE_LIMIT
    for start in range(0, PAGE_LIMIT + 20, 110):
        body = bulk(
            *(
                {"method": "POST", "path": "/Users", "bulkId": str(n), "data": user(f"n{n}")}
                for n in range(start, start + 110)
            )
        )
        assert (await scim.post("/Bulk", json=body)).status_code == 200
    said = (await scim.get("/Users", params={"count": 100_000})).json()
    assert (said["itemsPerPage"], said["totalResults"]) == (PAGE_LIMIT, 220)
    assert len(said["Resources"]) == PAGE_LIMIT


async def test_a_search_at_the_root_finds_users_and_groups(scim: httpx.AsyncClient) -> None:
    await scim.post("/Users", json=user("amal"))
    await scim.post("/Groups", json=group("Amal's staff"))
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": 'displayName sw "AMAL"',
        "sortBy": "displayName",
    }
    answer = await scim.post("/.search", json=body)
    assert answer.status_code == 200, answer.text
    kinds = [one["meta"]["resourceType"] for one in answer.json()["Resources"]]
    assert kinds == ["User", "Group"]
