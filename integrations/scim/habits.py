"""What directories send that RFC 7644 doesn't know, put right before it is read; and what is
refused before it is read at all.

Entra ID gives a manager as a bare identifier in PATCH; some clients send operations in capitals.
The rest of their habits (`"False"`, `emails[type eq "work"].value`, names of attributes as keys) is
understood by `scim2_models` under the policy in `schema.py`.
"""

import re
from typing import Any, Final

import msgspec
from scim2_models import InvalidSyntaxException, PayloadTooLargeException

from integrations.scim.schema import BODY_LIMIT_BYTES, DEPTH_LIMIT, ENTERPRISE

MANAGER_PATH: Final = f"{ENTERPRISE}:manager".lower()
MANAGER_VALUE_PATH: Final = f"{MANAGER_PATH}.value"
#: `emails[type eq "work"].value eq "x"`, which is no filter of RFC 7644 but Entra ID's.
CHOSEN: Final = re.compile(
    r'(?P<of>[A-Za-z:.0-9]+)\[(?P<which>[^\]"]*"[^\]"]*")\]\.(?P<sub>[A-Za-z]+)'
    r' (?P<rest>(?:eq|ne|co|sw|ew) "(?:[^"\\]|\\.)*")',
    re.IGNORECASE,
)


def read(body: bytes) -> Any:
    """The body as JSON. Raises PayloadTooLargeException and InvalidSyntaxException."""
    if len(body) > BODY_LIMIT_BYTES:
        raise PayloadTooLargeException(
            detail=f"A request holds at most {BODY_LIMIT_BYTES} bytes. Send less at once."
        )
    if not body:
        return None
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidSyntaxException(detail="The body is no JSON.") from error
    _shallow(said, DEPTH_LIMIT)
    return said


def _shallow(value: Any, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise InvalidSyntaxException(
            detail=f"Lists and objects lie at most {DEPTH_LIMIT} deep in one another."
        )
    for inner in value.values() if isinstance(value, dict) else value:
        _shallow(inner, left - 1)


def put_right(said: Any) -> bool:
    """Changes what is known to be meant otherwise; returns whether anything was."""
    changed = False
    for operation in _operations(said):
        data = operation.get("data")
        if isinstance(data, dict):
            changed |= put_right(data)
        changed |= _manager(operation) | _without_references(operation.get("value"))
    return changed


def filter_put_right(text: str) -> str:
    """`emails[type eq "work" and value eq "x"]` where the other form was sent."""
    return CHOSEN.sub(r"\g<of>[\g<which> and \g<sub> \g<rest>]", text)


def _without_references(value: Any) -> bool:
    """`{"$ref": null, "value": …}` names the value alone, whatever the reference is here."""
    empty = [
        one
        for one in (value if isinstance(value, list) else [])
        if isinstance(one, dict) and "$ref" in one and one["$ref"] is None
    ]
    for one in empty:
        del one["$ref"]
    return bool(empty)


def _operations(said: Any) -> list[dict[str, Any]]:
    found = said.get("Operations") if isinstance(said, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _manager(operation: dict[str, Any]) -> bool:
    """`"manager": "<id>"` means `"manager": {"value": "<id>"}`; an empty one means none."""
    path, value = operation.get("path"), operation.get("value")
    if not isinstance(operation.get("op"), str):
        return False
    if isinstance(path, str) and path.lower() in (MANAGER_PATH, MANAGER_VALUE_PATH):
        operation["path"] = f"{ENTERPRISE}:manager"
        if value in ("", {"value": ""}):
            operation["op"] = "remove"
            operation.pop("value", None)
            return True
        if isinstance(value, str):
            operation["value"] = {"value": value}
        return True
    changed = False
    if path is None and isinstance(value, dict):
        for holder in (value, value.get(ENTERPRISE)):
            if not isinstance(holder, dict):
                continue
            for name in [name for name in holder if name.lower() in ("manager", MANAGER_PATH)]:
                if isinstance(holder[name], str):
                    holder[name] = {"value": holder[name]} if holder[name] else None
                    changed = True
    return changed
