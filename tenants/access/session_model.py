"""A session as it is kept, as it is found, and as it is shown."""

import time

import msgspec

from passerelle.kernel.actor import Actor
from tenants.access.browsers import Browser
from tenants.access.rate_limits import Verdict


class Record(msgspec.Struct):
    actor: Actor
    ends_at: float
    # The organisation's epoch at which the actor's rights were read.
    epoch: int = 0
    # Whom the actor looks as, read only.
    viewing: Actor | None = None


class Shown(msgspec.Struct, frozen=True):
    """What the list of sessions says besides: when it began (seconds since the epoch), where."""

    began_at: float
    address: str
    browser: Browser


class Found(msgspec.Struct):
    """A living session; where it is not `fresh`, its member is to be read anew at `epoch`."""

    record: Record
    epoch: int
    # What the limits say of the request, where it was charged.
    verdicts: list[Verdict] = []
    # Whether the limit of the organisation's plan was at hand.
    plan_known: bool = True
    # The cookie that takes the token's place; it may be sent until `renewed_until` (monotonic).
    renewed: str | None = None
    renewed_until: float = 0.0
    # A token came that was replaced before: the session was ended.
    stolen: bool = False

    @property
    def fresh(self) -> bool:
        return self.record.epoch == self.epoch

    @property
    def actor(self) -> Actor:
        """Who acts: the one looked as while a viewing lasts."""
        viewing = self.record.viewing
        if viewing is None or viewing.viewer is None or viewing.viewer.ends_at < time.time():
            return self.record.actor
        return viewing
