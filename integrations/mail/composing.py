"""A message as it goes over the wire: its parts, its files, headers that nothing can forge."""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from typing import Final

from integrations.mail.smtp import MessageRefused
from passerelle.kernel.ports import Attachment, Message

SUBJECT_LIMIT_CHARACTERS: Final = 200
NAME_LIMIT_CHARACTERS: Final = 100
BODY_LIMIT_BYTES: Final = 200_000
ATTACHMENTS_LIMIT_BYTES: Final = 5_000_000
ADDRESS = re.compile(r"[^@\s<>,;:\"\\\x00-\x1f\x7f]{1,64}@[^@\s<>,;:\"\\\x00-\x1f\x7f]{1,255}")
CALENDAR: Final = "text/calendar"


def compose(message: Message, sender: str, sender_name: str = "Passerelle") -> EmailMessage:
    """The message with a plain and an HTML part (RFC 2046, 5.1.4). Raises MessageRefused.

    `Auto-Submitted` (RFC 3834) keeps answering machines from answering.
    """
    if not ADDRESS.fullmatch(message.to):
        raise MessageRefused("the address is not one")
    if len(message.text.encode()) + len(message.html.encode()) > BODY_LIMIT_BYTES:
        raise MessageRefused(f"more than {BODY_LIMIT_BYTES} bytes")
    if sum(len(each.content) for each in message.attachments) > ATTACHMENTS_LIMIT_BYTES:
        raise MessageRefused(f"files of more than {ATTACHMENTS_LIMIT_BYTES} bytes")
    content = EmailMessage(policy=SMTP)
    content["From"] = Address(one_line(sender_name)[:NAME_LIMIT_CHARACTERS], addr_spec=sender)
    content["To"] = Address(addr_spec=message.to)
    content["Subject"] = one_line(message.subject)[:SUBJECT_LIMIT_CHARACTERS]
    content["Date"] = format_datetime(localtime())
    content["Message-ID"] = f"<{message.message_id}@{sender.rpartition('@')[2]}>"
    content["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe_url is not None:
        # RFC 2369, 3.2: only where the person may go without the mail.
        content["List-Unsubscribe"] = f"<{one_line(message.unsubscribe_url)}>"
    content.set_content(message.text, cte="base64")
    content.add_alternative(message.html, subtype="html", cte="base64")
    for attachment in message.attachments:
        if attachment.content_type.startswith(CALENDAR):
            _add_calendar(content, attachment)
    for attachment in message.attachments:
        kind, _, subtype = attachment.content_type.partition(";")[0].partition("/")
        content.add_attachment(
            attachment.content, maintype=kind, subtype=subtype, filename=one_line(attachment.name)
        )
    # Last: what came before it of this kind would belong to the plain part alone.
    content["Content-Language"] = message.locale
    return content


def _add_calendar(content: EmailMessage, attachment: Attachment) -> None:
    """As an alternative, which calendars act on (RFC 6047, 2.4); the attachment is for keeping."""
    parameters = dict(
        part.strip().split("=", 1) for part in attachment.content_type.split(";")[1:] if "=" in part
    )
    content.add_alternative(
        attachment.content.decode(), subtype="calendar", cte="base64", params=parameters
    )


def one_line(text: str) -> str:
    """Without line breaks: what comes in must not end a header and begin another."""
    return " ".join(text.split())
