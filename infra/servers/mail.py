"""A mail catcher: takes every mail over SMTP on loopback, sends none, and shows them on a page.

Started as a process of its own, `python -m infra.servers.mail DIRECTORY SMTP_PORT PAGE_PORT`;
mails are kept as files in the directory, the newest MAIL_LIMIT of them.
"""

import asyncio
import email
import email.policy
import html
import signal
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Self

import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session

from infra.problem import ServerProblem
from infra.servers.process import free_port, locked, read_record, write_private
from infra.servers.server import Server

START_DEADLINE_S = 30.0
MAIL_LIMIT = 500
MAIL_LIMIT_BYTES = 10 * 2**20
REQUEST_LIMIT_BYTES = 8192


class Mail(msgspec.Struct, frozen=True):
    """One caught mail; `text` is its plain part."""

    number: int
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str


class MailCatcher(Server):
    """The catcher's process; `messages` reads what was caught."""

    name = "The mail catcher"
    stop_steps = ((signal.SIGTERM, 10.0),)

    def __init__(self, directory: Path, *, page_port: int | None = None) -> None:
        super().__init__(directory)
        self._preferred_page_port = page_port

    def start(self) -> Self:
        with locked(self.directory):
            if self._process.adopt():
                return self
            record = read_record(self.directory)
            kept = {} if record is None else record.ports
            for attempt in range(8):
                first = attempt == 0
                smtp = free_port(kept.get("smtp") if first else None)
                usual = (kept.get("page"), self._preferred_page_port) if first else ()
                page = free_port(*usual, but_not=[smtp])
                ready = self.directory / "ready"
                ready.unlink(missing_ok=True)
                self._process.start(
                    [sys.executable, "-m", __name__, self.directory, str(smtp), str(page)],
                    ports={"smtp": smtp, "page": page},
                    working_directory=Path(__file__).parents[2],
                )
                try:
                    self._process.wait_until(ready.exists, START_DEADLINE_S)
                except ServerProblem:
                    said = self._process.log_since_start()
                    self.stop()
                    if "address already in use" not in said or attempt == 7:
                        raise
                else:
                    break
        return self

    @property
    def smtp_port(self) -> int:
        return self._process.ports["smtp"]

    @property
    def url(self) -> str:
        """The page that lists what was caught."""
        return f"http://127.0.0.1:{self._process.ports['page']}/"

    def messages(self) -> list[Mail]:
        """What was caught, oldest first."""
        return read_mails(self.directory)


def read_mails(directory: Path) -> list[Mail]:
    files = sorted(directory.glob("caught-*.eml"))
    return [_read_mail(file) for file in files]


def _read_mail(file: Path) -> Mail:
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain", "html")) if isinstance(message, EmailMessage) else None
    return Mail(
        number=int(file.stem.removeprefix("caught-")),
        sender=str(message.get("X-Caught-From", "")),
        recipients=tuple(str(message.get("X-Caught-To", "")).split(", ")),
        subject=str(message.get("Subject", "")),
        text=body.get_content() if body is not None else "",
    )


class Keeper:
    """Writes each mail to a file, with the envelope's addresses in front."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        mails = read_mails(directory)
        self.number = mails[-1].number if mails else 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.number += 1
        content = envelope.content or b""
        recipients = ", ".join(envelope.rcpt_tos)
        addresses = f"X-Caught-From: {envelope.mail_from}\r\nX-Caught-To: {recipients}\r\n"
        body = content if isinstance(content, bytes) else content.encode()
        write_private(self._file(self.number), addresses.encode() + body)
        self._file(self.number - MAIL_LIMIT).unlink(missing_ok=True)
        return "250 Caught, and sent nowhere"

    def _file(self, number: int) -> Path:
        return self.directory / f"caught-{number:08d}.eml"


def page(mails: list[Mail]) -> str:
    """The list, newest first, as one plain page without script."""
    items = "".join(
        f"<article><h2>{html.escape(mail.subject) or 'No subject'}</h2>"
        f"<p>To {html.escape(', '.join(mail.recipients))}, from {html.escape(mail.sender)}</p>"
        f"<pre>{html.escape(mail.text)}</pre></article>"
        for mail in reversed(mails)
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Caught mail</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<h1>Caught mail</h1><p>{len(mails)} kept here, none sent on.</p>{items}"
    )


async def answer(
    directory: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One HTTP request, one page: every path shows the list."""
    try:
        async with asyncio.timeout(10):
            await reader.readuntil(b"\r\n\r\n")
        body = page(read_mails(directory)).encode()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
            "Content-Security-Policy: default-src 'none'\r\nCache-Control: no-store\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
    except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        pass  # a client that says nothing, too much, or leaves
    finally:
        writer.close()


async def run(directory: Path, smtp_port: int, page_port: int) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    keeper = Keeper(directory)
    smtp = await loop.create_server(
        lambda: SMTP(
            keeper, data_size_limit=MAIL_LIMIT_BYTES, enable_SMTPUTF8=True, loop=loop, timeout=60
        ),
        "127.0.0.1",
        smtp_port,
    )
    web = await asyncio.start_server(
        lambda reader, writer: answer(directory, reader, writer),
        "127.0.0.1",
        page_port,
        limit=REQUEST_LIMIT_BYTES,
    )
    (directory / "ready").touch()
    await stop.wait()
    smtp.close()
    web.close()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
