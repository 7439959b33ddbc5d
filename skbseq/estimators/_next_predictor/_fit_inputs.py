"""Checks of what a next-event network is fitted on."""

import warnings

from skbseq import _frames
from skbseq._targets import index_in_classes, present_values, to_ids
from skbseq.preprocessing._evidence import code
from skbseq.preprocessing._sequence_encoder import time_features_of


def check_something_to_learn(data, following, weights):
    if not (weights * (data.lengths + (following > 0))).any():
        raise ValueError(
            "There is nothing to learn from: every history with an event has weight zero. Give "
            "one of them a positive sample_weight."
        )


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
