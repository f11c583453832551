"""Errors are nouns: each is a child of Problem, defined in the feature that raises it.

On the wire they are problem details (RFC 9457); for a person, a page that says what happened and
how to mend it. `title` and `mend` are marked for the catalogue and translated where they are shown.
"""

import re
from typing import ClassVar

from passerelle.kernel.language import N_


class Problem(Exception):
    """A refusal with a reason. `detail` adds what is particular to this time, never a secret."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = N_("Something went wrong on our side")
    mend: ClassVar[str] = N_("Try again in a moment. If it happens again, give us the request id.")

    def __init__(self, detail: str | None = None, **extension: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.extension = extension

    @classmethod
    def slug(cls) -> str:
        """The class's name as in the problem type's address: AnswerTooLate → answer-too-late."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()


class NotFound(Problem):
    """It isn't there, or it isn't yours: the two can't be told apart."""

    status = 404
    title = N_("There is nothing here for you")
    mend = N_("Check the address, or go back to the page you came from.")


class TenantSuspended(Problem):
    """Nothing of a suspended organisation is read or written; who holds a credential keeps it."""

    status = 403
    title = N_("This organisation is suspended")
    mend = N_("Its administrators know why. Your credentials stay yours and can be verified.")


class NotSignedIn(Problem):
    status = 401
    title = N_("You are not signed in")
    mend = N_("Sign in, or open the page again from where you learn.")


class Forbidden(Problem):
    status = 403
    title = N_("Your role does not allow this")
    mend = N_("Ask an administrator of your organisation for the role.")


class Invalid(Problem):
    """What was sent can't be taken; `errors` maps each field to what is wrong with it."""

    status = 400
    title = N_("Something in what you sent needs mending")
    mend = N_("Mend what is listed and send it again.")

    def __init__(
        self, detail: str | None = None, errors: dict[str, str] | None = None, **extension: object
    ) -> None:
        super().__init__(detail, errors=errors or {}, **extension)
        self.errors = errors or {}


class Conflict(Problem):
    status = 409
    title = N_("Someone changed this in the meantime")
    mend = N_("Open the page again, look at what changed, and decide anew.")


class Unavailable(Problem):
    status = 503
    title = N_("A part of the service is not answering")
    mend = N_("Try again in a few minutes; nothing you did is lost.")
