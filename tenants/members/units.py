"""The organisation's tree of units, as members need it: what lies below a unit, and its name."""

from collections.abc import Iterable
from uuid import UUID

from passerelle.kernel.database import TenantRead
from tenants.members import unit_store
from tenants.members.model import Unit


class Tree:
    """Every unit of an organisation."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self.by_id = {unit.id: unit for unit in units}
        self._children: dict[UUID | None, list[UUID]] = {}
        for unit in self.by_id.values():
            self._children.setdefault(unit.parent_id, []).append(unit.id)

    def below(self, roots: Iterable[UUID]) -> frozenset[UUID]:
        """These units and all that lies below them; those that exist no more are left out."""
        found: set[UUID] = set()
        waiting = [root for root in roots if root in self.by_id]
        while waiting:
            unit_id = waiting.pop()
            if unit_id not in found:
                found.add(unit_id)
                waiting += self._children.get(unit_id, [])
        return frozenset(found)

    def name(self, unit_id: UUID | None, locale: str) -> str:
        """A unit's name; empty for none."""
        unit = self.by_id.get(unit_id) if unit_id else None
        return unit.name.in_(locale) if unit else ""

    def options(self, locale: str, within: frozenset[UUID] | None = None) -> list[tuple[str, str]]:
        """Each open unit's id and name to choose from, children below their parent.

        The root isn't among them: it is the organisation itself.
        """
        ordered: list[tuple[str, str]] = []

        def visit(parent: UUID | None, depth: int) -> None:
            children = self._children.get(parent, [])
            for unit_id in sorted(children, key=lambda one: self.name(one, locale).casefold()):
                offered = within is None or unit_id in within
                if offered and not self.by_id[unit_id].closed:
                    ordered.append((str(unit_id), "— " * depth + self.name(unit_id, locale)))
                visit(unit_id, depth + offered)

        for root in self._children.get(None, []):
            visit(root, 0)
        return ordered


async def tree(read: TenantRead) -> Tree:
    return Tree(await unit_store.units(read))
