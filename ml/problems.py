"""What can be wrong with a model, each refused by its name."""

from passerelle.kernel.errors import Conflict, Invalid, Unavailable
from passerelle.kernel.language import N_


class NoModelServed(Unavailable):
    """No model version is in service yet."""

    title = N_("Matching is being prepared")
    mend = N_("Try again in a few minutes. An operator can look with: passerelle ml status")


class ModelArtefactCorrupt(Invalid):
    """A model's file is missing, cut short, changed, or holds numbers that are none."""

    title = N_("This model's file can't be used")
    mend = N_("Train a new model: passerelle ml train")


class TrainingDataInvalid(Invalid):
    """The taxonomy can't be trained on: too small, unknown skills, or numbers that are none."""

    title = N_("There is nothing to train a model on")
    mend = N_("Load a taxonomy first: the seed does it.")


class TrainingFailed(Conflict):
    """Training broke off or its model was not better than an untrained one; nothing was served."""

    title = N_("The training did not give a usable model")
    mend = N_("The model that served before goes on serving. Look at the worker's log.")


class TrainingInProgress(Conflict):
    """Another process is training this moment."""

    title = N_("A training is under way already")
    mend = N_("Wait until it has ended.")
