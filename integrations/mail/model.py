"""The mail log: what was sent to whom by an organisation, and what became of it. No bodies."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from passerelle.kernel import personal_data
from passerelle.kernel.language import N_, Localised
from passerelle.kernel.personal_data import PersonalTable, Retention

#: `waiting`: to be tried again. `refused`: for good. `given_up`: the outbox stopped trying.
State = Literal["waiting", "sent", "refused", "given_up"]
STATES: Final[dict[State, str]] = {
    "waiting": N_("Waiting, will be tried again"),
    "sent": N_("Taken by the server"),
    "refused": N_("Refused"),
    "given_up": N_("Given up"),
}
KINDS: Final[dict[str, str]] = {
    "credential.issued": N_("A credential is ready"),
    "member.invited": N_("An invitation"),
    "notice": N_("A notice"),
    "notices.digest": N_("Notices of the day"),
    "mail.test": N_("A test"),
}
LOG_KEPT_DAYS: Final = 180


class LoggedMail(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    message_id: str
    kind: str
    person_id: UUID | None
    address: str
    subject: str
    state: State
    attempts: int
    # What the server said, or why it was not sent.
    detail: str
    queued_at: datetime
    settled_at: datetime | None


class MailSent(msgspec.Struct, frozen=True):
    """Event `mail.sent`: the server took a mail of this kind."""

    kind: str


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    state: str | None = None
    kind: str | None = None
    # The beginning of an address.
    address: str | None = None


personal_data.register(
    PersonalTable(
        table="mail_log",
        owner="tenant",
        columns=("address", "subject", "kind", "state", "detail"),
        retention=Retention(column="queued_at", days=LOG_KEPT_DAYS),
        purpose=Localised(
            en="Which mails were sent to you, when, and whether they arrived at the server",
            fr="Quels courriels vous ont été envoyés, quand, et si le serveur les a acceptés",
            ar="الرسائل التي أُرسلت إليك، ومتى، وهل قبلها الخادم",
        ),
    ),
)
