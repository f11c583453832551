"""Who acts: a person in a session, or a task of the system."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec

from passerelle.kernel.language import DEFAULT_LOCALE, Locale, Localised

#: A route open to anyone; one open to any signed-in person in their own space; and one open to any
#: member of the organisation in whose space it is, whatever their roles.
PUBLIC = "public"
PERSON = "person"
MEMBER = "member"
#: A route of whoever runs the installation: a token of theirs, and no session.
OPERATOR = "operator"


class Viewer(msgspec.Struct, frozen=True):
    """Who looks at the product as another member or another role, read only, until `ends_at`."""

    person_id: UUID
    display_name: str
    # Whom or what they look as, in words.
    seen_as: str
    # Seconds since the epoch.
    ends_at: float

    @property
    def until(self) -> datetime:
        return datetime.fromtimestamp(self.ends_at, UTC)


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts, in which organisation, and what they may do there."""

    kind: Literal["person", "system"]
    display_name: str
    person_id: UUID | None = None
    tenant_id: UUID | None = None
    tenant_slug: str | None = None
    tenant_name: Localised | None = None
    permissions: frozenset[str] = frozenset()
    locale: Locale = DEFAULT_LOCALE
    session_id: str | None = None
    origin: Literal["lti", "keycloak", "api", "system"] = "system"
    # What the door that let them in wants remembered: a launch's ids, Keycloak's `sid`.
    attributes: dict[str, str] = {}
    # Permission → the units to which it is limited (each with what lies below it). A permission
    # that isn't here counts for the whole organisation.
    units: dict[str, tuple[UUID, ...]] = {}
    # Set while someone else looks as this actor would: nothing may be written.
    viewer: Viewer | None = None

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def units_for(self, permission: str) -> tuple[UUID, ...] | None:
        """The units in which a permission counts; None for the whole organisation."""
        return self.units.get(permission)


def system(task: str, tenant_id: UUID | None = None) -> Actor:
    """The actor of a task, by the task's name."""
    return Actor(kind="system", display_name=task, tenant_id=tenant_id)
