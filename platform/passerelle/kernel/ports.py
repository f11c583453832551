"""What the product needs of the outside and leaves to `infra` to plug in."""

from typing import Protocol

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One mail. `message_id` makes a repeat recognisable: the same effect has the same id."""

    to: str
    subject: str
    text: str
    html: str
    locale: str
    message_id: str


class Mail(Protocol):
    async def send(self, message: Message) -> None:
        """Hands the message to the mail server. Raises Unavailable where it doesn't take it."""
        ...
