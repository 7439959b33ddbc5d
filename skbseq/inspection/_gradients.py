"""Integrated gradients of a pipeline that ends in a network, by the columns of its input."""

import warnings

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skbseq import _frames
from skbseq._sequences import ranges
from skbseq.estimators._attribution import (
    counts_of_mixture,
    gradients_of_events,
    has_gradients,
    reads_codes_itself,
)
from skbseq.exceptions import SequenceFrameError
from skbseq.inspection._subsets import Subsets
from skbseq.preprocessing import SequenceEncoder
from skbseq.preprocessing._sequence_encoder import sources_of

_INSTEAD = "Use method='removal' or method='shapley', which only need predictions."
# The mean event of fewer histories depends too much on what is explained.
_FEW_ROWS = 10
# Larger errors of the sum, as a share of what it should be, are said.
_LARGE_ERROR = 0.01


def event_gradients(model, X, background, subsets, answers):
    """Contributions of the events of X by channel, and the answers for mean events.

    Parameters
    ----------
    model : estimator
    X : sequence frame
    background : sequence frame or None
        Histories whose mean event is the baseline. None: X.
    subsets : Subsets
        Of X.
    answers : Answers
        Of X.

    Returns
    -------
    by_channel : dict of str to ndarray of float64 of shape (n_events,)
    baselines : ndarray of float64 of shape (n_samples,)
    """
    steps, estimator = _take_apart(model)
    _refuse_without_gradients(estimator)
    if background is None and len(subsets) < _FEW_ROWS:
        warnings.warn(
            f"The baseline of method='gradients' is the mean event of only {len(subsets)} "
            "histories. Pass background=, a frame of typical histories, such as X_train.",
            UserWarning,
            stacklevel=4,
        )
    if background is not None and not Subsets(background, "background").n_events:
        raise SequenceFrameError(
            "background has no events, so there is no mean event. Pass histories with events, "
            "such as X_train."
        )
    places = np.zeros(len(subsets), np.int64) if answers.places is None else answers.places
    encoded = _encode(steps, X)
    others = encoded if background is None else _encode(steps, background)
    found, baselines, errors, names, lengths = gradients_of_events(
        estimator, encoded, others, places
    )
    _say_errors(errors)
    at = _positions(subsets, lengths)
    encoders = [e for e in (*steps, getattr(estimator, "encoder_", None)) if e is not None]
    sources = {}
    for each in encoders:
        if isinstance(each, SequenceEncoder):
            sources |= sources_of(each)
    by_channel = {}
    for name, column in zip(names, found.T, strict=True):
        total = by_channel.setdefault(sources.get(name, name), np.zeros(subsets.n_events))
        total[at] += column
    return by_channel, baselines


def _take_apart(model):
    """Fitted transformers, in order, and the estimator that follows them."""
    steps = []
    while True:
        if isinstance(model, Pipeline):
            steps += [step for _, step in model.steps[:-1] if step not in (None, "passthrough")]
            model = model.steps[-1][1]
        elif isinstance(model, FrozenEstimator):
            model = model.estimator
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        else:
            return [
                step.estimator if isinstance(step, FrozenEstimator) else step for step in steps
            ], model


def _refuse_without_gradients(estimator):
    """Refuse models whose answers do not come from embedded events alone."""
    if not has_gradients(estimator):
        raise TypeError(
            f"method='gradients' needs a network of skbseq at the end of the model; got "
            f"{type(estimator).__name__}. {_INSTEAD}"
        )
    if reads_codes_itself(estimator):
        raise ValueError(
            "The network's function asks for `inputs`, so it may read codes past the embedded "
            f"events, where there are no gradients. {_INSTEAD}"
        )
    counts = counts_of_mixture(estimator)
    if counts:
        named = ", ".join(f"{name} {weight:.0%}" for name, weight in counts.items())
        raise ValueError(
            f"{type(estimator).__name__} mixes its network with counting models "
            f"(mixture_weights_: {named}), which have no gradients, so the network alone would "
            f"explain something else than the predictions. {_INSTEAD} Or fit it with "
            "counting=None."
        )


def _encode(steps, X):
    for step in steps:
        X = step.transform(X)
    return X


def _positions(subsets, lengths):
    """Positions, among the events of X, of those that the network read: the last of each row.

    Raises
    ------
    SequenceFrameError
        If a step before the network left out, or added, other events.
    """
    longest = int(lengths.max(initial=0))
    if not np.array_equal(lengths, np.minimum(subsets.lengths, longest)):
        row = int(np.argmax(lengths != np.minimum(subsets.lengths, longest)))
        raise SequenceFrameError(
            f"The network reads {lengths[row]} events of row {row}, which has "
            f"{subsets.lengths[row]}, so its gradients cannot be assigned to events. {_INSTEAD}"
        )
    at, _ = ranges(subsets.offsets[1:] - lengths, subsets.offsets[1:])
    return at


def _say_errors(errors):
    """Warn of rows whose contributions do not add up."""
    large = errors > _LARGE_ERROR
    if large.any():
        row = _frames.first_row(large)
        warnings.warn(
            f"The contributions of {int(large.sum()):,} histories do not add up to what they "
            f"explain within 1%, the first in row {row} (by {errors[row]:.1%}): the network "
            f"changes too abruptly there. {_INSTEAD}",
            UserWarning,
            stacklevel=5,
        )
