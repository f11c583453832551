"""What a request asks for: of which kind, and how much of it. Pure."""

from collections.abc import Sequence
from typing import Any

from scim2_models import Resource, ResourceType, ResponseParameters

from integrations.scim import store
from integrations.scim.model import Kind
from integrations.scim.schema import PROVIDER

AS_LINKS = " as links"


def kind_of(resource_type: ResourceType) -> Kind:
    return "User" if resource_type.name == "User" else "Group"


def model_of(resource_type: ResourceType) -> type[Resource[Any]]:
    model: Any = PROVIDER.model_for(resource_type)
    found: type[Resource[Any]] = model
    return found


def links_of(kinds: Sequence[Kind], members: bool) -> str:
    """The column of a user's groups, of a group's members, or of whichever it is."""
    groups = store.GROUP_LINKS if members else store.NO_LINKS
    of_kind = {"User": store.USER_LINKS, "Group": groups}
    if len(kinds) == 1:
        return of_kind[kinds[0]]
    cases = " ".join(f"when '{kind}' then {of_kind[kind].removesuffix(AS_LINKS)}" for kind in kinds)
    return f"case r.kind {cases} end{AS_LINKS}"


def asks_for_members(parameters: ResponseParameters[Any] | None) -> bool:
    """Whether the answer shows a group's members: they may be thousands."""
    if parameters is None:
        return True
    if parameters.attributes:
        return any("members" in str(one).lower() for one in parameters.attributes)
    left_out = [str(one).lower() for one in parameters.excluded_attributes or []]
    return not any(one.rsplit(":", 1)[-1] == "members" for one in left_out)
