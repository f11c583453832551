"""What hiring refuses, and how to mend it."""

from passerelle.kernel.errors import Conflict, Forbidden, Invalid
from passerelle.kernel.language import N_


class ReasonMissing(Invalid):
    """A decision came without a reason, or with one too short or too long to be one."""

    title = N_("A decision needs a reason")
    mend = N_("Write why, in 10 to 2,000 characters.")


class StageInvalid(Invalid):
    title = N_("Choose another stage")
    mend = N_("The candidate stands there already, or it isn't a stage of this pipeline.")


class RequisitionInvalid(Invalid):
    title = N_("This requisition can't be opened yet")
    mend = N_("Mend what is listed and send it again.")


class CandidateMovedAlready(Conflict):
    """The candidate no longer stands in the stage from which they were to be moved."""

    title = N_("Someone moved this candidate in the meantime")
    mend = N_("Look at where they stand now, and decide anew. Your reason was not recorded.")


class RequisitionClosed(Conflict):
    title = N_("This requisition is closed")
    mend = N_("Open it again before you decide about candidates.")


class DecisionNeedsPerson(Forbidden):
    """A task of the system tried to decide about someone."""

    title = N_("Only a person can decide about a candidate")
    mend = N_("Sign in and decide in your own name.")
