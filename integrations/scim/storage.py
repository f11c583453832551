"""Where `scim2-server` reads and writes: one organisation's users and groups, in one transaction.

What changes nothing writes nothing: no row, no event, no new version.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from scim2_models import (
    NotFoundException,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    SearchRequest,
    UniquenessException,
)
from scim2_server.storage import AsyncScimStorage, SearchPage

from integrations.scim import filters, groups, memberships, orders, store
from integrations.scim.asked import asks_for_members, kind_of, links_of, model_of
from integrations.scim.content import (
    changes_of,
    content_of,
    manager_of,
    members_of,
    resource_of,
    said,
)
from integrations.scim.log_store import Entry, note
from integrations.scim.memberships import Told, told
from integrations.scim.model import Caller, Kind, Stored, UserChanged
from integrations.scim.schema import ENTERPRISE
from integrations.scim.store import Content
from passerelle.kernel.database import TenantTransaction
from passerelle.kernel.errors import Problem
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id

USER_NAME_TAKEN = "This userName is taken by another user of this organisation."
UNKNOWN = (
    "No {} with this id was provisioned here. Members whom provisioning did not make are out of "
    "its reach: nothing about them can be read or changed."
)
AT_ONCE = "Someone changed this at the same moment. Send the request again."


class TenantStorage(AsyncScimStorage):
    """`writing` holds what is read until the end; `bulk` lets one operation fail alone.

    `standing_changed` says afterwards whether open sessions have to be told.
    """

    def __init__(
        self, tx: TenantTransaction, caller: Caller, *, writing: bool = True, bulk: bool = False
    ) -> None:
        self._tx = tx
        self._caller = caller
        self._writing = writing
        self._bulk = bulk
        self.standing_changed = False

    @asynccontextmanager
    async def operation(self) -> AsyncIterator[None]:
        """One operation, and what it may raise in SCIM's words."""
        if self._bulk:
            await self._tx.execute("savepoint scim")
        try:
            yield
        except BaseException as error:
            if self._bulk and not self._tx.connection.is_closed():
                await self._tx.execute("rollback to savepoint scim")
            if isinstance(error, Problem):
                raise told(error) from error
            if isinstance(error, asyncpg.DeadlockDetectedError) and self._bulk:
                raise Told(409, AT_ONCE) from error
            raise
        if self._bulk:
            await self._tx.execute("release savepoint scim")

    async def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        links = asks_for_members(response_parameters)
        return resource_of(await self._stored(kind_of(resource_type), resource_id, links=links))

    async def search(
        self,
        resource_types: list[ResourceType],
        search_request: SearchRequest[Any],
        *,
        position: Any = None,
    ) -> SearchPage:
        arguments: list[object] = [self._tx.tenant_id]
        searched = [(kind_of(one), model_of(one)) for one in resource_types]
        conditions = " or ".join(
            f"(r.kind = '{kind}' and "
            f"{filters.where(search_request.filter, model, kind, arguments)})"
            for kind, model in searched
        )
        rows, total = await store.search(
            self._tx,
            f"({conditions})",
            orders.order_of(search_request, searched),
            arguments[1:],
            links=links_of([kind for kind, _ in searched], asks_for_members(search_request)),
            offset=(search_request.start_index or 1) - 1,
            limit=search_request.count,
        )
        return SearchPage(total, [resource_of(row) for row in rows])

    async def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        kind, resource_id = kind_of(resource_type), new_id()
        content = await self._content(kind, resource)
        person_id = None
        if kind == "User":
            content.attributes.setdefault("active", True)
            content.folded.setdefault("active", True)
            person_id = await memberships.begin(self._tx, self._caller, content)
        suspended = kind == "User" and not content.attributes["active"]
        with _taken():
            stamp = await store.insert(
                self._tx,
                resource_id,
                kind,
                content,
                person_id=person_id,
                client_id=self._caller.client_id,
                suspended=suspended,
            )
        if kind == "Group":
            await groups.begin(self._tx, resource_id, content, members_of(resource))
        await self._note("create", kind, resource_id, content.name, person_id, 201)
        if kind == "Group":
            return await self._again(resource_id)
        return resource_of(
            Stored(
                id=resource_id,
                kind=kind,
                name=content.name,
                external_id=content.external_id,
                person_id=person_id,
                suspended=suspended,
                attributes=content.attributes,
                version=stamp.version,
                created_at=stamp.created_at,
                changed_at=stamp.changed_at,
            )
        )

    async def update(
        self,
        resource_type: ResourceType,
        resource: Resource[Any],
        *,
        expected_version: str | None = None,
    ) -> Resource[Any]:
        kind = kind_of(resource_type)
        stored = await self._stored(kind, str(resource.id))
        _still(stored, expected_version)
        content = await self._content(kind, resource)
        if kind == "User":
            return await self._update_user(stored, content)
        return await self._update_group(stored, content, members_of(resource))

    async def delete(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        expected_version: str | None = None,
    ) -> None:
        kind = kind_of(resource_type)
        stored = await self._stored(kind, resource_id)
        _still(stored, expected_version)
        if stored.person_id is not None:
            await memberships.end(self._tx, self._caller, stored.person_id)
            self.standing_changed = True
        else:
            await groups.end(self._tx, stored)
        await store.delete(self._tx, stored.id)
        await self._note("delete", kind, stored.id, stored.name, stored.person_id, 204)

    async def _update_user(self, stored: Stored, content: Content) -> Resource[Any]:
        changed = changes_of(stored, content)
        if not changed:
            return resource_of(stored)
        suspended, standing = await memberships.change(self._tx, self._caller, stored, content)
        self.standing_changed |= standing
        with _taken():
            stamp = await store.update(self._tx, stored.id, content, suspended=suspended)
        if changed != ["active"]:
            await emit(
                self._tx,
                "scim.user_changed",
                UserChanged(content.name, said(content, changed)),
                subject=stored.id,
                person_id=stored.person_id,
                before=UserChanged(stored.name, said(stored, changed)),
                reason=memberships.reason_of(self._caller),
            )
        words = ", ".join(changed)
        await self._note("change", "User", stored.id, content.name, stored.person_id, 200, words)
        return resource_of(
            msgspec.structs.replace(
                stored,
                external_id=content.external_id,
                attributes=content.attributes,
                version=stamp.version,
                changed_at=stamp.changed_at,
            )
        )

    async def _update_group(
        self, stored: Stored, content: Content, members: dict[UUID, str | None]
    ) -> Resource[Any]:
        changed = await groups.change(self._tx, self._caller, stored, content, members)
        if not changed:
            return resource_of(stored)
        words = ", ".join(changed)
        await self._note("change", "Group", stored.id, content.name, None, 200, words)
        return await self._again(stored.id)

    async def _content(self, kind: Kind, resource: Resource[Any]) -> Content:
        """What is kept; a manager's `$ref` is ours, and only where the manager is a user here."""
        content = content_of(kind, resource)
        manager = manager_of(content.attributes)
        if manager is not None:
            held = content.attributes[ENTERPRISE]["manager"]
            held.pop("$ref", None)
            try:
                known = await store.users(self._tx, [UUID(manager)])
            except ValueError:
                known = set()
            if known:
                held["$ref"] = f"Users/{manager}"
        return content

    async def _stored(self, kind: Kind, resource_id: str, *, links: bool = True) -> Stored:
        """Raises NotFoundException: also for what is another kind, or no identifier of ours."""
        try:
            wanted = UUID(resource_id)
        except ValueError:
            wanted = None
        found = None
        if wanted is not None and str(wanted) == resource_id:
            found = await store.resource(self._tx, kind, wanted, lock=self._writing, links=links)
        if found is None:
            raise NotFoundException(detail=UNKNOWN.format(kind.lower()))
        return found

    async def _again(self, group_id: UUID) -> Resource[Any]:
        found = await store.resource(self._tx, "Group", group_id, lock=False)
        assert found is not None  # noqa: S101  written just now
        return resource_of(found)

    async def _note(
        self,
        action: str,
        kind: Kind,
        resource_id: UUID,
        name: str,
        person_id: UUID | None,
        status: int,
        detail: str = "",
    ) -> None:
        entry = Entry(action, kind, str(resource_id), name, person_id, status, detail)
        await note(self._tx, self._caller, [entry])


@contextmanager
def _taken() -> Iterator[None]:
    """A userName that is taken, in SCIM's words."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise UniquenessException(detail=USER_NAME_TAKEN) from error


def _still(stored: Stored, expected_version: str | None) -> None:
    if expected_version is not None and expected_version != stored.tag:
        raise PreconditionFailedException()
