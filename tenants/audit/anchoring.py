"""Writing heads down where the operator, or the organisation, says."""

import asyncio
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database, TenantTransaction
from passerelle.kernel.errors import Problem
from passerelle.kernel.log import logger
from passerelle.kernel.ports import Message
from passerelle.kernel.tenant_settings import read_setting
from passerelle.kernel.work import Work
from tenants.audit import anchors, chain_store, relay_store, setting
from tenants.audit.chain import Head
from tenants.audit.chain_store import Place
from tenants.audit.chaining import NIL, TENANTS_A_PAGE
from tenants.audit.relay_store import AuditedTenant
from tenants.store import tenant_by_id

DAY_S = 24 * 3600
#: A mail of the operator's holds the heads of so many organisations.
HEADS_A_MAIL = 400
#: While one worker writes the operator's mails, the others leave it.
MAILING_S = 300
MAILING_KEY = "audit:anchoring"
#: A mailbox that refused is tried again after so long.
MAILBOX_PAUSE_S = 3600
TASK = "audit.anchor"

log = logger(__name__)


async def to_directory(database: Database, folder: Path, every_s: int) -> int:
    """Writes every head that has moved; returns how many. Raises OSError."""
    written, last = 0, NIL
    while True:
        due = await relay_store.tenants_unanchored(
            database, "directory", every_s, last, TENANTS_A_PAGE
        )
        for tenant in due:
            written += await write_one(database, folder, tenant)
        if len(due) < TENANTS_A_PAGE:
            return written
        last = due[-1].tenant_id


async def write_one(database: Database, folder: Path, tenant: AuditedTenant) -> bool:
    """Writes one head into the folder, unless it stands there; False where it was not to be."""
    actor = actors.system(TASK, tenant.tenant_id)
    async with database.audit(tenant.tenant_id, actor) as keeper:
        # Held, so that of two workers one writes; what was chained is in the file or comes next.
        head = await chain_store.hold(keeper)
        if head is None or not head.position or await _stands(keeper, "directory", head):
            return False
        now = datetime.now(UTC)
        text = _line(tenant, head, now)
        await asyncio.to_thread(anchors.write, folder, tenant.tenant_id, text, now)
        await chain_store.record_anchor(keeper, "directory", head, now)
    return True


async def _stands(keeper: TenantTransaction, place: Place, head: Head) -> bool:
    written = await chain_store.last_anchors(keeper)
    return any(one.place == place and one.position >= head.position for one in written)


def _line(tenant: AuditedTenant, head: Head, now: datetime) -> str:
    return anchors.line(
        tenant.tenant_id, tenant.slug, head.position, head.hash, head.chained_at, now
    )


async def to_operator(work: Work, mailbox: str) -> int:
    """Mails the operator every head that moved since yesterday's mail; returns how many."""
    if not await work.valkey.set(MAILING_KEY, b"1", ex=MAILING_S, nx=True):
        return 0
    try:
        return await _to_operator(work, mailbox)
    finally:
        await work.valkey.delete(MAILING_KEY)


async def _to_operator(work: Work, mailbox: str) -> int:
    mailed, last = 0, NIL
    while True:
        due = await relay_store.tenants_unanchored(
            work.database, "operator_mailbox", DAY_S, last, HEADS_A_MAIL
        )
        if due:
            mailed += await _mail_operator(work, mailbox, due)
        if len(due) < HEADS_A_MAIL:
            return mailed
        last = due[-1].tenant_id


async def _mail_operator(work: Work, mailbox: str, due: list[AuditedTenant]) -> int:
    now = datetime.now(UTC)
    heads = [(tenant, head) for tenant in due if (head := await _head(work.database, tenant))]
    lines = "\n".join(_line(tenant, head, now) for tenant, head in heads)
    digest = sha256("".join(head.hash.hex() for _, head in heads).encode()).hexdigest()[:32]
    await work.mail.send(
        setting.letter(
            mailbox,
            "en",
            f"Audit records of {work.settings.public_url}, {now:%Y-%m-%d}",
            "Keep this message out of the service's reach. Each line is the head of one "
            "organisation's audit record; `passerelle audit verify --anchors` compares them.",
            lines,
            f"audit-heads.{digest}",
        )
    )
    for tenant, head in heads:
        await _record(work.database, tenant, "operator_mailbox", head, now)
    return len(heads)


async def to_mailboxes(work: Work) -> int:
    """Mails each organisation that set a mailbox its own head, once a day."""
    mailed, last = 0, NIL
    while True:
        due = await relay_store.tenants_unanchored(
            work.database, "mailbox", DAY_S, last, TENANTS_A_PAGE
        )
        for tenant in due:
            try:
                mailed += await _one_to_mailbox(work, tenant)
            except Problem as problem:
                tenant_id = str(tenant.tenant_id)
                log.warning("an audit head was not mailed", tenant_id=tenant_id, why=str(problem))
        if len(due) < TENANTS_A_PAGE:
            return mailed
        last = due[-1].tenant_id


async def _one_to_mailbox(work: Work, tenant: AuditedTenant) -> bool:
    pause = f"audit:mailing:{tenant.tenant_id}"
    if not await work.valkey.set(pause, b"1", ex=MAILBOX_PAUSE_S, nx=True):
        return False
    actor = actors.system(TASK, tenant.tenant_id)
    read = work.database.tenant_reader(tenant.tenant_id, actor, standing=False)
    value = await read_setting(read, setting.SETTING)
    known = await tenant_by_id(work.database.lookup, tenant.tenant_id)
    head = await _head(work.database, tenant)
    if not value.mailbox or known is None or head is None:
        return False
    now = datetime.now(UTC)
    name = known.name.in_(known.default_locale)
    message: Message = setting.daily(
        value.mailbox, known.default_locale, name, head.position, _line(tenant, head, now), now
    )
    await work.mail.send(message)
    await _record(work.database, tenant, "mailbox", head, now)
    return True


async def _head(database: Database, tenant: AuditedTenant) -> Head | None:
    async with database.audit(tenant.tenant_id, actors.system(TASK, tenant.tenant_id)) as read:
        return await chain_store.head(read)


async def _record(
    database: Database, tenant: AuditedTenant, place: Place, head: Head, now: datetime
) -> None:
    async with database.audit(tenant.tenant_id, actors.system(TASK, tenant.tenant_id)) as keeper:
        await chain_store.record_anchor(keeper, place, head, now)
