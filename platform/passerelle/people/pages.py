"""The person's own space: who sees what until when, and what they say of themselves."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Response
from msgspec import Struct

from passerelle.kernel.actor import PERSON, Actor
from passerelle.kernel.database import Lookup, PersonReader, PersonTransaction
from passerelle.kernel.errors import NotFound
from passerelle.kernel.language import N_, Localised, as_locale
from passerelle.people import consents, service, store
from passerelle.people.model import Organisation, Profile, Sharing, last_day
from passerelle.web import navigation
from passerelle.web.page import Page

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
SEE_OTHER: Final = 303

navigation.add(N_("Home"), "/me", permission=PERSON, space="person", order=10)
navigation.add(N_("Profile"), "/me/profile", permission=PERSON, space="person", order=40)


class SharingShown(Struct, frozen=True):
    """A sharing as its line reads: with whom, and the last day on which it is live."""

    id: UUID
    organisation: Localised | None
    last_day: date
    live: bool
    withdrawn_at: datetime | None


async def _shown(lookup: Lookup, sharings: list[Sharing]) -> list[SharingShown]:
    names = await store.organisation_names(lookup, {one.tenant_id for one in sharings})
    now = datetime.now(UTC)
    return [
        SharingShown(
            id=one.id,
            organisation=names.get(one.tenant_id),
            last_day=last_day(one.until),
            live=one.is_live(now),
            withdrawn_at=one.withdrawn_at,
        )
        for one in sharings
    ]


@get("/me", permission=PERSON, include_in_schema=False)
async def home(
    person_read: PersonReader, lookup: Lookup, actor: Actor, done: str | None = None
) -> Page:
    """Who sees the person's proven skills, until when; and what has ended."""
    shown = await _shown(lookup, await store.sharings(person_read))
    return Page(
        "people/home.html",
        {
            "name": actor.display_name,
            "live": [one for one in shown if one.live],
            "ended": [one for one in shown if not one.live],
            "profile": await store.profile(person_read),
            "done": done,
        },
    )


def _sharing_form(
    organisations: list[Organisation], values: dict[str, str], errors: dict[str, str]
) -> Page:
    today = datetime.now(UTC).date()
    return Page(
        "people/share.html",
        {
            "organisations": organisations,
            "values": values,
            "errors": errors,
            "earliest": today + timedelta(days=1),
            "latest": service.latest_day(today),
        },
        status_code=400 if errors else 200,
    )


@get("/me/sharing/new", permission=PERSON, include_in_schema=False)
async def new_sharing(lookup: Lookup, organisation: str = "", until: str = "") -> Page:
    """With whom, and until when."""
    organisations = await store.organisations(lookup)
    return _sharing_form(organisations, {"organisation": organisation, "until": until}, {})


def _checked(
    organisations: list[Organisation], values: dict[str, str]
) -> tuple[Organisation | None, date | None, dict[str, str]]:
    """The organisation and the day that were chosen, and what is wrong with either."""
    errors: dict[str, str] = {}
    chosen = next((one for one in organisations if one.slug == values.get("organisation")), None)
    if chosen is None:
        errors["organisation"] = N_("Choose an organisation from the list")
    try:
        until = date.fromisoformat(values.get("until", ""))
    except ValueError:
        return chosen, None, errors | {"until": N_("Give the last day as a date")}
    if not service.is_allowed(until):
        errors["until"] = service.SharingDateInvalid.mend
    return chosen, until, errors


@get("/me/sharing/check", permission=PERSON, include_in_schema=False)
async def check_sharing(
    person_read: PersonReader, lookup: Lookup, organisation: str = "", until: str = ""
) -> Page:
    """The answers once more, before anything is shared."""
    organisations = await store.organisations(lookup)
    values = {"organisation": organisation, "until": until}
    chosen, day, errors = _checked(organisations, values)
    if errors or chosen is None or day is None:
        return _sharing_form(organisations, values, errors)
    return Page(
        "people/check.html",
        {
            "organisation": chosen,
            "until": day,
            "consent": consents.current("hiring").text,
            "profile": await store.profile(person_read),
            "replaces": bool(await store.live_sharings(person_read, chosen.id, "hiring")),
        },
    )


@post("/me/sharing", permission=PERSON, include_in_schema=False, status_code=200)
async def share(person_tx: PersonTransaction, lookup: Lookup, data: Form) -> Response[str] | Page:
    """Shares, then goes home."""
    organisations = await store.organisations(lookup)
    chosen, day, errors = _checked(organisations, data)
    if errors or chosen is None or day is None:
        return _sharing_form(organisations, data, errors)
    await service.share(person_tx, chosen.id, until=day)
    return Redirect("/me?done=shared", status_code=SEE_OTHER)


@get("/me/sharing/{sharing_id:uuid}/withdraw", permission=PERSON, include_in_schema=False)
async def confirm_withdrawal(person_read: PersonReader, lookup: Lookup, sharing_id: UUID) -> Page:
    """What ends at once when the sharing is withdrawn."""
    sharing = await store.sharing(person_read, sharing_id)
    if sharing is None:
        raise NotFound()
    (shown,) = await _shown(lookup, [sharing])
    return Page("people/withdraw.html", {"sharing": shown})


@post("/me/sharing/{sharing_id:uuid}/withdraw", permission=PERSON, include_in_schema=False)
async def withdraw(person_tx: PersonTransaction, sharing_id: UUID) -> Redirect:
    """Ends the sharing in this very transaction."""
    await service.withdraw(person_tx, sharing_id)
    return Redirect("/me?done=withdrawn", status_code=SEE_OTHER)


@get("/me/profile", permission=PERSON, include_in_schema=False)
async def profile(person_read: PersonReader) -> Page:
    """What the person says of themselves, to be changed."""
    kept = await store.profile(person_read)
    values = {
        "headline": kept.headline if kept else "",
        "about": kept.about if kept else "",
    }
    return Page("people/profile.html", {"values": values, "errors": {}})


@post("/me/profile", permission=PERSON, include_in_schema=False, status_code=200)
async def save_profile(
    person_tx: PersonTransaction, actor: Actor, data: Form
) -> Response[str] | Page:
    """Keeps the profile, then goes home; a text that is too long stays on screen."""
    said = Profile(data.get("headline", ""), data.get("about", ""), as_locale(actor.locale))
    try:
        await service.save_profile(person_tx, said)
    except service.ProfileTooLong as problem:
        values = {"headline": said.headline, "about": said.about}
        page = {"values": values, "errors": problem.errors}
        return Page("people/profile.html", page, status_code=400)
    return Redirect("/me?done=saved", status_code=SEE_OTHER)


handlers = [
    home,
    new_sharing,
    check_sharing,
    share,
    confirm_withdrawal,
    withdraw,
    profile,
    save_profile,
]
