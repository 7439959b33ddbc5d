"""Whether a history has ended: predictions, and baselines that count."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._next_event._each import TargetEvents
from skbseq._next_event._waits import CountedWaitsMixin
from skbseq._state import all_or_nothing
from skbseq._targets import read_next

END = "end"


class PredictEndMixin:
    """``predict_end_proba`` of a next-event model.

    The model gives ``_learned_end``, ``_end_probabilities(X)``, and
    ``_end_probabilities_of_each(X)``: the probabilities after each event, and where each history
    begins among them.
    """

    def predict_end_proba(self, X):
        """Predict the probability that no event follows each history.

        Needs ``end=True`` in ``fit``.

        Parameters
        ----------
        X : sequence frame
            Histories.

        Returns
        -------
        ndarray of float64 of shape (n_samples,)
            0 for an empty history: it has not begun, so it cannot end.

        Raises
        ------
        SequenceFrameError
            If X is not a sequence frame, or lacks the target.
        ValueError
            If the model was fitted with ``end=False``, or the values of the target have another
            type than in ``fit``.
        """
        self._check_learned_end()
        return self._end_probabilities(X)

    def predict_end_proba_each(self, X):
        """Predict the probability that no event follows, after each event.

        Needs ``end=True`` in ``fit``. Every history is read once.

        Parameters
        ----------
        X : sequence frame
            Histories.

        Returns
        -------
        table of shape (n_samples, 1)
            From the same library as ``X`` (pandas for a list or an array), with a list column
            ``end`` of one probability per event: that of :meth:`predict_end_proba` for the
            history up to and including this event.

        Raises
        ------
        SequenceFrameError
            If X is not a sequence frame, or lacks the target.
        ValueError
            If the model was fitted with ``end=False``, or the values of the target have another
            type than in ``fit``.
        """
        self._check_learned_end()
        values, offsets = self._end_probabilities_of_each(X)
        return _frames.build_frame(
            {END: _frames.Lists(_frames.make_array(values), offsets)}, like=X
        )

    def _check_learned_end(self):
        check_is_fitted(self)
        if not self._learned_end:
            raise ValueError(
                f"{type(self).__name__} has not learned when histories end: it was fitted with "
                "end=False. Fit it with end=True, on complete histories."
            )


class CountedEndsMixin(CountedWaitsMixin, PredictEndMixin):
    """Shares of events after which a history ended, and waits, by the id of the event or of all.

    The model has the parameters ``end`` and ``time``, and says by ``_by_last_id`` whether it
    counts by id. This class stands before `BaseNextEvent`.
    """

    # Also of models in files of earlier versions.
    _end_share = None

    def fit(self, X, y=None):
        """Fit the model to predict every event of every history from the events before it.

        Parameters
        ----------
        X : sequence frame
            Histories, oldest event first.
        y : array-like of shape (n_samples,), default=None
            The next event after each history, learned as well; None or NaN if there was none.

        Returns
        -------
        estimator
            The fitted model itself.

        Raises
        ------
        SequenceFrameError
            If the target does not exist, cannot be determined, or holds no ids; or ``time`` does
            not exist, holds no times, or goes back.
        ValueError
            If no history holds an event, or y does not fit the histories; or, with ``time``, no
            history holds two events of different times.
        """
        with all_or_nothing(self):
            super().fit(X, y)
            self._end_share = self._end_shares = None
            if self.end:
                self._count_ends(X, y)
            self._learn_waits(X)
        return self

    def _count_ends(self, X, y):
        events = TargetEvents.read(X, self.target_, self._catalogue())
        ended = np.diff(events.offsets) > 0
        if y is not None:
            ended &= _frames.is_missing(read_next(y, len(ended)))
        last = events.offsets[1:][ended] - 1
        # As if one event more had been seen, half of it with an end: no share is 0 or 1.
        self._end_share = (len(last) + 0.5) / (len(events.found) + 1)
        size = len(self.classes_)
        times, ends = (
            np.bincount(found[found >= 0], minlength=size)
            for found in (events.found, events.found[last])
        )
        self._end_shares = (ends + self._end_share) / (times + 1)

    @property
    def _learned_end(self):
        return self._end_share is not None

    def _end_probabilities_of_each(self, X):
        events = TargetEvents.read(X, self.target_, self._catalogue())
        if not self._by_last_id:
            return np.full(len(events.found), self._end_share), events.offsets
        known = self._end_shares[np.maximum(events.found, 0)]
        return np.where(events.found >= 0, known, self._end_share), events.offsets

    def _end_probabilities(self, X):
        values, offsets = self._end_probabilities_of_each(X)
        return last_of_each(values, offsets)


def last_of_each(values, offsets):
    """The last of each range of probabilities, 0 for an empty one."""
    result, some = np.zeros(len(offsets) - 1), np.diff(offsets) > 0
    result[some] = values[offsets[1:][some] - 1]
    return result
