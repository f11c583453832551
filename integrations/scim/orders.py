"""In which order a search answers, as SQL: by a value in the form in which it is compared."""

from collections.abc import Sequence
from typing import Any

from scim2_models import Resource, SearchRequest
from scim2_models.path import AttributeBinding

from integrations.scim.filters import MOMENTS, ROWS, TEXTS, at, path_of, prefix, refused

Searched = Sequence[tuple[str, type[Resource[Any]]]]


def order_of(request: SearchRequest[Any], searched: Searched) -> str:
    """`order by …`: as created where nothing is asked for; who has no value comes last."""
    found = [(kind, _value(request, model, kind)) for kind, model in searched]
    if all(value is None for _, value in found):
        return "order by r.id"
    if len(found) == 1:
        by = found[0][1]
    else:
        cases = " ".join(f"when '{kind}' then {value}" for kind, value in found if value)
        by = f"case r.kind {cases} end"
    down = request.sort_order == SearchRequest.SortOrder.descending
    return f"order by {by} {'desc nulls first' if down else 'asc nulls last'}, r.id"


def _value(request: SearchRequest[Any], model: type[Resource[Any]], kind: str) -> str | None:
    """What one kind of resource is ordered by. Raises InvalidFilterException."""
    bound = request.sort_binding(model)
    if bound is None:
        return None
    path = path_of(bound)
    if path in MOMENTS:
        return MOMENTS[path]
    if path == "id":
        return "r.id"
    if (kind, path) in TEXTS:
        return f'{TEXTS[kind, path]} collate "C"'
    if path.startswith("meta.") or (kind, path.split(".")[0]) in ROWS:
        raise refused(f"{path} can't be sorted by")
    if bound.is_multivalued:
        return f"({_first(bound, path)})"
    return at("r.folded", "#>>", [*prefix(bound), *path.split(".")]) + ' collate "C"'


def _first(bound: AttributeBinding, path: str) -> str:
    """Of several values the primary one, else the first."""
    head, _, sub = path.partition(".")
    entries = at("r.folded", "#>", [*prefix(bound), head])
    value = at("entry", "#>>", [sub] if sub else [])
    return (
        f'select {value} collate "C" from jsonb_array_elements({entries})'  # noqa: S608
        " with ordinality as held(entry, place)"
        " order by coalesce(entry ->> 'primary' = 'true', false) desc, place limit 1"
    )
