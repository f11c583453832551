"""What an organisation sets for itself, without an operator and without a restart.

A room declares a setting by making a `TenantSetting`; `tenants.settings` shows each with its test,
its last result, its history and its undo. The value is a msgspec Struct whose fields say by their
types what a form asks for. History is the audit record: `setting.changed` holds before and after.
"""

import base64
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.errors import Conflict, Invalid
from passerelle.kernel.events import emit
from passerelle.kernel.secrets import Vault
from passerelle.kernel.work import Work

Value = TypeVar("Value", bound=msgspec.Struct)
OtherValue = TypeVar("OtherValue", bound=msgspec.Struct)

#: Text that `Vault.seal` made, as base64: write-only on screen, never in the clear in an event.
SealedText = msgspec.Meta(extra={"sealed": True})


def seal_text(vault: Vault, tenant_id: UUID, name: str, field: str, text: str) -> str:
    """What a field of type SealedText holds: '' for no text, else base64 of what was sealed."""
    if not text:
        return ""
    context = f"setting:{tenant_id}:{name}:{field}"
    return base64.b64encode(vault.seal(text.encode(), context=context)).decode()


def open_text(vault: Vault, tenant_id: UUID, name: str, field: str, sealed: str) -> str:
    """The text again. Raises SealBroken."""
    if not sealed:
        return ""
    context = f"setting:{tenant_id}:{name}:{field}"
    return vault.open(base64.b64decode(sealed), context=context).decode()


class TestResult(msgspec.Struct, frozen=True):
    """What a setting's test found; `detail` is said in the words of who ran it."""

    ok: bool
    detail: str


class TenantSetting(msgspec.Struct, Generic[Value], frozen=True, kw_only=True):
    """One setting. `problems` names what is wrong with a value, by field; `test` tries it out.

    `secrets_go_to` names the fields that say where its secrets are sent: where one of them changes,
    no secret that is set goes along, and it is given anew by who knows it.
    """

    name: str
    type: type[Value]
    default: Value
    title: str
    lead: str
    permission: str = "tenant.admin"
    order: int = 50
    secrets_go_to: tuple[str, ...] = ()
    problems: Callable[[Value], dict[str, str]] | None = None
    test: Callable[[Work, Actor, Value], Awaitable[TestResult]] | None = None


SETTINGS: dict[str, TenantSetting[Any]] = {}


def declare(setting: TenantSetting[Value]) -> TenantSetting[Value]:
    """Makes a setting known to pages, API, export and import; returns it."""
    SETTINGS[setting.name] = setting
    return setting


class StoredSetting(msgspec.Struct, frozen=True):
    value: Any
    version: int
    changed_at: datetime
    changed_by: str


class SettingChanged(msgspec.Struct, frozen=True):
    name: str
    value: Any


SETTING = """
select value, version, changed_at, changed_by from tenant_setting
where tenant_id = $1 and name = $2
"""

SETTING_FOR_UPDATE = SETTING.rstrip() + " for update\n"


async def stored_setting(read: TenantRead, name: str) -> StoredSetting | None:
    """As it was last changed; None while it is the default."""
    return await read.fetch_one(StoredSetting, SETTING, read.tenant_id, name)


async def read_setting(read: TenantRead, setting: TenantSetting[Value]) -> Value:
    """The value, or the default where it was never set.

    A stored value that a newer version can't read any more counts as never set.
    """
    stored = await stored_setting(read, setting.name)
    return _value_of(setting, stored.value) if stored else setting.default


class _NamedValue(msgspec.Struct):
    name: str
    value: Any


SETTINGS_BY_NAME = "select name, value from tenant_setting where tenant_id = $1 and name = any($2)"


async def read_both_settings(
    read: TenantRead, one: TenantSetting[Value], other: TenantSetting[OtherValue]
) -> tuple[Value, OtherValue]:
    """The values of two settings, as `read_setting` gives them, in one round trip."""
    names = [one.name, other.name]
    rows = await read.fetch(_NamedValue, SETTINGS_BY_NAME, read.tenant_id, names)
    stored = {row.name: row.value for row in rows}
    return (
        _value_of(one, stored[one.name]) if one.name in stored else one.default,
        _value_of(other, stored[other.name]) if other.name in stored else other.default,
    )


def _value_of(setting: TenantSetting[Value], stored: Any) -> Value:
    try:
        return msgspec.convert(stored, setting.type)
    except msgspec.ValidationError:
        return setting.default


UPSERT_SETTING = """
insert into tenant_setting (tenant_id, name, value, changed_by) values ($1, $2, $3, $4)
on conflict (tenant_id, name) do update
  set value = excluded.value, changed_by = excluded.changed_by, changed_at = now(),
      version = tenant_setting.version + 1
"""


async def change_setting(
    tx: TenantTransaction,
    setting: TenantSetting[Value],
    value: Value,
    *,
    reason: str | None = None,
    expected_version: int | None = None,
) -> None:
    """Sets it from now on, on record. `expected_version` is 0 where it was never set.

    Raises Invalid (by field), or Conflict where another change came in between.
    """
    if setting.problems is not None and (errors := setting.problems(value)):
        raise Invalid(errors=errors)
    await tx.execute(LOCK_SETTING, tx.tenant_id, setting.name)
    stored = await tx.fetch_one(StoredSetting, SETTING_FOR_UPDATE, tx.tenant_id, setting.name)
    if expected_version is not None and expected_version != (stored.version if stored else 0):
        raise Conflict()
    before = stored.value if stored else msgspec.to_builtins(setting.default)
    after = msgspec.to_builtins(value)
    if before == after:
        return
    await tx.execute(UPSERT_SETTING, tx.tenant_id, setting.name, after, tx.actor.display_name)
    await emit(
        tx,
        "setting.changed",
        SettingChanged(setting.name, after),
        before=SettingChanged(setting.name, before),
        reason=reason,
    )


#: Two first changes at once would both see no row to lock.
LOCK_SETTING = """
select pg_advisory_xact_lock(hashtextextended($1::uuid::text || ':' || $2::text, 7283002))
"""

UPSERT_TEST = """
insert into tenant_setting_test (tenant_id, name, ran_by, ok, detail) values ($1, $2, $3, $4, $5)
on conflict (tenant_id, name) do update
  set ran_at = now(), ran_by = excluded.ran_by, ok = excluded.ok, detail = excluded.detail
"""


class SettingTested(msgspec.Struct, frozen=True):
    name: str
    ok: bool
    detail: str


async def record_test(tx: TenantTransaction, name: str, result: TestResult) -> None:
    """Keeps the last result of a setting's test, on record."""
    await tx.execute(
        UPSERT_TEST, tx.tenant_id, name, tx.actor.display_name, result.ok, result.detail
    )
    await emit(tx, "setting.tested", SettingTested(name, result.ok, result.detail))


class LastTest(msgspec.Struct, frozen=True):
    name: str
    ran_at: datetime
    ran_by: str
    ok: bool
    detail: str


LAST_TESTS = """
select name, ran_at, ran_by, ok, detail from tenant_setting_test where tenant_id = $1
"""


async def last_tests(read: TenantRead) -> dict[str, LastTest]:
    """The last result of each setting's test, by the setting's name."""
    return {test.name: test for test in await read.fetch(LastTest, LAST_TESTS, read.tenant_id)}
