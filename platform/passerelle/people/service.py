"""Sharing a profile of proven skills with an organisation, and taking it back."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from passerelle.kernel.database import PersonTransaction
from passerelle.kernel.errors import Invalid, NotFound
from passerelle.kernel.events import emit
from passerelle.kernel.identifiers import new_id
from passerelle.kernel.language import N_, Locale
from passerelle.people import consents, projections, store
from passerelle.people.model import (
    ABOUT_LENGTH_LIMIT,
    HEADLINE_LENGTH_LIMIT,
    SHARING_DAYS_LIMIT,
    Profile,
    Purpose,
    Sharing,
    SharingGranted,
    SharingWithdrawn,
    end_of,
)
from passerelle.people.prose import cleaned


class SharingDateInvalid(Invalid):
    """The last day of a sharing is in the past or further ahead than SHARING_DAYS_LIMIT."""

    title = N_("This date can't be used")
    mend = N_("Choose a day between tomorrow and two years from now.")


class ProfileTooLong(Invalid):
    title = N_("This text is too long")
    mend = N_("Shorten it and save again.")


async def register_person(tx: PersonTransaction, display_name: str, locale: Locale) -> None:
    """Makes the bound person known, with the name that organisations they share with may see."""
    await store.register(tx, display_name, locale)


def latest_day(today: date) -> date:
    """The last day until which something can be shared."""
    return today + timedelta(days=SHARING_DAYS_LIMIT)


def is_allowed(until: date) -> bool:
    """Whether a sharing may last through the day `until`."""
    today = datetime.now(UTC).date()
    return today < until <= latest_day(today)


async def share(
    tx: PersonTransaction, tenant_id: UUID, purpose: Purpose = "hiring", *, until: date
) -> UUID:
    """Lets an organisation see the person's proven skills and profile through the day `until`.

    Where it sees them already, only the date changes. Returns the sharing's id. Raises
    SharingDateInvalid.
    """
    if not is_allowed(until):
        raise SharingDateInvalid(errors={"until": SharingDateInvalid.mend})
    await store.lock(tx)
    live = await store.live_sharings(tx, tenant_id, purpose)
    before: SharingGranted | None = None
    if live:
        sharing_id = live[-1].id
        before = SharingGranted(sharing_id, tenant_id, purpose, live[-1].until)
        await store.change_until(tx, sharing_id, end_of(until))
    else:
        sharing_id = new_id()
        await store.grant(tx, sharing_id, tenant_id, purpose, end_of(until))
    granted = SharingGranted(sharing_id, tenant_id, purpose, end_of(until))
    event_id = await emit(
        tx, "sharing.granted", granted, subject=sharing_id, tenant_id=tenant_id, before=before
    )
    await consents.given(tx, tenant_id, purpose, sharing_id, end_of(until), event_id)
    return sharing_id


async def withdraw(tx: PersonTransaction, sharing_id: UUID) -> Sharing:
    """Ends a sharing now, and deletes what the organisation had derived from it.

    Ending it twice changes nothing more. Raises NotFound.
    """
    await store.lock(tx)
    sharing = await store.sharing(tx, sharing_id)
    if sharing is None:
        raise NotFound()
    if await store.withdraw(tx, sharing_id):
        event_id = await emit(
            tx,
            "sharing.withdrawn",
            SharingWithdrawn(sharing_id, sharing.tenant_id, sharing.purpose),
            subject=sharing_id,
            tenant_id=sharing.tenant_id,
        )
        await consents.withdrawn(tx, sharing_id, event_id)
    if not await store.live_sharings(tx, sharing.tenant_id, sharing.purpose):
        for projection in projections.for_purpose(sharing.purpose):
            await tx.execute(projection.delete_sql, tx.person_id, sharing.tenant_id)
    return sharing


async def save_profile(tx: PersonTransaction, profile: Profile) -> None:
    """Keeps what a person says of themselves. Raises ProfileTooLong."""
    headline, about = cleaned(profile.headline), cleaned(profile.about)
    errors = {}
    if len(headline) > HEADLINE_LENGTH_LIMIT:
        errors["headline"] = N_("Use at most 160 characters")
    if len(about) > ABOUT_LENGTH_LIMIT:
        errors["about"] = N_("Use at most 4,000 characters")
    if errors:
        raise ProfileTooLong(errors=errors)
    await store.save_profile(tx, Profile(headline, about, profile.locale))
