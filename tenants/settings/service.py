"""Reading, changing, testing and putting back a setting, whatever room declared it."""

import asyncio
from typing import Any, Final
from uuid import UUID

import msgspec

from passerelle.kernel.actor import Actor
from passerelle.kernel.database import TenantRead, TenantTransaction
from passerelle.kernel.errors import Conflict, Invalid, NotFound
from passerelle.kernel.language import N_
from passerelle.kernel.log import logger
from passerelle.kernel.tenant_settings import (
    SETTINGS,
    LastTest,
    TenantSetting,
    TestResult,
    change_setting,
    last_tests,
    record_test,
    stored_setting,
)
from passerelle.kernel.work import Work
from passerelle.web.language import translate
from tenants.settings import store
from tenants.settings.fields import Field, fields_of

log = logger(__name__)

TEST_LIMIT_S: Final = 20
HISTORY_PAGE_CHANGES: Final = 20
REASON_LIMIT_CHARACTERS: Final = 500
GIVE_ANEW: Final = N_("Give it again: it would now be sent to another place")
#: Up to which `order` a setting belongs to a group; the last takes the rest.
GROUPS: Final = (
    (39, N_("The organisation")),
    (69, N_("Services")),
    (999, N_("Records and privacy")),
)


class Overview(msgspec.Struct, frozen=True):
    """A setting as the list shows it; `changed` is None while it stands as it came."""

    setting: TenantSetting[Any]
    changed: store.Changed | None
    test: LastTest | None


class Current(msgspec.Struct, frozen=True):
    """A setting as it stands: its value as plain data, and 0 as version where it was never set."""

    value: dict[str, Any]
    version: int
    changed: store.Changed | None


class SettingConflict(Conflict):
    """Someone else's value came in between; `theirs` is how it stands now."""

    def __init__(self, theirs: Current) -> None:
        super().__init__()
        self.theirs = theirs


async def overview(read: TenantRead, actor: Actor) -> list[tuple[str, list[Overview]]]:
    """The settings that the actor may change, in their groups."""
    changed, tests = await store.changed(read), await last_tests(read)
    allowed = [one for one in SETTINGS.values() if actor.may(one.permission)]
    allowed.sort(key=lambda one: (one.order, one.name))
    grouped: dict[str, list[Overview]] = {title: [] for _, title in GROUPS}
    for setting in allowed:
        title = next(title for most, title in GROUPS if setting.order <= most)
        shown = Overview(setting, changed.get(setting.name), tests.get(setting.name))
        grouped[title].append(shown)
    return [(title, settings) for title, settings in grouped.items() if settings]


async def current(read: TenantRead, setting: TenantSetting[Any]) -> Current:
    """How it stands. A stored value of a shape that is no longer read counts as the default."""
    stored = await stored_setting(read, setting.name)
    default: dict[str, Any] = msgspec.to_builtins(setting.default)
    if stored is None:
        return Current(default, 0, None)
    changed = store.Changed(setting.name, stored.version, stored.changed_at, stored.changed_by)
    try:
        value = msgspec.to_builtins(msgspec.convert(stored.value, setting.type))
    except msgspec.ValidationError:
        value = default
    return Current(value, stored.version, changed)


async def change(
    tx: TenantTransaction,
    setting: TenantSetting[Any],
    values: dict[str, Any],
    *,
    expected_version: int,
    reason: str = "",
) -> None:
    """Sets it. Raises Invalid by field, or SettingConflict."""
    if len(reason) > REASON_LIMIT_CHARACTERS:
        raise Invalid(errors={"reason": N_("Use at most 500 characters")})
    try:
        value = msgspec.convert(values, setting.type)
    except msgspec.ValidationError as error:
        raise Invalid(errors=_by_field(str(error), fields_of(setting.type))) from None
    if taken_along := _taken_along(setting, (await current(tx, setting)).value, values):
        raise Invalid(errors=dict.fromkeys(taken_along, GIVE_ANEW))
    try:
        await change_setting(
            tx,
            setting,
            value,
            reason=reason.strip() or None,
            expected_version=expected_version,
        )
    except Conflict:
        raise SettingConflict(await current(tx, setting)) from None


def _taken_along(
    setting: TenantSetting[Any], before: dict[str, Any], values: dict[str, Any]
) -> list[str]:
    """The secrets, as they were sealed before, that would now be sent somewhere else."""
    if all(values.get(name) == before.get(name) for name in setting.secrets_go_to):
        return []
    secrets = [one.name for one in fields_of(setting.type) if one.kind == "secret"]
    return [name for name in secrets if before.get(name) and values.get(name) == before[name]]


def _by_field(said: str, fields: list[Field]) -> dict[str, str]:
    """The field that msgspec's message names, as in "… - at `$.port`"."""
    named = next((one.name for one in fields if f"`$.{one.name}" in said), fields[0].name)
    return {named: N_("This is not of the right kind")}


async def test(work: Work, actor: Actor, setting: TenantSetting[Any]) -> TestResult:
    """Tries out what is saved, for at most TEST_LIMIT_S, and keeps the result.

    Raises NotFound for a setting without a test.
    """
    if setting.test is None or actor.tenant_id is None:
        raise NotFound()
    read = work.database.tenant_reader(actor.tenant_id, actor)
    value = msgspec.convert((await current(read, setting)).value, setting.type)
    try:
        async with asyncio.timeout(TEST_LIMIT_S):
            result = await setting.test(work, actor, value)
    except TimeoutError:
        result = TestResult(False, translate(N_("Nothing answered within 20 seconds")))
    except Exception:
        # A test tries out what is broken: whatever it raises is a result, and in the log.
        log.exception("a setting's test failed", setting=setting.name)
        result = TestResult(False, translate(N_("The test itself broke off; the log says why")))
    async with work.database.tenant(actor.tenant_id, actor) as tx:
        await record_test(tx, setting.name, result)
    return result


async def history(
    read: TenantRead, setting: TenantSetting[Any], before: UUID | None, limit: int
) -> list[store.Change]:
    """Changes, newest first, after the one with this id."""
    cursor = None
    if before is not None:
        last = await former(read, setting, before)
        cursor = (last.occurred_at, last.id)
    return await store.changes(read, setting.name, cursor, limit)


async def former(read: TenantRead, setting: TenantSetting[Any], event_id: UUID) -> store.Change:
    """One change of this setting. Raises NotFound."""
    found = await store.change(read, setting.name, event_id)
    if found is None:
        raise NotFound()
    return found
