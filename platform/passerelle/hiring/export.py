"""Requisitions as rows of a CSV file."""

from passerelle.hiring.model import Requisition


def requisition_row(requisition: Requisition, locale: str) -> list[str]:
    """Number, title, unit, place, posts, closing day, status, opening day; days in ISO 8601."""
    return [
        requisition.number,
        requisition.title.in_(locale),
        requisition.unit,
        requisition.place,
        str(requisition.posts),
        requisition.closes_on.isoformat() if requisition.closes_on else "",
        requisition.status,
        requisition.created_at.date().isoformat(),
    ]
