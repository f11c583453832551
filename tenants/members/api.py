"""Members for programs: the list, as whoever asks may see it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import Parameter

from passerelle.kernel.database import TenantReader
from passerelle.kernel.language import Locale
from tenants.members import directory, units
from tenants.members.directory import TEXT_LIMIT_CHARACTERS, Query
from tenants.members.model import Held, Status

Text = Annotated[str, Parameter(max_length=TEXT_LIMIT_CHARACTERS)]


class ListedMember(msgspec.Struct, frozen=True):
    person_id: UUID
    display_name: str
    email: str | None
    locale: Locale
    status: Status
    unit_id: UUID | None
    roles: list[Held]
    member_since: datetime


class MemberPage(msgspec.Struct, frozen=True):
    """By name. `next_after` asks for the following page; None is the end."""

    members: list[ListedMember]
    next_after: UUID | None


@get("/t/{slug:str}/api/members", permission="members.read", tags=["members"])
async def members(
    read: TenantReader,
    q: Text = "",
    role: Text = "",
    unit: Text = "",
    standing: Annotated[
        Text, Parameter(description="active, suspended, removed or all; else those not removed")
    ] = "",
    after: Annotated[UUID | None, Parameter(description="next_after of the page so far")] = None,
) -> MemberPage:
    """The organisation's members within the units that the asker sees, 50 a page."""
    query = Query.of({"q": q, "role": role, "unit": unit, "status": standing})
    page = await directory.page(read, query, after, await units.tree(read))
    listed = [
        ListedMember(
            row.person_id,
            row.display_name,
            row.email,
            row.locale,
            row.status,
            row.unit_id,
            row.roles,
            row.created_at,
        )
        for row in page.rows
    ]
    return MemberPage(listed, page.next_after)


handlers: list[Any] = [members]
