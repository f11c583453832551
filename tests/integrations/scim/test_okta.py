"""Okta's requests, as its documentation of SCIM 2.0 shows them:
https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20
"""

from typing import Any

import httpx

from tests.integrations.scim.payloads import GROUP, PATCH, USER

PAGE = {"startIndex": 1, "count": 100}


def assigned(name: str, **more: Any) -> dict[str, Any]:
    return {
        "schemas": [USER],
        "userName": f"{name}@okta.example",
        "name": {"givenName": "Test", "familyName": name.title()},
        "emails": [{"primary": True, "value": f"{name}@okta.example", "type": "work"}],
        "displayName": f"Test {name.title()}",
        "locale": "en-US",
        "externalId": f"00u{name}",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
        **more,
    }


async def found(scim: httpx.AsyncClient, name: str) -> dict[str, Any]:
    asked = {**PAGE, "filter": f'userName eq "{name}@okta.example"'}
    answer = await scim.get("/Users", params=asked)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def test_a_user_is_assigned_changed_deactivated_and_assigned_again(
    scim: httpx.AsyncClient,
) -> None:
    assert (await found(scim, "test"))["totalResults"] == 0
    answer = await scim.post("/Users", json=assigned("test"))
    assert answer.status_code == 201, answer.text
    assert "password" not in answer.json()
    user_id = answer.json()["id"]
    assert (await found(scim, "test"))["Resources"][0]["id"] == user_id
    again = await scim.post("/Users", json=assigned("test"))
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")
    path = f"/Users/{user_id}"
    before = (await scim.get(path)).json()
    whole = {**before, **assigned("test", displayName="Another Name")}
    answer = await scim.put(path, json=whole)
    assert (answer.status_code, answer.json()["displayName"]) == (200, "Another Name")
    for active in (False, True, False):
        body = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": active}}]}
        assert (await scim.patch(path, json=body)).status_code in (200, 204)
        assert (await scim.get(path)).json()["active"] is active
    answer = await scim.put(path, json=assigned("test", active=True))
    assert answer.json()["active"] is True


async def test_an_import_walks_through_all_pages(scim: httpx.AsyncClient) -> None:
    names = [f"u{number}" for number in range(7)]
    for name in names:
        assert (await scim.post("/Users", json=assigned(name))).status_code == 201
    seen: list[str] = []
    while True:
        asked = {"startIndex": len(seen) + 1, "count": 3}
        said = (await scim.get("/Users", params=asked)).json()
        assert (said["totalResults"], said["startIndex"]) == (7, len(seen) + 1)
        assert said["itemsPerPage"] == len(said.get("Resources", []))
        if not said.get("Resources"):
            break
        seen += [one["userName"].partition("@")[0] for one in said["Resources"]]
    assert seen == names
    said = (await scim.get("/Users", params={"startIndex": 1, "count": 100_000})).json()
    assert said["itemsPerPage"] == 7
    said = (await scim.get("/Users", params={"startIndex": 1, "count": 0})).json()
    assert (said["totalResults"], said.get("Resources", [])) == (7, [])
    said = (await scim.get("/Users", params={"startIndex": 400, "count": 2})).json()
    assert (said["totalResults"], said.get("Resources", [])) == (7, [])


async def test_a_group_is_pushed_renamed_filled_emptied_and_removed(
    scim: httpx.AsyncClient,
) -> None:
    people = [(await scim.post("/Users", json=assigned(name))).json()["id"] for name in ("a", "b")]
    assert (await scim.get("/Groups", params=PAGE)).json()["totalResults"] == 0
    body = {
        "schemas": [GROUP],
        "displayName": "Test SCIMv2",
        "members": [{"value": people[0], "display": "a@okta.example"}],
    }
    answer = await scim.post("/Groups", json=body)
    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert said["members"][0]["display"] == "a@okta.example"
    path = f"/Groups/{said['id']}"

    async def push(*operations: dict[str, Any]) -> dict[str, Any]:
        body = {"schemas": [PATCH], "Operations": list(operations)}
        answer = await scim.patch(path, json=body)
        assert answer.status_code in (200, 204), answer.text
        now: dict[str, Any] = (await scim.get(path)).json()
        return now

    renamed = await push({"op": "replace", "value": {"id": said["id"], "displayName": "Renamed"}})
    assert (renamed["displayName"], len(renamed["members"])) == ("Renamed", 1)
    filled = await push(
        {"op": "remove", "path": f'members[value eq "{people[0]}"]'},
        {"op": "add", "path": "members", "value": [{"value": people[1], "display": "b"}]},
    )
    assert [one["value"] for one in filled["members"]] == [people[1]]
    whole = await push(
        {"op": "replace", "path": "members", "value": [{"value": one} for one in people]}
    )
    assert {one["value"] for one in whole["members"]} == set(people)
    emptied = await push({"op": "replace", "path": "members", "value": []})
    assert "members" not in emptied
    answer = await scim.put(path, json={**body, "id": said["id"], "members": []})
    assert (answer.status_code, answer.json()["displayName"]) == (200, "Test SCIMv2")
    assert (await scim.delete(path)).status_code == 204
