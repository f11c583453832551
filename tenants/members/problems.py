"""Why something can't be done to or by a member."""

from typing import ClassVar

from passerelle.kernel.errors import Conflict, Forbidden, NotFound, Problem
from passerelle.kernel.language import N_


class DutiesInConflict(Conflict):
    """`detail` says which two, and why nobody holds both."""

    title = N_("These roles can't be held together")
    mend = N_("Take the other role away first, or give this one to someone else.")


class MemberSuspended(Problem):
    status = 403
    title = N_("Your access to this organisation is suspended")
    mend = N_("Ask an administrator of your organisation why, and to lift it.")


class MemberRemoved(Problem):
    status = 403
    title = N_("You are no longer a member of this organisation")
    mend = N_("Ask an administrator of the organisation for a new invitation.")


class ChangeRefused(Forbidden):
    """A change to a member that a rule forbids; `detail` says which."""

    title = N_("This change is not allowed")
    mend = N_("Read why, and ask someone who may.")


class RoleUnknown(NotFound):
    title = N_("There is no such role")
    mend = N_("Choose a role from the list.")


class RoleChanged(Conflict):
    title = N_("Someone changed this role in the meantime")
    mend = N_("Open it again, look at what changed, and decide anew.")


class InvitationUnknown(NotFound):
    """Unknown, altered, or replaced by a newer one: the three can't be told apart."""

    title = N_("This invitation is not valid")
    mend = N_("Use the link of the newest mail, whole, or ask for a new invitation.")


class InvitationClosed(Problem):
    """An authentic invitation that can't be taken any more."""

    status: ClassVar[int] = 410


class InvitationExpired(InvitationClosed):
    title = N_("This invitation has expired")
    mend = N_("Ask whoever invited you to send it again.")


class InvitationWithdrawn(InvitationClosed):
    title = N_("This invitation was withdrawn")
    mend = N_("Ask whoever invited you why.")


class InvitationUsed(InvitationClosed):
    title = N_("This invitation was used already")
    mend = N_("If it was you, sign in to the organisation. If not, tell whoever invited you.")


class InvitationForAnother(Problem):
    status: ClassVar[int] = 403
    title = N_("This invitation is for another address")
    mend = N_("Sign in with the account whose verified e-mail address got the invitation.")
