"""How keeping or reading an object can fail."""

from passerelle.kernel.errors import Invalid, Unavailable
from passerelle.kernel.language import N_


class ObjectStoreUnavailable(Unavailable):
    """The folder or the bucket does not answer, or refuses us. The log says which."""

    title = N_("The store of files is not answering")
    mend = N_("Try again in a few minutes. What was kept before is safe.")


class ObjectNameRefused(Invalid):
    """A defect of the caller's, or an attempt to leave the owner's own place."""

    title = N_("A file can't have this name")
    mend = N_("Use small letters, digits, dots, hyphens and underscores.")


class ObjectTooLarge(Invalid):
    status = 413
    title = N_("This file is too large")
    mend = N_("Choose a smaller file.")


class ObjectKindRefused(Invalid):
    status = 415
    title = N_("This kind of file is not taken here")
    mend = N_("Choose a file of another kind. What counts is what is in it, not its name.")


class ObjectChanged(Invalid):
    title = N_("A file is not the one it was")
    mend = N_("Bring the file again from where it was exported.")
