"""The tree of units as a page draws it: what is open on screen, and who is in and below each."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec

from tenants.organisations.unit_model import Unit, UnitOnRecord

Known = Unit | UnitOnRecord


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A unit on screen. `children` are drawn where it is `expanded`; None: it has none."""

    unit: Known
    level: int
    members: int
    expanded: bool | None
    selected: bool
    children: list["Node"]


class Forest:
    """The units of an organisation, at most UNITS_LIMIT; closed ones where they are asked for."""

    def __init__(self, units: Iterable[Known], members: Mapping[UUID, int] | None = None) -> None:
        self.by_id: dict[UUID, Known] = {unit.id: unit for unit in units}
        self.children: dict[UUID | None, list[Known]] = {}
        for unit in self.by_id.values():
            self.children.setdefault(unit.parent_id, []).append(unit)
        self._in_unit = dict(members or {})
        self._below: dict[UUID, int] = {}

    @property
    def root(self) -> Known | None:
        return next(iter(self.children.get(None, [])), None)

    def path(self, unit_id: UUID) -> list[Known]:
        """From the top down to the unit itself."""
        found: list[Known] = []
        at: UUID | None = unit_id
        while at is not None and at in self.by_id and len(found) <= len(self.by_id):
            found.append(self.by_id[at])
            at = self.by_id[at].parent_id
        return found[::-1]

    def below(self, unit_id: UUID) -> list[Known]:
        """All that lies below the unit, itself not among it, level by level."""
        found: list[Known] = []
        waiting = list(self.children.get(unit_id, []))
        while waiting:
            found += waiting
            waiting = [child for one in waiting for child in self.children.get(one.id, [])]
        return found

    def members_in(self, unit_id: UUID) -> int:
        return self._in_unit.get(unit_id, 0)

    def members(self, unit_id: UUID) -> int:
        """Members in the unit and below it."""
        if unit_id not in self._below:
            self._below[unit_id] = self.members_in(unit_id) + sum(
                self.members(child.id) for child in self.children.get(unit_id, [])
            )
        return self._below[unit_id]

    def drawn(self, selected: UUID | None, locale: str, *, closed: bool = False) -> Node | None:
        """The tree with the selected unit, and what stands above it, open."""
        if self.root is None:
            return None
        open_units = {one.id for one in self.path(selected or self.root.id)}
        return self._node(self.root, 1, open_units, selected, locale, closed)

    def _node(
        self,
        unit: Known,
        level: int,
        open_units: set[UUID],
        selected: UUID | None,
        locale: str,
        closed: bool,
    ) -> Node:
        children = [
            child
            for child in self.children.get(unit.id, [])
            if closed or not child.closed or child.id in open_units
        ]
        expanded = unit.id in open_units if children else None
        children.sort(key=lambda one: one.name.in_(locale).casefold())
        return Node(
            unit=unit,
            level=level,
            members=self.members(unit.id),
            expanded=expanded,
            selected=unit.id == selected,
            children=[
                self._node(child, level + 1, open_units, selected, locale, closed)
                for child in (children if expanded else [])
            ],
        )
