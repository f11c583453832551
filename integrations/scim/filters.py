"""A SCIM filter as SQL over `scim_resource as r`: nothing is compared in Python.

Texts are compared in the form that `folded` holds them in (small letters, NFC; as they are where
the attribute is case-exact), so that the database decides as `scim2_models` would. Every comparison
is true or false, never unknown: `not` can then be believed. What can't be said in SQL is refused.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from scim2_models import InvalidFilterException, Resource, ScimFilter
from scim2_models.path import (
    AttributeBinding,
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
    coerce_value,
)
from scim2_server.utils import parametrize

from integrations.scim.schema import ENTERPRISE, EnterpriseUser

NESTING_LIMIT: Final = 10
TERMS_LIMIT: Final = 40
ORDERED: Final = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
#: Attributes that stand in columns: text, or a moment.
TEXTS: Final = {
    ("User", "userName"): "r.name_key",
    ("Group", "displayName"): "r.name_key",
    ("User", "externalId"): "r.external_id",
    ("Group", "externalId"): "r.external_id",
    ("User", "meta.resourceType"): "lower(r.kind)",
    ("Group", "meta.resourceType"): "lower(r.kind)",
}
MOMENTS: Final = {"meta.created": "r.created_at", "meta.lastModified": "r.changed_at"}
#: Entries that stand in rows of their own.
ROWS: Final = {
    ("User", "groups"): """
      select jsonb_build_object('value', g.id, 'display', g.folded ->> 'displayName',
        'type', 'direct') as entry
      from scim_group_member as held join scim_resource as g
        on g.tenant_id = held.tenant_id and g.id = held.group_id
      where held.tenant_id = $1 and held.user_id = r.id""",
    ("Group", "members"): """
      select jsonb_build_object('value', held.user_id, 'type', 'user',
        'display', lower(held.display)) as entry
      from scim_group_member as held
      where held.tenant_id = $1 and held.group_id = r.id""",
}
BY_VALUE: Final = {
    ("User", "groups.value"): "held.user_id = r.id and held.group_id",
    ("Group", "members.value"): "held.group_id = r.id and held.user_id",
}
#: Something in it that isn't empty.
FULL: Final = """jsonb_path_exists({}, 'strict $.** ? ((@.type() == "string" && @ != "")
  || @.type() == "boolean" || @.type() == "number")')"""


