"""What a notice is. Its words are kept nowhere: a kind has them, a row what fills them in."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from passerelle.kernel import personal_data
from passerelle.kernel.language import N_, Localised
from passerelle.kernel.personal_data import PersonalTable, Retention
from passerelle.web.language import current, translate

Space = Literal["tenant", "person"]
#: When a notice goes by mail: now, with the others of the day, or never.
MailWhen = Literal["at_once", "digest", "none"]
MAIL_WHEN: Final[dict[MailWhen, str]] = {
    "at_once": N_("At once"),
    "digest": N_("Once a day"),
    "none": N_("Not by mail"),
}
KEPT_DAYS: Final = 180
#: The first of the day's notices waits this long for the others.
DIGEST_AFTER_H: Final = 24
PAGE_ROWS: Final = 50
DIGEST_LINES: Final = 20
TEXT_LIMIT_CHARACTERS: Final = 300

Fills = dict[str, str | Localised]


class NoticeKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of notice. `title` and `text` may name the fills, such as `%(achievement)s`."""

    name: str
    # What the list of choices calls it.
    label: str
    title: str
    text: str = ""
    spaces: frozenset[Space] = frozenset({"tenant"})
    # Where the person chose nothing.
    mail: MailWhen = "digest"
    # Another mail goes out about the same thing already, of which the choice decides too.
    mailed_elsewhere: bool = False
    # Whom the list of choices offers it to: who has this permission, or anyone.
    permission: str | None = None


KINDS: Final[dict[str, NoticeKind]] = {}


def declare(kind: NoticeKind) -> NoticeKind:
    """Makes a kind known to pages and mails; returns it. Rooms do so on import."""
    KINDS[kind.name] = kind
    return kind


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    person_id: UUID
    kind: str
    fills: dict[str, Any]
    # A path below the space: `/learn`, without `/t/<slug>`.
    link: str
    made_at: datetime
    read_at: datetime | None

    @property
    def title(self) -> str:
        """In the current language; a kind that is gone is named by its technical name."""
        kind = KINDS.get(self.kind)
        return self._filled(kind.title) if kind else self.kind

    @property
    def text(self) -> str:
        kind = KINDS.get(self.kind)
        return self._filled(kind.text) if kind and kind.text else ""

    def _filled(self, text: str) -> str:
        locale = current().locale
        fills = {
            name: (value.get(locale) or value.get("en", "")) if isinstance(value, dict) else value
            for name, value in self.fills.items()
        }
        try:
            return translate(text, **fills)
        except KeyError:
            # Made by an older version, which filled in less.
            return translate(text).partition("%(")[0].strip()


class Choice(msgspec.Struct, frozen=True):
    """What a person chose for one kind."""

    kind: str
    shown: bool
    mail: MailWhen


class NoticesMailDue(msgspec.Struct, frozen=True):
    """`notices.mail_due`: these notices go by mail now, each by itself."""

    notice_ids: list[UUID]


class DigestDue(msgspec.Struct, frozen=True):
    """`notices.digest_due`: what waited for the day's mail, by person."""

    notices: dict[str, list[UUID]]


KINDS_OF_ALL: Final = (
    declare(
        NoticeKind(
            name="notices.test",
            label=N_("A test of the notices"),
            title=N_("The notices work"),
            text=N_("%(who)s tested them. There is nothing to do."),
            mail="none",
            permission="tenant.admin",
        )
    ),
)

_PURPOSE = Localised(
    en="What you were told in the product",
    fr="Ce dont le produit vous a informé",
    ar="ما أُخبرت به داخل المنتج",
)
_CHOICES = Localised(
    en="Which notices and mails you want",
    fr="Les avis et courriels que vous voulez recevoir",
    ar="الإشعارات والرسائل التي تريدها",
)
personal_data.register(
    PersonalTable(
        table="notice",
        owner="tenant",
        columns=("kind", "fills", "made_at", "read_at"),
        retention=Retention(column="made_at", days=KEPT_DAYS),
        purpose=_PURPOSE,
    ),
    PersonalTable(
        table="person_notice",
        owner="person",
        columns=("kind", "fills", "made_at", "read_at"),
        retention=Retention(column="made_at", days=KEPT_DAYS),
        purpose=_PURPOSE,
    ),
    PersonalTable(
        table="notice_choice", owner="tenant", columns=("kind", "shown", "mail"), purpose=_CHOICES
    ),
    PersonalTable(
        table="person_notice_choice",
        owner="person",
        columns=("kind", "shown", "mail"),
        purpose=_CHOICES,
    ),
)
