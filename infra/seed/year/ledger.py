"""Rows and events gathered by table, and written in one transaction by COPY."""

from collections import defaultdict
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from infra.seed.year.calendar import Calendar

EVENT_COLUMNS: Final = [
    "tenant_id",
    "id",
    "name",
    "payload",
    "subject",
    "person_id",
    "actor_kind",
    "actor_person_id",
    "actor_name",
    "before",
    "reason",
    "origin",
    "source_address",
    "occurred_at",
    "dispatched",
]
#: What others refer to stands first.
ORDER: Final = (
    "unit",
    "member",
    "member_role",
    "lti_line_item",
    "lti_user",
    "lti_placement",
    "enrolment",
    "study_progress",
    "attempt",
    "response",
    "issued_credential",
    "person",
    "profile",
    "evidence",
    "sharing",
    "person_event",
    "requisition_counter",
    "requisition",
    "requirement",
    "application",
    "decision",
)


class By(msgspec.Struct, frozen=True):
    """Who did it: a person from an address, or the system."""

    name: str
    person_id: UUID | None = None
    origin: str = "system"
    address: str | None = None

    @property
    def kind(self) -> str:
        return "system" if self.person_id is None else "person"


SYSTEM: Final = By("seed")


class Ledger:
    """What is to be written, in the tables of ORDER. Writing empties it."""

    def __init__(self, tenant_id: UUID, calendar: Calendar) -> None:
        self.tenant_id = tenant_id
        self.calendar = calendar
        self._rows: dict[str, list[dict[str, object]]] = defaultdict(list)
        self._events: list[tuple[object, ...]] = []

    def add(self, table: str, **values: object) -> None:
        """One row; every row of a table names the same columns."""
        self._rows[table].append(values)

    def event(
        self,
        at: datetime,
        name: str,
        payload: msgspec.Struct,
        *,
        by: By = SYSTEM,
        subject: UUID | None = None,
        person_id: UUID | None = None,
        before: msgspec.Struct | None = None,
        reason: str | None = None,
    ) -> None:
        """An event of the tenant at its moment, with nothing left to carry out."""
        self._events.append(
            (
                self.tenant_id,
                self.calendar.identifier(at),
                name,
                payload,
                subject,
                person_id,
                by.kind,
                by.person_id,
                by.name,
                before,
                reason,
                by.origin,
                by.address,
                at,
                True,
            )
        )

    def __len__(self) -> int:
        return len(self._events) + sum(map(len, self._rows.values()))

    async def write(self, connection: asyncpg.Connection) -> None:
        """All of it or nothing. The connection is the operator's: serving roles can't COPY."""
        async with connection.transaction():
            for table in sorted(self._rows, key=ORDER.index):
                rows = self._rows[table]
                await connection.copy_records_to_table(
                    table,
                    columns=list(rows[0]),
                    records=[tuple(row.values()) for row in rows],
                )
            self._events.sort(key=lambda event: str(event[1]))
            await connection.copy_records_to_table(
                "tenant_event", columns=EVENT_COLUMNS, records=self._events
            )
        self._rows.clear()
        self._events.clear()


async def prepare_operator(connection: asyncpg.Connection) -> None:
    """Teaches a connection jsonb in the binary form that COPY asks for: version byte, text."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda data: msgspec.json.decode(bytes(data)[1:]),
    )
