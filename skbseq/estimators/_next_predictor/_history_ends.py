"""Whether a history has ended, by a network."""

import numpy as np
from scipy.special import expit

from skbseq import _frames
from skbseq._next_event import PredictEndMixin
from skbseq._sequences import UNKNOWN, offsets_of
from skbseq._targets import read_next
from skbseq.estimators._each_event import parts_of

_END = slice(-1, None)


class NetworkEndsMixin(PredictEndMixin):
    """``predict_end_proba`` of a next-event model with a network.

    The model gives ``_sequences(X)`` and what `EachQueryMixin` has.
    """

    def _note_known_next(self, following, y):
        """Codes of what followed, not 0 where something did that has no code."""
        if y is None or not (self.end or self.time):
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
        logits[some] = self._last_extras(data.take(some), _END)[:, 0]
        return logits

    def _end_probabilities_of_each(self, X):
        logits, offsets = self._extras_of_each(X, _END)
        return expit(logits[:, 0]), offsets

    # -------------------------------------------------------------- outputs besides queries

    def _last_extras(self, data, columns):
        """Some outputs after the last event of each sequence."""
        self, data = self._that_reads(data)
        result = [np.zeros((0, self._width_of(columns)))]
        for rows in parts_of(data.lengths, self._query_size):
            part = data.take(rows)
            ends = offsets_of(part.lengths + 1)[1:] - 1
            result.append(self._steps(part)[ends, columns].astype(np.float64))
        return np.concatenate(result)

    def _extras_of_each(self, X, columns):
        """Some outputs after each event of a frame, and where each history begins."""
        data, window = self._read_whole(X)
        self, data = self._that_reads(data)
        offsets, result = offsets_of(data.lengths), [np.zeros((0, self._width_of(columns)))]

        def last(sequences):
            return self._last_extras(sequences, columns)

        for rows in parts_of(data.lengths, self._query_size):
            part = data.take(rows)
            counts = 1 + np.arange(part.lengths.sum())
            counts -= np.repeat(offsets[rows] - offsets[rows[0]], part.lengths)
            found = self._steps_after(part, counts, window, columns, last)
            result.append(found.astype(np.float64))
        return np.concatenate(result), offsets

    def _width_of(self, columns):
        head = self.spec_.head
        return len(range(head.n_extras)[columns])
