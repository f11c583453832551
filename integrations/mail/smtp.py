"""The mail port over SMTP (RFC 5321): one message, one recipient, handed to the operator's server.

A password travels over TLS only: with `smtp_user` set the server must offer it.
"""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from typing import Final

import aiosmtplib

from passerelle.kernel.errors import Invalid, Unavailable
from passerelle.kernel.language import N_
from passerelle.kernel.ports import Message
from passerelle.kernel.settings import Settings

TIMEOUT_S: Final = 15
SUBJECT_LIMIT_CHARACTERS: Final = 200
BODY_LIMIT_BYTES: Final = 200_000
#: Submission with TLS from the first byte (RFC 8314, 3.3).
IMPLICIT_TLS_PORT: Final = 465
#: From here on a reply is permanent (RFC 5321, 4.2.1): trying again changes nothing.
PERMANENT: Final = 500
ADDRESS = re.compile(r"[^@\s<>,;:\"\\\x00-\x1f\x7f]{1,64}@[^@\s<>,;:\"\\\x00-\x1f\x7f]{1,255}")


class MailUnavailable(Unavailable):
    """The server can't be reached, or takes nothing now: the outbox tries again."""

    title = N_("The mail server is not taking messages")
    mend = N_("Check the mail server and its settings. What waits is sent when it answers.")


class MessageRefused(Invalid):
    """This message will never be taken as it is: its address, its size, or the server's rules."""

    title = N_("The mail can't be sent")
    mend = N_("Check the person's e-mail address.")


class SmtpMail:
    """`kernel.ports.Mail`. A connection for each message: they are few, and it can't go stale."""

    def __init__(self, settings: Settings) -> None:
        self._host = settings.smtp_host
        self._port = settings.smtp_port
        self._user = settings.smtp_user or None
        self._password = settings.smtp_password or None
        self._sender = settings.mail_from

    async def send(self, message: Message) -> None:
        """Raises MailUnavailable, or MessageRefused for what no repeat would mend."""
        content = compose(message, self._sender)
        implicit = self._port == IMPLICIT_TLS_PORT
        try:
            await aiosmtplib.send(
                content,
                sender=self._sender,
                recipients=[message.to],
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=implicit,
                start_tls=True if self._user and not implicit else None,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            if all(each.code >= PERMANENT for each in refused.recipients):
                raise MessageRefused from None
            raise MailUnavailable from None
        except aiosmtplib.SMTPAuthenticationError as refused:
            raise MailUnavailable(f"it refused our user name ({refused.code})") from None
        except aiosmtplib.SMTPDataError as refused:
            if refused.code >= PERMANENT:
                raise MessageRefused from None
            raise MailUnavailable from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailUnavailable(type(error).__name__) from None


def compose(message: Message, sender: str) -> EmailMessage:
    """The message with a plain and an HTML part (RFC 2046, 5.1.4). Raises MessageRefused.

    `Auto-Submitted` (RFC 3834) keeps answering machines from answering.
    """
    if not ADDRESS.fullmatch(message.to):
        raise MessageRefused("the address is not one")
    if len(message.text.encode()) + len(message.html.encode()) > BODY_LIMIT_BYTES:
        raise MessageRefused(f"more than {BODY_LIMIT_BYTES} bytes")
    subject = " ".join(message.subject.split())[:SUBJECT_LIMIT_CHARACTERS]
    content = EmailMessage(policy=SMTP)
    content["From"] = Address("Passerelle", addr_spec=sender)
    content["To"] = Address(addr_spec=message.to)
    content["Subject"] = subject
    content["Date"] = format_datetime(localtime())
    content["Message-ID"] = f"<{message.message_id}@{sender.rpartition('@')[2]}>"
    content["Auto-Submitted"] = "auto-generated"
    content.set_content(message.text, cte="base64")
    content.add_alternative(message.html, subtype="html", cte="base64")
    # Last: what came before it of this kind would belong to the plain part alone.
    content["Content-Language"] = message.locale
    return content
