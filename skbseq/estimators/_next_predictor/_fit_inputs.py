"""Checks of what a next-event network is fitted on."""

import warnings

import numpy as np

from skbseq import _frames
from skbseq._targets import index_in_classes, present_values, to_ids
from skbseq.estimators._base import weights_of
from skbseq.preprocessing._evidence import code
from skbseq.preprocessing._sequence_encoder import time_features_of


def weights_of_events(data, following, sample_weight):
    """Weights of the histories, zero for those that hold nothing to learn.

    Parameters
    ----------
    data : Sequences
    following : ndarray of int
        Code of the event that followed each history, 0 for none.
    sample_weight : array-like or None

    Raises
    ------
    ValueError
        If no history of positive weight holds an event.
    """
    weights = weights_of(data, sample_weight)
    weights = np.where(data.lengths + following > 0, weights, np.float32(0))
    if not weights.any():
        raise ValueError(
            "There is nothing to learn from: every history with an event has weight zero. Give "
            "one of them a positive sample_weight."
        )
    return weights


def warn_of_unseen(values, rows, column):
    """Say which next ids stand in no history, and so have no code; rare ones are left out."""
    known, _, _ = present_values(column)
    unseen = index_in_classes(values, to_ids(known), "y") < 0
    if unseen.any():
        first = _frames.first_row(unseen)
        warnings.warn(
            f"{int(unseen.sum()):,} values of y stand in no history, such as "
            f"{values[first].as_py()!r} of row {rows[first]}. They have no code and are not "
            "learned. Append y to the histories to learn them.",
            UserWarning,
            stacklevel=2,
        )


def refuse_age(encoder):
    """Refuse a fitted encoder that makes the feature "age"."""
    names = [name for name, features in time_features_of(encoder).items() if "age" in features]
    if names:
        others = tuple(f for f in encoder.time_features if f != "age")
        raise ValueError(
            f"The encoder's time feature 'age' of {', '.join(map(repr, names))} tells each event "
            "how much of its history is still to come, which a model of the next event must not "
            f"know. Leave it out: encoder={code(encoder, {'time_features': others})}."
        )
