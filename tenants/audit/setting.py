"""What an organisation sets about its record: the mailbox that gets its head each day."""

import re
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from markupsafe import Markup

from passerelle.kernel.actor import Actor
from passerelle.kernel.errors import Problem
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import N_, Locale
from passerelle.kernel.ports import Message
from passerelle.kernel.tenant_settings import TenantSetting, TestResult, declare
from passerelle.kernel.work import Work
from passerelle.web.language import speaking, translate

ADDRESS = re.compile(r"[^@\s<>,;:\"\\]{1,64}@[^@\s<>,;:\"\\]{1,255}")


class AuditSetting(msgspec.Struct, frozen=True):
    """`mailbox` gets the chain's head once a day; empty sends nothing."""

    mailbox: Annotated[
        str,
        msgspec.Meta(
            title=N_("Mailbox"),
            description=N_("Gets the head of the chain once a day. Empty: nothing is sent."),
            extra={"kind": "email"},
        ),
    ] = ""


def problems(value: AuditSetting) -> dict[str, str]:
    if value.mailbox and not ADDRESS.fullmatch(value.mailbox):
        return {"mailbox": N_("Give one e-mail address, such as records@example.org")}
    return {}


async def try_mailbox(work: Work, actor: Actor, value: AuditSetting) -> TestResult:
    """Sends a message that says it is a test."""
    with speaking(actor.locale):
        if not value.mailbox:
            return TestResult(False, translate("No mailbox is set"))
        message = letter(
            value.mailbox,
            actor.locale,
            translate("A test of the mailbox for the audit record"),
            translate("This mailbox will get the head of the audit record’s chain once a day."),
            "",
            f"audit-test.{new_id()}",
        )
        try:
            await work.mail.send(message)
        except Problem as problem:
            return TestResult(False, translate(problem.title))
        return TestResult(True, translate("A message was sent to %(to)s", to=value.mailbox))


SETTING = declare(
    TenantSetting(
        name="audit",
        type=AuditSetting,
        default=AuditSetting(),
        title=N_("Audit record"),
        lead=N_(
            "A mailbox outside this service that gets the head of the record’s chain once a day. "
            "Whoever reads it can show later that the record was cut or rewritten."
        ),
        problems=problems,
        test=try_mailbox,
        order=80,
    )
)


def letter(
    to: str, locale: Locale, subject: str, lead: str, lines: str, message_id: str
) -> Message:
    """A short mail: a sentence, then lines to be kept as they are."""
    kept = Markup('<pre dir="ltr">{}</pre>').format(lines) if lines else Markup("")
    direction = "rtl" if locale == "ar" else "ltr"
    html = Markup(
        '<!doctype html><html lang="{}" dir="{}"><meta charset="utf-8"><title>{}</title>'
        "<body><p>{}</p>{}</body></html>"
    ).format(locale, direction, subject, lead, kept)
    return Message(
        to=to,
        subject=subject,
        text=f"{lead}\n\n{lines}\n" if lines else f"{lead}\n",
        html=str(html),
        locale=locale,
        message_id=message_id,
    )


def daily(to: str, locale: Locale, name: str, position: int, line: str, now: datetime) -> Message:
    """The head of one organisation's chain, as its own mailbox gets it."""
    with speaking(locale):
        return letter(
            to,
            locale,
            translate("Audit record of %(name)s, %(day)s", name=name, day=f"{now:%Y-%m-%d}"),
            translate(
                "The record holds %(count)s entries. Keep this message: the line below shows "
                "later whether the record was cut or rewritten.",
                count=position,
            ),
            line,
            f"audit-head.{line_id(line)}.{now.astimezone(UTC):%Y%m%d}",
        )


def line_id(line: str) -> str:
    """The hash that the line holds, in short: the same head has the same message id."""
    decoded: dict[str, object] = msgspec.json.decode(line)
    return str(decoded["hash"])[:32]
