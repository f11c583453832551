"""What an organisation says of notices: whether they go by mail too; and their test."""

import msgspec

from passerelle.kernel.actor import Actor
from passerelle.kernel.language import N_
from passerelle.kernel.tenant_settings import TenantSetting, TestResult, declare
from passerelle.kernel.work import Work
from passerelle.people.notices import bar, service, store
from passerelle.people.notices.model import KINDS
from passerelle.web.language import translate


class NoticeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """With `by_mail` off, no notice of this organisation goes by mail, whatever people chose."""

    by_mail: bool = True


async def send_test(work: Work, actor: Actor, value: NoticeSettings) -> TestResult:
    """Tells who asks, and counts whether it arrived."""
    if actor.tenant_id is None or actor.person_id is None:
        return TestResult(False, translate("A notice needs a member to go to."))
    read = work.database.tenant_reader(actor.tenant_id, actor)
    before = await store.unread(read, actor.person_id)
    async with work.database.tenant(actor.tenant_id, actor) as tx:
        await service.notify(
            tx, actor.person_id, KINDS["notices.test"], {"who": actor.display_name}
        )
    await bar.forget(work.valkey, actor)
    if await store.unread(read, actor.person_id) <= before:
        return TestResult(
            False, translate("No notice arrived. Choose to be shown tests of the notices.")
        )
    return TestResult(True, translate("A notice arrived. Look at the bell."))


NOTICES: TenantSetting[NoticeSettings] = declare(
    TenantSetting(
        name="notices",
        type=NoticeSettings,
        default=NoticeSettings(),
        title=N_("Notices"),
        lead=N_("What your people are told here. Each chooses what also comes by mail."),
        order=62,
        test=send_test,
    )
)
