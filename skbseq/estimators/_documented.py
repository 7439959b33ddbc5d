"""Docstrings of classifiers and regressors: sections that are the same for all of them."""

from sklearn.base import RegressorMixin

from skbseq._docstrings import document, entries
from skbseq.networks import NETWORKS

_OF_CLASSIFIERS = {
    "classes_": (
        "ndarray of shape (n_classes,)",
        "Labels in ascending order, or one per column of y.",
    ),
    "multilabel_": ("bool", "Whether y had several columns."),
}
_ATTRIBUTES = {
    "history_": (
        "dict of str to list of float",
        "``loss``, and ``val_loss`` if samples were held out, of each epoch.",
    ),
    "n_features_in_": (
        "int",
        "Number of columns of the frame, or of time steps of the array, seen in ``fit``.",
    ),
    "feature_names_in_": ("ndarray of str", "Names of the columns, if X was a frame."),
    "n_iter_": ("int", "Number of epochs run."),
    "best_epoch_": ("int", "Epoch, from 1, whose weights early stopping kept, or the last."),
    "device_": ("str", "Where the network was trained."),
    "padding_": ("float", "Share of the steps of the last epoch's batches that were padding."),
    "model_": ("keras.Model", "The network, built at each access; it returns logits."),
}
_OF_REGRESSORS = {
    "model_": (
        "keras.Model",
        "The network, built at each access; it returns numbers on its own scale.",
    ),
}
_RAISES = """\
SequenceFrameError
    If the frame is not encoded, lacks a column seen in ``fit``, holds NaN, or, in ``fit``, a code
    above 10 million.
TypeError
    If X is neither table, list nor array, or a parameter does not exist.
ValueError
"""
_WRONG_LABELS = """\
    If y has only one class, another length, or labels that are missing or of several types,
    or a parameter is not valid."""
_WRONG_NUMBERS = """\
    If y has another length, holds values that are not finite numbers, or a negative one where the
    loss takes none, or only zeros with ``loss="poisson"``; if loss or quantile were changed before
    a fit that continues; or a parameter is not valid."""


def documented(network=None):
    """Decorate a classifier or regressor: complete its docstring by `document`.

    Parameters
    ----------
    network : str, default=None
        Name of the only network of the class. None: the user chooses one.
    """

    def complete(cls):
        options = {} if network is None else NETWORKS[network].options
        regresses = issubclass(cls, RegressorMixin)
        attributes = _ATTRIBUTES | _OF_REGRESSORS if regresses else _OF_CLASSIFIERS | _ATTRIBUTES
        wrong = _WRONG_NUMBERS if regresses else _WRONG_LABELS
        sections = {"Attributes": entries(attributes), "Raises": _RAISES + wrong}
        document(cls, options, sections)
        return cls

    return complete
