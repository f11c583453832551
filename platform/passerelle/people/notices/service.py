"""Telling people: one call from any room, in the transaction in which the thing happens."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from passerelle.kernel.database import PersonTransaction, TenantTransaction
from passerelle.kernel.errors import Invalid
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import N_, Localised
from passerelle.people.notices import store
from passerelle.people.notices.model import (
    DIGEST_AFTER_H,
    KINDS,
    MAIL_WHEN,
    TEXT_LIMIT_CHARACTERS,
    Choice,
    DigestDue,
    Fills,
    MailWhen,
    NoticeKind,
    NoticesMailDue,
)

#: Persons in one digest event; the next round takes the next.
DIGEST_PERSONS: Final = 200
RECIPIENTS_LIMIT: Final = 1_000


class ChoiceUnknown(Invalid):
    title = N_("This choice can't be kept")
    mend = N_("Choose again from the list.")


async def notify(
    tx: TenantTransaction,
    person_ids: UUID | Sequence[UUID],
    kind: NoticeKind,
    fills: Fills | None = None,
    *,
    link: str = "",
    key: str | None = None,
) -> int:
    """Tells members of the bound tenant; returns how many.

    `link` is a path below `/t/<slug>`. With a `key` the same person is told the same thing once.
    Who is no active member, or wants none of this kind, is not told. At most RECIPIENTS_LIMIT.
    """
    wanted = [person_ids] if isinstance(person_ids, UUID) else list(dict.fromkeys(person_ids))
    if not wanted:
        return 0
    if len(wanted) > RECIPIENTS_LIMIT:
        raise ValueError(f"one notice goes to {RECIPIENTS_LIMIT} members at most")
    ids = [new_id() for _ in wanted]
    mail = "none" if kind.mailed_elsewhere else kind.mail
    made = await store.insert(tx, wanted, ids, kind.name, _kept(fills), link, key, mail)
    at_once = [one.id for one in made if one.mail == "at_once"]
    if at_once and not kind.mailed_elsewhere:
        await emit(tx, "notices.mail_due", NoticesMailDue(at_once))
    return len(made)


async def notify_person(
    tx: PersonTransaction,
    kind: NoticeKind,
    fills: Fills | None = None,
    *,
    link: str = "",
    key: str | None = None,
) -> bool:
    """The same for the bound person in their own space; `link` is a whole path, such as `/me`."""
    mail = "none" if kind.mailed_elsewhere else kind.mail
    made = await store.insert_for_person(tx, new_id(), kind.name, _kept(fills), link, key, mail)
    if made is not None and made.mail == "at_once" and not kind.mailed_elsewhere:
        await emit(tx, "notices.mail_due", NoticesMailDue([made.id]))
    return made is not None


def _kept(fills: Fills | None) -> dict[str, Any]:
    return {
        name: msgspec.to_builtins(value)
        if isinstance(value, Localised)
        else value[:TEXT_LIMIT_CHARACTERS]
        for name, value in (fills or {}).items()
    }


async def wants_mail(read: store.BoundRead, person_id: UUID, kind: NoticeKind) -> MailWhen:
    """When this person wants mail of this kind: for what is mailed elsewhere."""
    choice = (await store.choices(read, person_id)).get(kind.name)
    return choice.mail if choice else kind.mail


async def choose(
    tx: TenantTransaction | PersonTransaction, person_id: UUID, chosen: list[Choice]
) -> None:
    """Keeps what the person wants of each kind. Raises ChoiceUnknown."""
    for choice in chosen:
        if choice.kind not in KINDS or choice.mail not in MAIL_WHEN:
            raise ChoiceUnknown(choice.kind[:100])
    await store.save_choices(tx, person_id, chosen)


async def take_digest(
    tx: TenantTransaction | PersonTransaction, *, after: timedelta | None = None
) -> int:
    """Hands what waited for the day's mail to the outbox; returns how many persons' mails."""
    after = timedelta(hours=DIGEST_AFTER_H) if after is None else after
    waiting = await store.take_for_digest(tx, after, DIGEST_PERSONS)
    if waiting:
        due = DigestDue({str(one.person_id): one.ids for one in waiting})
        if isinstance(tx, TenantTransaction):
            await emit(tx, "notices.digest_due", due)
        else:
            await emit(tx, "notices.digest_due", due)
    return len(waiting)
