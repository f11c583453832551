"""Invitations for a calendar: iCalendar objects (RFC 5545) as a mail carries them (RFC 6047)."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec
from icalendar import Calendar, Event, vCalAddress, vText

from passerelle.kernel.ports import Attachment

PRODUCT = "-//Passerelle//Appointments//EN"


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """One appointment. A later mail with the same id and a higher sequence replaces it."""

    id: UUID
    # 0 at first; one more with each change, the cancellation included (RFC 5545, 3.8.7.4).
    sequence: int
    starts_at: datetime
    ends_at: datetime
    summary: str
    description: str = ""
    location: str = ""
    url: str = ""
    organiser_name: str
    organiser_email: str
    attendees: tuple[tuple[str, str], ...]
    # When this state of it was made: with the id and the sequence, what repeats have in common.
    stamped_at: datetime


def invitation(appointment: Appointment) -> Attachment:
    """What puts the appointment into a calendar, or brings it up to date there."""
    return _attachment(appointment, "REQUEST", "CONFIRMED")


def cancellation(appointment: Appointment) -> Attachment:
    """What takes it out again."""
    return _attachment(appointment, "CANCEL", "CANCELLED")


def _attachment(
    appointment: Appointment, method: Literal["REQUEST", "CANCEL"], status: str
) -> Attachment:
    """Raises ValueError for a moment without a time zone, or an end before the start."""
    moments = (appointment.starts_at, appointment.ends_at, appointment.stamped_at)
    if any(moment.tzinfo is None for moment in moments):
        raise ValueError("an appointment's moments have a time zone")
    if appointment.ends_at <= appointment.starts_at:
        raise ValueError("an appointment ends after it starts")
    event = Event()
    event.add("uid", f"{appointment.id}@passerelle")
    event.add("sequence", appointment.sequence)
    event.add("status", status)
    # In UTC: each calendar shows it in its owner's zone, and no zone has to be described.
    event.add("dtstamp", appointment.stamped_at.astimezone(UTC))
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", appointment.summary)
    for name in ("description", "location", "url"):
        if text := getattr(appointment, name):
            event.add(name, text)
    event["organizer"] = _address(appointment.organiser_name, appointment.organiser_email)
    for name, email in appointment.attendees:
        attendee = _address(name, email)
        attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
        attendee.params["PARTSTAT"] = vText("NEEDS-ACTION")
        attendee.params["RSVP"] = vText("TRUE")
        event.add("attendee", attendee, encode=False)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(event)
    return Attachment(
        name="invite.ics",
        content_type=f"text/calendar; method={method}; component=VEVENT",
        content=calendar.to_ical(),
    )


def _address(name: str, email: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    # Quotation marks and control characters can't stand in a parameter (RFC 5545, 3.2).
    address.params["CN"] = vText("".join(c for c in name if c.isprintable() and c != '"'))
    return address
