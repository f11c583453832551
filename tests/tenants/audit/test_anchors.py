"""Heads written down elsewhere: in a folder, in the operator's mailbox, in an organisation's."""

from pathlib import Path

import asyncpg
import msgspec
import pytest

from infra.servers.mail import MailCatcher
from passerelle.kernel import actor as actors
from passerelle.kernel.database import Database
from passerelle.kernel.errors import Invalid
from passerelle.kernel.tenant_settings import change_setting
from passerelle.kernel.work import Work
from tenants.audit import anchoring, anchors, chain_store, chaining, tasks
from tenants.audit.setting import SETTING, AuditSetting, try_mailbox
from tenants.audit.verification import verify
from tests.tenants.audit.tampering import (
    chained_tenant,
    past_every_guard,
    put_on_record,
    recompute_from,
)


async def test_every_head_that_moved_is_appended_to_a_file_of_its_organisation_and_day(
    work: Work, database: Database, folder: Path
) -> None:
    first = await chained_tenant(database, "folder-first", 3)
    await chained_tenant(database, "folder-second", 2)
    written = await anchoring.to_directory(database, folder, 0)
    assert written >= 2
    assert await anchoring.to_directory(database, folder, 0) == 0
    await put_on_record(database, first, 2)
    await chaining.chain(database, first)
    assert await anchoring.to_directory(database, folder, 3600) == 0
    assert await anchoring.to_directory(database, folder, 0) == 1
    kept = anchors.read(folder)
    assert [one.position for one in kept[first]] == [4, 6]
    (path,) = (folder / str(first)).iterdir()
    assert path.read_text().count("\n") == 2
    verdict = await verify(database, first, kept)
    assert (verdict.finding, verdict.anchors) == (None, 2)


async def test_a_rewritten_chain_and_a_cut_one_are_told_by_the_folder(
    work: Work, database: Database, superuser: asyncpg.Connection, folder: Path
) -> None:
    tenant_id = await chained_tenant(database, "folder-tampered", 6)
    await anchoring.to_directory(database, folder, 0)
    async with past_every_guard(superuser) as power:
        await power.execute(
            "update tenant_event set reason = 'x' where tenant_id = $1 and id = (select event_id"
            " from audit_link where tenant_id = $1 and position = 3)",
            tenant_id,
        )
    await recompute_from(database, superuser, tenant_id, 3)
    assert (await verify(database, tenant_id)).whole
    finding = (await verify(database, tenant_id, anchors.read(folder))).finding
    assert finding is not None
    assert finding.kind == "anchor_differs"
    assert str(folder) in str(finding.place)


async def test_a_line_that_was_damaged_is_named_and_other_text_is_left_alone(
    database: Database, folder: Path
) -> None:
    folder.mkdir()  # noqa: ASYNC240  a test's own
    (folder / "mail.eml").write_text("Subject: heads\n\n{not an anchor}\nKeep this message.\n")
    assert anchors.read(folder) == {}
    (folder / "torn.jsonl").write_text("\n" + anchors.LINE_START + ',"tenant')
    with pytest.raises(anchors.AnchorsUnreadable, match=r"torn\.jsonl, line 2"):
        anchors.read(folder)
    with pytest.raises(anchors.AnchorsUnreadable, match="no folder"):
        anchors.read(folder / "nowhere")


async def test_the_operators_mailbox_gets_every_head_once_a_day_and_its_mail_verifies(
    work: Work, database: Database, catcher: MailCatcher, folder: Path
) -> None:
    tenant_id = await chained_tenant(database, "operators", 3)
    mailed = await anchoring.to_operator(work, "operator@example.org")
    assert mailed >= 1
    assert await anchoring.to_operator(work, "operator@example.org") == 0
    text = next(
        message.text
        for message in catcher.messages()
        if "operator@example.org" in message.recipients
    )
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240  a test's own
    (folder / "saved.txt").write_text(text)
    kept = anchors.read(folder)
    assert [one.position for one in kept[tenant_id]] == [4]
    assert (await verify(database, tenant_id, kept)).anchors == 1


async def test_an_organisations_own_mailbox_gets_its_head_in_its_language(
    work: Work, database: Database, catcher: MailCatcher, superuser: asyncpg.Connection
) -> None:
    tenant_id = await chained_tenant(database, "own-mailbox", 3)
    await superuser.execute("update tenant set default_locale = 'fr' where id = $1", tenant_id)
    actor = actors.system("tests", tenant_id)
    assert await anchoring.to_mailboxes(work) == 0
    async with database.tenant(tenant_id, actor) as tx:
        with pytest.raises(Invalid):
            await change_setting(tx, SETTING, AuditSetting("not an address"))
        await change_setting(tx, SETTING, AuditSetting("records@example.org"))
    await chaining.chain(database, tenant_id)
    assert await tasks.write_heads_down(work) >= 1
    assert await anchoring.to_mailboxes(work) == 0
    (message,) = [one for one in catcher.messages() if "records@example.org" in one.recipients]
    assert "Registre d’audit" in str(message.subject)
    assert anchors.LINE_START in message.text
    assert str(tenant_id) in message.text
    async with database.audit(tenant_id, actor) as read:
        places = {one.place for one in await chain_store.last_anchors(read)}
    assert places == {"directory", "mailbox"}


async def test_the_mailbox_is_tried_out(work: Work, catcher: MailCatcher) -> None:
    actor = msgspec.structs.replace(actors.system("tests"), locale="ar")
    assert not (await try_mailbox(work, actor, AuditSetting())).ok
    result = await try_mailbox(work, actor, AuditSetting("tried@example.org"))
    assert result.ok
    assert "tried@example.org" in result.detail
    assert any("tried@example.org" in one.recipients for one in catcher.messages())
