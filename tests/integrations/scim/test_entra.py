"""Microsoft Entra ID's requests, as its documentation of the provisioning service shows them:
https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups
"""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from tests.integrations.scim.payloads import ENTERPRISE, GROUP, PATCH, USER

STATUS = """
select status from member join scim_resource as user_ using (tenant_id, person_id)
where user_.id = $1
"""


async def patched(scim: httpx.AsyncClient, path: str, *operations: dict[str, Any]) -> None:
    body = {"schemas": [PATCH], "Operations": list(operations)}
    answer = await scim.patch(path, json=body)
    assert answer.status_code in (200, 204), answer.text


async def found(scim: httpx.AsyncClient, path: str, text: str) -> list[dict[str, Any]]:
    answer = await scim.get(path, params={"filter": text})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
    resources: list[dict[str, Any]] = said.get("Resources", [])
    assert said["totalResults"] == len(resources)
    return resources


def arriving(name: str) -> dict[str, Any]:
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": f"{name}-in-entra",
        "userName": f"{name}@contoso.example",
        "active": True,
        "addresses": [{"type": "work", "streetAddress": "1 rue X", "country": "MA"}],
        "displayName": "Bernard Testa",
        "emails": [{"primary": True, "type": "work", "value": f"{name}@contoso.example"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Bernard Testa", "familyName": "Testa", "givenName": "Bernard"},
        "preferredLanguage": "fr-FR",
        "roles": [],
        "title": None,
        ENTERPRISE: {"department": "Budget", "employeeNumber": "1204"},
    }


async def test_the_connection_is_tested_by_asking_for_nobody(scim: httpx.AsyncClient) -> None:
    assert await found(scim, "/Users", f'userName eq "{uuid4()}"') == []
    assert await found(scim, "/Users", f'externalId eq "{uuid4()}"') == []
    assert await found(scim, "/Groups", 'displayName eq "Nobody"') == []
    for path in ("/Schemas", "/ServiceProviderConfig", "/ResourceTypes"):
        assert (await scim.get(path)).status_code == 200


async def test_a_user_arrives_changes_leaves_and_is_deleted_a_month_later(
    scim: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    manager = (await scim.post("/Users", json=arriving("boss"))).json()
    answer = await scim.post("/Users", json=arriving("bernard"))
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"].startswith("application/scim+json")
    path = f"/Users/{answer.json()['id']}"
    assert [
        one["id"] for one in await found(scim, "/Users", 'userName eq "BERNARD@contoso.example"')
    ]
    assert await found(scim, "/Users", 'externalId eq "bernard-in-entra"')
    mail = 'emails[type eq "work"].value eq "bernard@contoso.example"'
    assert len(await found(scim, "/Users", mail)) == 1
    assert await found(scim, "/Users", mail.replace("work", "home")) == []
    await patched(
        scim,
        path,
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "b.t@contoso.example"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+212600000000"},
        {"op": "Replace", "path": "name.familyName", "value": "Testard"},
        {"op": "Add", "path": "title", "value": "Analyst"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Audit"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": manager["id"]},
    )
    said = (await scim.get(path)).json()
    assert said["emails"][0]["value"] == "b.t@contoso.example"
    assert said["phoneNumbers"] == [{"type": "mobile", "value": "+212600000000"}]
    assert (said["name"]["familyName"], said["title"]) == ("Testard", "Analyst")
    assert said[ENTERPRISE]["department"] == "Audit"
    assert said[ENTERPRISE]["manager"]["value"] == manager["id"]
    assert said[ENTERPRISE]["manager"]["$ref"].endswith(f"/Users/{manager['id']}")
    await patched(
        scim,
        path,
        {
            "op": "replace",
            "value": {
                "displayName": "B. Testard",
                "name.givenName": "Bernie",
                f"{ENTERPRISE}:department": "Treasury",
            },
        },
    )
    said = (await scim.get(path)).json()
    assert (said["displayName"], said["name"]["givenName"]) == ("B. Testard", "Bernie")
    assert said[ENTERPRISE]["department"] == "Treasury"
    await patched(scim, path, {"op": "Remove", "path": f"{ENTERPRISE}:manager"})
    assert "manager" not in (await scim.get(path)).json()[ENTERPRISE]
    await patched(scim, path, {"op": "Replace", "path": "active", "value": "False"})
    (gone,) = await found(scim, "/Users", 'userName eq "bernard@contoso.example"')
    assert gone["active"] is False
    assert await superuser.fetchval(STATUS, UUID(gone["id"])) == "suspended"
    await patched(scim, path, {"op": "Replace", "value": {"active": "True"}})
    assert (await scim.get(path)).json()["active"] is True
    await patched(scim, path, {"op": "Replace", "path": "active", "value": "False"})
    assert (await scim.delete(path)).status_code == 204
    assert (await scim.get(path)).status_code == 404
    assert (await scim.delete(path)).status_code == 404


async def test_a_manager_is_put_right_wherever_it_stands(scim: httpx.AsyncClient) -> None:
    boss = (await scim.post("/Users", json=arriving("boss"))).json()["id"]
    path = f"/Users/{(await scim.post('/Users', json=arriving('amal'))).json()['id']}"
    for operation in (
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": boss},
        {"op": "Replace", "path": f"{ENTERPRISE}:manager.value", "value": boss},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": {"value": boss}},
        {"op": "Add", "value": {f"{ENTERPRISE}:manager": boss}},
        {"op": "Add", "value": {ENTERPRISE: {"manager": boss}}},
    ):
        await patched(scim, path, operation)
        assert (await scim.get(path)).json()[ENTERPRISE]["manager"]["value"] == boss, operation
        await patched(scim, path, {"op": "Replace", "path": f"{ENTERPRISE}:manager", "value": ""})
        assert "manager" not in (await scim.get(path)).json()[ENTERPRISE], operation


async def test_a_group_arrives_gains_and_loses_members_and_leaves(scim: httpx.AsyncClient) -> None:
    people = [
        (await scim.post("/Users", json=arriving(name))).json()["id"] for name in ("a", "b", "c")
    ]
    answer = await scim.post(
        "/Groups",
        json={
            "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM"],
            "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
            "displayName": "Treasury",
            "meta": {"resourceType": "Group"},
        },
    )
    assert answer.status_code == 201, answer.text
    path = f"/Groups/{answer.json()['id']}"
    without = await scim.get(path, params={"excludedAttributes": "members"})
    assert "members" not in without.json()
    (listed,) = await found(scim, "/Groups", 'displayName eq "treasury"')
    assert listed["id"] == answer.json()["id"]
    await patched(
        scim,
        path,
        {"op": "Add", "path": "members", "value": [{"$ref": None, "value": one} for one in people]},
    )
    assert {one["value"] for one in (await scim.get(path)).json()["members"]} == set(people)
    held = (await scim.get(f"/Users/{people[0]}")).json()["groups"]
    assert [(one["display"], one["type"]) for one in held] == [("Treasury", "direct")]
    await patched(
        scim,
        path,
        {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": people[0]}]},
        {"op": "Remove", "path": f'members[value eq "{people[1]}"]'},
        {"op": "Replace", "path": "displayName", "value": "Treasury and audit"},
    )
    said = (await scim.get(path)).json()
    assert [one["value"] for one in said["members"]] == [people[2]]
    assert said["displayName"] == "Treasury and audit"
    among = f'id eq "{said["id"]}" and members eq "{people[2]}"'
    assert len(await found(scim, "/Groups", among)) == 1
    assert await found(scim, "/Groups", among.replace(people[2], people[0])) == []
    await patched(scim, path, {"op": "Add", "path": "members", "value": [{"value": people[2]}]})
    assert (await scim.delete(path)).status_code == 204
    assert "groups" not in (await scim.get(f"/Users/{people[2]}")).json()
