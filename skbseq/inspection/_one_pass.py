"""Predictions for beginnings of histories, from one pass over the whole histories."""

from functools import wraps

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skbseq._sequences import offsets_of
from skbseq.estimators._base import BaseBehaviorEstimator
from skbseq.preprocessing import SequenceEncoder


class OnePass:
    """What a classifier or regressor with a causal network predicts after each event.

    Parameters
    ----------
    estimator : estimator
        The fitted model that is scored.
    model : BaseBehaviorEstimator
        Its last step.
    data : Sequences of n_samples
    outputs : ndarray of float64 of shape (n_events, n_outputs)
        Outputs of the network after each event.
    """

    def __init__(self, estimator, model, data, outputs):
        self._estimator, self._model = estimator, model
        self._offsets, self._outputs = offsets_of(data.lengths), outputs
        self._of_nothing = model._outputs_of(data.take(np.flatnonzero(data.lengths == 0)))

    @classmethod
    def of(cls, estimator, X, longest):
        """Read all histories of a frame, of at most so many events, once.

        Returns
        -------
        OnePass or None
            None if only the beginnings themselves can say what the model predicts for them.
        """
        encoders, model = _steps_of(estimator)
        # A user's function may look ahead; cut histories are right for it too.
        if not isinstance(model, BaseBehaviorEstimator) or model.spec_.is_function:
            return None
        if model.spec_.bidirectional or not all(type(e) is SequenceEncoder for e in encoders):
            return None
        # The last events of a beginning are others than those of the whole.
        if any(e.max_length is not None and e.max_length < longest for e in encoders):
            return None
        for encoder in encoders:
            X = encoder.transform(X)
        data, outputs = model._sequences_and_outputs(X)
        return None if outputs is None else cls(estimator, model, data, outputs)

    def after(self, X, counts):
        """The estimator, with ready predictions for one frame.

        Parameters
        ----------
        X : sequence frame
            The beginnings.
        counts : ndarray of int of shape (n_samples,)
            Number of events of each.

        Returns
        -------
        estimator
        """
        outputs = np.empty((len(counts), self._outputs.shape[1]))
        some = counts > 0
        outputs[some] = self._outputs[self._offsets[:-1][some] + counts[some] - 1]
        outputs[~some] = self._of_nothing
        return _Answered(self._estimator, X, self._model._answers(outputs))


class _Answered:
    """An estimator whose predictions for one frame are ready; for others it is asked."""

    def __init__(self, estimator, X, answers):
        self._estimator, self._X, self._answers = estimator, X, answers

    def __getattr__(self, name):
        found = getattr(self._estimator, name)
        if name not in self._answers:
            return found

        @wraps(found)  # scorers look at its name
        def answer(X):
            return self._answers[name] if X is self._X else found(X)

        return answer


def _steps_of(estimator):
    """Steps before what predicts, and what predicts."""
    before = []
    while True:
        if isinstance(estimator, Pipeline):
            named = [step for _, step in estimator.steps if step not in (None, "passthrough")]
            *others, estimator = named
            before += [s.estimator if isinstance(s, FrozenEstimator) else s for s in others]
        elif isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return before, estimator
