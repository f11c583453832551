"""What is done outside before a person's or an organisation's rows go: their account elsewhere.

An upper room registers it, as it does listeners. No event can tell of it afterwards: the deliveries
of who is erased go with them, and so does what names them elsewhere. So the erasure waits for it:
where it raises, nothing is erased, and the erasure is tried again.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from passerelle.kernel.work import Work

#: At least once, so that what is gone already is no error.
Leaving = Callable[[Work, UUID], Awaitable[None]]

_OF_PERSONS: dict[str, Leaving] = {}
_OF_TENANTS: dict[str, Leaving] = {}


def before_a_person_goes(handler: Leaving) -> Leaving:
    """Registers `async def handler(work, person_id)`."""
    _OF_PERSONS[f"{handler.__module__}.{handler.__name__}"] = handler
    return handler


def before_a_tenant_goes(handler: Leaving) -> Leaving:
    """Registers `async def handler(work, tenant_id)`; raises Unavailable to be asked again."""
    _OF_TENANTS[f"{handler.__module__}.{handler.__name__}"] = handler
    return handler


def known() -> list[str]:
    """What is registered, by name."""
    return sorted({*_OF_PERSONS, *_OF_TENANTS})


async def person_goes(work: Work, person_id: UUID) -> None:
    for handler in _OF_PERSONS.values():
        await handler(work, person_id)


async def tenant_goes(work: Work, tenant_id: UUID) -> None:
    for handler in _OF_TENANTS.values():
        await handler(work, tenant_id)
