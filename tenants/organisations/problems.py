"""What can be wrong with making, changing or ending an organisation."""

from passerelle.kernel.errors import Conflict, Invalid, NotFound, NotSignedIn, Problem
from passerelle.kernel.language import N_


class SlugTaken(Conflict):
    title = N_("Another organisation has this address already")
    mend = N_("Choose another address.")


class RequestKeyReused(Problem):
    """The same Idempotency-Key came with another request."""

    status = 422
    title = N_("This Idempotency-Key was used for another request")
    mend = N_("Repeat the very same request, or send a new key with a new one.")


class OperatorRefused(NotSignedIn):
    """No token, a wrong one, or an API that is closed: the three can't be told apart."""

    title = N_("Only the operator of this service may do this")
    mend = N_("Send the operator's token as a bearer token. An operator sets it before it is open.")


class StandingUnchanged(Conflict):
    title = N_("The organisation is not in the standing that this asks for")
    mend = N_("Look at how it stands now, and decide anew.")


class ErasureBegun(Conflict):
    title = N_("The organisation's data is being erased and can't be brought back")
    mend = N_("Make a new organisation; what its people earned stays in their wallets.")


class ConfirmationWrong(Invalid):
    title = N_("The address that confirms this is not the organisation's")
    mend = N_("Type the organisation's address exactly as it is.")


class SignUpClosed(Problem):
    status = 403
    title = N_("Organisations are made by the operator of this service")
    mend = N_("Ask the operator to make yours. If you were invited to one, open its address.")


class SignUpUnknown(NotFound):
    """Forged, used up, too old: they can't be told apart."""

    status = 410
    title = N_("This link is no longer open")
    mend = N_("A link works for 24 hours and makes one organisation. Begin again if you need to.")


class UnitUnknown(NotFound):
    title = N_("There is no such unit")
    mend = N_("Go back to the units and choose one that is there.")


class TreeBroken(Invalid):
    """A change that would break the tree; `errors` says how."""

    title = N_("The units can't stand like this")
    mend = N_("Mend what is listed and try again.")


class HostUnknown(NotFound):
    title = N_("There is no such host name here")
    mend = N_("Go back to the host names and choose one that is there.")
