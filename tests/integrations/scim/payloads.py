"""Bodies that clients send."""

from typing import Any

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def user(name: str, **more: Any) -> dict[str, Any]:
    address = f"{name}@agency.example"
    return {
        "schemas": [USER],
        "userName": address,
        "externalId": f"id-of-{name}",
        "name": {"givenName": name.title(), "familyName": "Test"},
        "displayName": f"{name.title()} Test",
        "emails": [{"value": address, "type": "work", "primary": True}],
        "active": True,
        **more,
    }


def group(name: str, *members: str) -> dict[str, Any]:
    return {
        "schemas": [GROUP],
        "displayName": name,
        "members": [{"value": one} for one in members],
    }


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def bulk(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [BULK], "Operations": list(operations)}
