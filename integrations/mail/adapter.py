"""The mail port: by the organisation's own server where it has one, else by the operator's."""

import msgspec

from integrations.mail.composing import compose
from integrations.mail.letters import trial_message
from integrations.mail.settings import NAME, MailSettings, problems
from integrations.mail.smtp import IMPLICIT_TLS_PORT, MailUnavailable, Server, hand_over
from passerelle.kernel.actor import Actor
from passerelle.kernel.database import TenantRead
from passerelle.kernel.errors import Problem
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import N_
from passerelle.kernel.ports import Message
from passerelle.kernel.secrets import SealBroken, Vault
from passerelle.kernel.settings import Settings
from passerelle.kernel.tenant_settings import (
    TenantSetting,
    TestResult,
    declare,
    open_text,
    read_setting,
)
from passerelle.kernel.work import Work
from passerelle.web.language import translate
from tenants.store import member

OPERATORS_NAME = "Passerelle"


class SmtpMail:
    """`kernel.ports.Mail`. A connection for each message: they are few, and it can't go stale."""

    def __init__(self, settings: Settings) -> None:
        self._vault = Vault(settings.master_key)
        self._allowed = settings.allowed_private_addresses
        implicit = settings.smtp_port == IMPLICIT_TLS_PORT
        signs_in = "starttls" if settings.smtp_user else "none"
        self._operators = Server(
            host=settings.smtp_host,
            port=settings.smtp_port,
            security="tls" if implicit else signs_in,  # type: ignore[arg-type]
            user=settings.smtp_user or None,
            password=settings.smtp_password or None,
            sender=settings.mail_from,
            sender_name=OPERATORS_NAME,
        )

    async def send(self, message: Message, *, for_tenant: TenantRead | None = None) -> str:
        """Raises MailUnavailable, AddressRefused, or MessageRefused for what no repeat mends."""
        server = self._operators
        if for_tenant is not None:
            server = self.server_of(for_tenant, await read_setting(for_tenant, MAIL))
        content = compose(message, server.sender, server.sender_name)
        return await hand_over(server, content, message.to)

    def server_of(self, read: TenantRead, value: MailSettings) -> Server:
        """The server that a tenant's mail goes by. Raises MailUnavailable for a broken seal."""
        name = value.from_name or self._operators.sender_name
        if not value.host:
            return msgspec.structs.replace(self._operators, sender_name=name)
        try:
            password = open_text(self._vault, read.tenant_id, NAME, "password", value.password)
        except SealBroken:
            raise MailUnavailable("its password can't be opened: set it again") from None
        return Server(
            host=value.host,
            port=value.port,
            security=value.security,
            user=value.user or None,
            password=password or None,
            sender=value.from_address,
            sender_name=name,
            guarded=True,
            allowed=self._allowed,
        )


async def send_test(work: Work, actor: Actor, value: MailSettings) -> TestResult:
    """Sends a real mail to the address of who asks; the result is what the server said."""
    assert actor.tenant_id is not None  # noqa: S101  a setting is tested in its organisation
    read = work.database.tenant_reader(actor.tenant_id, actor)
    who = await member(read, actor.person_id) if actor.person_id else None
    if who is None or not who.email:
        return TestResult(
            False, translate("You have no e-mail address here, so there is nowhere to send it.")
        )
    mail = SmtpMail(work.settings)
    server = mail.server_of(read, value)
    message = trial_message(who.email, who.display_name, who.locale, new_id())
    try:
        content = compose(message, server.sender, server.sender_name)
        said = await hand_over(server, content, message.to)
    except Problem as problem:
        return TestResult(False, f"{translate(problem.title)}. {problem.detail or ''}".strip())
    return TestResult(
        True,
        translate("Sent to %(address)s. The server said: %(said)s", address=who.email, said=said),
    )


MAIL: TenantSetting[MailSettings] = declare(
    TenantSetting(
        name=NAME,
        type=MailSettings,
        default=MailSettings(),
        title=N_("Mail"),
        lead=N_("Mails to your people: by your own mail server and from your address, or by ours."),
        order=60,
        secrets_go_to=("host", "port", "security"),
        problems=problems,
        test=send_test,
    )
)