class Translation(FilterVisitor[str]):
    """SQL for one kind of resource; `arguments` grows by what the filter names."""

    def __init__(self, bound_filter: ScimFilter[Any], kind: str, arguments: list[object]) -> None:
        self._filter = bound_filter
        self._kind = kind
        self._arguments = arguments
        self._depth = 0
        self._terms = 0
        # Inside emails[…]: the attribute that is selected from.
        self._within: AttrPath | None = None

    def visit(self, node: FilterNode) -> str:
        self._depth += 1
        self._terms += 1
        if self._depth > NESTING_LIMIT or self._terms > TERMS_LIMIT:
            raise refused(f"a filter holds at most {TERMS_LIMIT} terms, {NESTING_LIMIT} deep")
        try:
            return super().visit(node)
        finally:
            self._depth -= 1

    def visit_not(self, node: Not) -> str:
        return f"not {self.visit(node.expr)}"

    def visit_logical_expr(self, node: LogicalExpr) -> str:
        joined = " and " if node.op == LogicalOperator.and_ else " or "
        return "(" + joined.join(self.visit(term) for term in node.terms) + ")"

    def visit_present(self, node: Present) -> str:
        bound = self._bound(node.attr_path, comparing=False)
        if bound is None:
            return "false"
        path = path_of(bound)
        if self._within is None:
            if (self._kind, path) in TEXTS:
                return f"coalesce({TEXTS[self._kind, path]} <> '', false)"
            if path in MOMENTS or path in ("id", "meta"):
                return "true"
            if (self._kind, path) in ROWS:
                return f"exists ({ROWS[self._kind, path]})"
            if bound.is_multivalued and bound.sub_field_name:
                entry = self._entry(bound)
                return f"exists (select {self._entries(bound)} where coalesce({entry}, '') <> '')"
        return f"coalesce({FULL.format(self._value(bound, '#>'))}, false)"

    def visit_value_path(self, node: ValuePath) -> str:
        bound = self._bound(node.attr_path, comparing=False)
        if self._within is not None or bound is None:
            return "false"
        self._within = node.attr_path
        try:
            return f"exists (select {self._entries(bound)} where {self.visit(node.val_filter)})"
        finally:
            self._within = None

    def visit_comparison(self, node: Comparison) -> str:
        bound = self._bound(node.attr_path, comparing=True)
        if bound is None:
            return "false"
        path, op = path_of(bound), node.op
        value = bound.comparable(coerce_value(bound, node.value, op))
        if self._within is None:
            special = self._special(path, op, value)
            if special is not None:
                return special
            if bound.is_multivalued:
                return self._any(bound, op, value)
        return self._compared(self._value(bound, "#>>"), op, value)

    def _special(self, path: str, op: CompareOperator, value: Any) -> str | None:
        """What stands in a column of its own."""
        if path == "id":
            return self._by_id("r.id", op, value)
        if (self._kind, path) in BY_VALUE and op == CompareOperator.eq and value is not None:
            match = self._by_id(BY_VALUE[self._kind, path], op, value)
            rows = "select from scim_group_member as held where held.tenant_id = $1"
            return f"exists ({rows} and {match})"
        if (self._kind, path) in TEXTS:
            return self._compared(TEXTS[self._kind, path], op, value)
        if path in MOMENTS:
            return self._moment(MOMENTS[path], op, value)
        if path.startswith("meta."):
            raise refused(f"{path} can't be searched for")
        return None

    def _any(self, bound: AttributeBinding, op: CompareOperator, value: Any) -> str:
        """One entry at least compares so; with `ne` none equals it."""
        entry, entries = self._entry(bound), self._entries(bound)
        if op == CompareOperator.ne:
            equal = self._compared(entry, CompareOperator.eq, value)
            return f"not exists (select {entries} where {equal})"
        found = f"exists (select {entries} where {self._compared(entry, op, value)})"
        if op == CompareOperator.eq and value is None:
            return f"({found} or not exists (select {entries}))"
        return found

    def _compared(self, expression: str, op: CompareOperator, value: Any) -> str:
        """A text against a text."""
        if value is None:
            nothing = {"eq": f"{expression} is null", "ne": f"{expression} is not null"}
            return f"({nothing.get(op.value, 'false')})"
        if isinstance(value, bool):
            value = str(value).lower()
        if not isinstance(value, str):
            raise refused("only a text, true or false can be compared with this attribute")
        if "\0" in value:
            return "true" if op == CompareOperator.ne else "false"
        place = self._argument(value, "text")
        if op == CompareOperator.ne:
            return f"({expression} is distinct from {place})"
        said = {
            "eq": f"{expression} = {place}",
            "co": f"strpos({expression}, {place}) > 0",
            "sw": f"starts_with({expression}, {place})",
            "ew": f'right({expression} collate "C", length({place})) = {place}',
        }.get(op.value) or f'{expression} collate "C" {ORDERED[op.value]} {place}'
        return f"coalesce({said}, false)"

    def _moment(self, column: str, op: CompareOperator, value: Any) -> str:
        if value is None:
            return "true" if op == CompareOperator.ne else "false"
        if not isinstance(value, datetime):
            return "false"
        place = self._argument(value, "timestamptz")
        sign = {"eq": "=", "ne": "<>"}.get(op.value) or ORDERED[op.value]
        return f"({column} {sign} {place})"

    def _by_id(self, column: str, op: CompareOperator, value: Any) -> str:
        try:
            wanted = UUID(value) if isinstance(value, str) else None
        except ValueError:
            wanted = None
        if op not in (CompareOperator.eq, CompareOperator.ne):
            return self._compared("r.id::text", op, value)
        if wanted is None or str(wanted) != value:
            return "true" if op == CompareOperator.ne else "false"
        sign = "=" if op == CompareOperator.eq else "<>"
        return f"({column} {sign} {self._argument(wanted, 'uuid')})"

    def _bound(self, path: AttrPath, *, comparing: bool) -> AttributeBinding | None:
        """The attribute that a path names; None where this kind of resource has none such."""
        if self._within is not None:
            path = AttrPath(self._within.attr, path.attr, self._within.uri)
        if comparing:
            return self._filter.resolve_comparison(path, strict=False)
        return self._filter.resolve(path, strict=False)

    def _entries(self, bound: AttributeBinding) -> str:
        """`from …` with one `entry` for each value of a multi-valued attribute."""
        head = path_of(bound).split(".")[0]
        if (self._kind, head) in ROWS:
            return f"from ({ROWS[self._kind, head]}) as held_entries"
        entries = at("r.folded", "#>", [*prefix(bound), head])
        return f"from jsonb_array_elements({entries}) as entry"

    def _entry(self, bound: AttributeBinding) -> str:
        """The text of one `entry`."""
        return at("entry", "#>>", path_of(bound).split(".")[1:])

    def _value(self, bound: AttributeBinding, operator: str) -> str:
        """What the attribute holds, as json (`#>`) or as text (`#>>`)."""
        names = path_of(bound).split(".")
        if self._within is not None:
            return at("entry", operator, names[1:])
        return at("r.folded", operator, [*prefix(bound), *names])

    def _argument(self, value: object, kind: str) -> str:
        self._arguments.append(value)
        return f"${len(self._arguments)}::{kind}"


def where(
    wanted: ScimFilter[Any] | None,
    model: type[Resource[Any]],
    kind: str,
    arguments: list[object],
) -> str:
    """The condition of a filter for one kind of resource. Raises InvalidFilterException."""
    if wanted is None:
        return "true"
    bound: ScimFilter[Any] = parametrize(ScimFilter, model)(str(wanted))
    return Translation(bound, kind, arguments).visit(bound.ast)


def path_of(bound: AttributeBinding) -> str:
    """`emails.value`: an attribute's names without its schema's."""
    schema = getattr(bound.model, "__schema__", None)
    return bound.urn.removeprefix(f"{schema}:") if schema else bound.urn


def prefix(bound: AttributeBinding) -> list[str]:
    return [ENTERPRISE] if issubclass(bound.model, EnterpriseUser) else []


def at(host: str, operator: str, names: Sequence[str]) -> str:
    """A place in a json value. The names are the schema's own: letters, digits, colons, points."""
    path = ",".join(f'"{name}"' for name in names)
    return f"({host} {operator} '{{{path}}}')"


def refused(why: str) -> InvalidFilterException:
    return InvalidFilterException(detail=f"This filter can't be used here: {why}.")
