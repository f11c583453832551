"""An organisation's own host names: claimed, proved, looked after, released.

Whoever asks is told of their own claim alone: a name that another organisation has proved answers
just as one whose proof isn't there.
"""

from typing import Literal

import asyncpg

from passerelle.kernel import actor as actors
from passerelle.kernel.actor import Actor
from passerelle.kernel.clocks import work_clock
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.errors import Invalid, NotFound, TenantSuspended
from passerelle.kernel.events import emit
from passerelle.kernel.language import N_
from passerelle.kernel.work import Work
from tenants.organisations import host_store as store
from tenants.organisations import relay_store
from tenants.organisations.host_model import (
    HOSTS_LIMIT,
    Host,
    HostOnRecord,
    host_problem,
    new_token,
)
from tenants.organisations.problems import HostUnknown
from tenants.organisations.proofs import Proofs, PublicProofs

TASK = "organisations.hosts"
CHECKED_EVERY_S = 24 * 3600
CLOCK_S = 600.0
#: Failed checks in a row, a day apart, after which a name is not the organisation's any more.
FAILURES_LIMIT = 3

FOUND = N_("The proof was found: this host name is yours.")
NOT_FOUND = N_("The proof was not found. A new record can take an hour to be seen.")
TOO_MANY = N_("An organisation has at most 10 host names: release one first")

Outcome = Literal["proved", "not-proved"]


async def claim(tx: TenantTransaction, public_url: str, name: str) -> Host:
    """Notes that the organisation wants a name; again changes nothing. Raises Invalid."""
    name = name.strip().lower().rstrip(".")
    if wrong := host_problem(name, public_url):
        raise Invalid(errors={"host": wrong})
    await store.lock(tx)
    if await store.host(tx, name) is None:
        if len(await store.hosts(tx)) >= HOSTS_LIMIT:
            raise Invalid(errors={"host": TOO_MANY})
        await store.insert(tx, name, new_token())
        await emit(tx, "host.claimed", HostOnRecord(name))
    found = await store.host(tx, name)
    assert found is not None  # noqa: S101  written just above
    return found


async def release(tx: TenantTransaction, name: str) -> None:
    """Gives a name up. Raises HostUnknown."""
    if not await store.delete(tx, name):
        raise HostUnknown()
    await emit(tx, "host.released", HostOnRecord(name))


async def check(database: Database, proofs: Proofs, actor: Actor, name: str) -> Outcome:
    """Looks for the proof, and notes what was found. Raises HostUnknown.

    No transaction waits for the other side; who proves a name that another organisation has
    proved is answered as if there were no proof.
    """
    assert actor.tenant_id is not None  # noqa: S101  bound to an organisation
    claimed = await store.host(database.tenant_reader(actor.tenant_id, actor), name)
    if claimed is None:
        raise HostUnknown()
    if await proofs.shows(claimed):
        try:
            await _note(database, actor, claimed, True)
        except asyncpg.UniqueViolationError:
            pass
        else:
            return "proved"
    await _note(database, actor, claimed, False)
    return "not-proved"


async def _note(database: Database, actor: Actor, claimed: Host, ok: bool) -> None:
    assert actor.tenant_id is not None  # noqa: S101  see check
    async with database.tenant(actor.tenant_id, actor) as tx:
        before = await store.host(tx, claimed.host)
        detail = FOUND if ok else NOT_FOUND
        await store.note_check(tx, claimed.host, ok, detail, FAILURES_LIMIT)
        after = await store.host(tx, claimed.host)
        if before is None or after is None:
            return
        if before.proved_at is None and after.proved_at is not None:
            await emit(tx, "host.proved", HostOnRecord(claimed.host))
        if before.proved_at is not None and after.proved_at is None:
            await emit(tx, "host.lost", HostOnRecord(claimed.host))


@work_clock(CLOCK_S)
async def look_after(work: Work) -> int:
    """Checks each proved name once a day: a name that changed hands stops counting."""
    return await check_due(work.database, PublicProofs(work.http))


async def check_due(database: Database, proofs: Proofs, every_s: int = CHECKED_EVERY_S) -> int:
    due = await relay_store.due_hosts(database, every_s)
    for tenant_id, name in due:
        try:
            await check(database, proofs, actors.system(TASK, tenant_id), name)
        except (NotFound, TenantSuspended):
            continue
    return len(due)
