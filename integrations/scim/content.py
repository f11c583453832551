"""From a SCIM resource to what is kept of it, and back; and whom a user describes. Pure."""

import unicodedata
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from scim2_models import InvalidValueException, Resource

from integrations.scim.model import Kind, Stored
from integrations.scim.schema import (
    ENTERPRISE,
    MEMBERS_LIMIT,
    NAME_LIMIT_CHARACTERS,
    PROVIDER,
    TEXT_LIMIT_CHARACTERS,
)
from integrations.scim.store import Content
from passerelle.kernel.language import Locale, as_locale
from tenants.members.arrivals import Expected, KeyKind

#: Kept in columns or rows of their own, or not at all.
ELSEWHERE: Final = ("id", "meta", "externalId", "groups", "members", "password")
#: Compared as they stand: identifiers.
EXACT: Final = frozenset({"manager"})
NAMES: Final[dict[Kind, str]] = {"User": "userName", "Group": "displayName"}
LANGUAGES: Final = ("en", "fr", "ar")


def content_of(kind: Kind, resource: Resource[Any]) -> Content:
    """What is kept. Raises InvalidValueException for a text that is too long or can't be kept."""
    given = resource.model_dump()
    external_id = given.get("externalId")
    attributes = {name: value for name, value in given.items() if name not in ELSEWHERE}
    _within_limits(attributes)
    name = attributes.get(NAMES[kind]) or ""
    if not name.strip():
        raise InvalidValueException(detail=f"{NAMES[kind]} is needed and can't be empty.")
    for what, text in ((NAMES[kind], name), ("externalId", external_id or "")):
        if len(text) > NAME_LIMIT_CHARACTERS or "\0" in text:
            raise InvalidValueException(
                detail=f"{what} holds at most {NAME_LIMIT_CHARACTERS} characters."
            )
    return Content(
        name=name,
        name_key=folded(name),
        external_id=unicodedata.normalize("NFC", external_id) if external_id else None,
        attributes=attributes,
        folded=_folded(attributes),
    )


def _within_limits(value: Any, name: str = "") -> None:
    if isinstance(value, dict):
        for inner, held in value.items():
            _within_limits(held, inner)
    elif isinstance(value, list):
        if len(value) > 50:
            raise InvalidValueException(detail=f"{name} holds at most 50 values.")
        for held in value:
            _within_limits(held, name)
    elif isinstance(value, str) and (len(value) > TEXT_LIMIT_CHARACTERS or "\0" in value):
        raise InvalidValueException(
            detail=f"{name} holds at most {TEXT_LIMIT_CHARACTERS} characters, and no NUL."
        )


def folded(text: str) -> str:
    """As `scim2_models` compares texts: NFC, small letters."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def _folded(value: Any) -> Any:
    if isinstance(value, str):
        return folded(value)
    if isinstance(value, list):
        return [_folded(one) for one in value]
    if isinstance(value, dict):
        return {name: one if name in EXACT else _folded(one) for name, one in value.items()}
    return value


def resource_of(stored: Stored) -> Resource[Any]:
    """What the client is told."""
    model: Any = PROVIDER.model_for(stored.kind)
    said: dict[str, Any] = {
        **stored.attributes,
        "id": str(stored.id),
        "meta": {
            "resourceType": stored.kind,
            "created": stored.created_at,
            "lastModified": stored.changed_at,
            "version": stored.tag,
        },
    }
    if stored.external_id is not None:
        said["externalId"] = stored.external_id
    if stored.links and stored.kind == "User":
        said["groups"] = [
            {**one, "$ref": f"Groups/{one['value']}", "type": "direct"} for one in stored.links
        ]
    elif stored.links:
        said["members"] = [
            {**one, "$ref": f"Users/{one['value']}", "type": "User"} for one in stored.links
        ]
    resource: Resource[Any] = model.model_validate(said)
    return resource


def changes_of(stored: Stored, content: Content) -> list[str]:
    """The names of the attributes that differ."""
    before, after = _all(stored), _all(content)
    names = {*before, *after} - {"schemas"}
    return sorted(name for name in names if before.get(name) != after.get(name))


def said(of: Stored | Content, names: Iterable[str]) -> dict[str, Any]:
    """These attributes and what they hold."""
    held = _all(of)
    return {name: held.get(name) for name in names}


def _all(of: Stored | Content) -> dict[str, Any]:
    return {**of.attributes, "externalId": of.external_id}


def members_of(group: Resource[Any]) -> dict[UUID, str | None]:
    """The users that a group names, as it names them. Raises InvalidValueException for what can be
    no user."""
    named = getattr(group, "members", None) or []
    if len(named) > MEMBERS_LIMIT:
        raise InvalidValueException(detail=f"A group holds at most {MEMBERS_LIMIT} members.")
    found: dict[UUID, str | None] = {}
    for one in named:
        try:
            found[UUID(one.value)] = _word(one.display)
        except (TypeError, ValueError):
            raise unknown_member(str(one.value)) from None
    return found


def _word(text: str | None) -> str | None:
    return (text or "").replace("\0", "")[:NAME_LIMIT_CHARACTERS] or None


def unknown_member(value: str) -> InvalidValueException:
    return InvalidValueException(
        detail=f"members: {value[:80]} is no user that provisioning made here."
        " Send the user first; groups inside groups are not taken."
    )


def described(person_id: UUID, content: Content) -> Expected:
    """The person whom a user describes, and by what their identity provider will name them."""
    said = content.attributes
    email = _email(said)
    keys: dict[KeyKind, str] = {"user_name": content.name}
    if content.external_id:
        keys["external_id"] = content.external_id
    if email:
        keys["email"] = email
    return Expected(
        person_id=person_id,
        display_name=_display_name(said)[:200],
        email=email,
        locale=_locale(said),
        keys=keys,
    )


def _display_name(said: dict[str, Any]) -> str:
    name = said.get("name") or {}
    whole = " ".join(filter(None, (name.get("givenName"), name.get("familyName"))))
    return str(said.get("displayName") or name.get("formatted") or whole or said["userName"])


def _email(said: dict[str, Any]) -> str | None:
    """The primary address, else the one at work, else the first."""
    given = [one for one in said.get("emails") or [] if "@" in (one.get("value") or "")]
    given.sort(key=lambda one: (not one.get("primary"), one.get("type") != "work"))
    return given[0]["value"][:NAME_LIMIT_CHARACTERS].strip() if given else None


def _locale(said: dict[str, Any]) -> Locale | None:
    for name in ("preferredLanguage", "locale"):
        given = str(said.get(name) or "")
        if given[:2].lower() in LANGUAGES:
            return as_locale(given.split(",")[0].split(";")[0])
    return None


def manager_of(attributes: dict[str, Any]) -> str | None:
    """The identifier that a user gives for their manager."""
    manager = (attributes.get(ENTERPRISE) or {}).get("manager") or {}
    value = manager.get("value")
    return value if isinstance(value, str) else None
