"""Whether a history has ended, by a network."""

import numpy as np
from scipy.special import expit

from skbseq import _frames
from skbseq._next_event import PredictEndMixin
from skbseq._sequences import UNKNOWN, offsets_of
from skbseq._targets import read_next
from skbseq.estimators._each_event import codes_of, parts_of


class NetworkEndsMixin(PredictEndMixin):
    """``predict_end_proba`` of a next-event model with a network.

    The model gives ``_sequences(X)`` and what `EachQueryMixin` has.
    """

    def _note_known_next(self, following, y):
        """Codes of what followed, not 0 where something did that has no code."""
        if y is None or not self.end:
            return following
        known = ~_frames.is_missing(read_next(y, len(following)))
        return np.where(known & (following == 0), UNKNOWN, following)

    @property
    def _learned_end(self):
        return self.spec_.head.end

    def _end_probabilities(self, X):
        return expit(self._end_logits(self._sequences(X)))

    def _end_logits(self, data):
        """Logits of the end of each history; an empty one has not begun."""
        logits, some = np.full(len(data), -np.inf), np.flatnonzero(data.lengths)
        for rows in parts_of(data.lengths[some], self._query_size):
            part = data.take(some[rows])
            steps = self._steps(part)
            logits[some[rows]] = steps[offsets_of(part.lengths + 1)[1:] - 1, -1]
        return logits

    def _end_probabilities_of_each(self, X):
        data, window = self._read_whole(X)
        offsets, logits = offsets_of(data.lengths), np.zeros(len(codes_of(data)))
        for rows in parts_of(data.lengths, self._query_size):
            part = data.take(rows)
            counts = 1 + np.arange(offsets[rows[-1] + 1] - offsets[rows[0]])
            counts -= np.repeat(offsets[rows] - offsets[rows[0]], part.lengths)
            found = self._steps_after(part, counts, window, slice(-1, None), self._ends_of_whole)
            logits[offsets[rows[0]] : offsets[rows[-1] + 1]] = found[:, 0]
        return expit(logits), offsets

    def _ends_of_whole(self, data):
        return self._end_logits(data)[:, None]
