"""When the next event comes, by a network."""

import numpy as np

from skbseq._next_event import LogNormals, Moments, PredictWhenMixin
from skbseq._sequences import ranges
from skbseq.estimators._next_predictor._learned_sequences import LearnedSequences

_N_PARTS = 8  # log-normal distributions of a mixture


class NetworkWaitsMixin(PredictWhenMixin):
    """``predict_when`` of a next-event model with a network.

    The model gives ``_sequences(X)``, and ``_last_extras`` and ``_extras_of_each`` of
    `NetworkEndsMixin`.
    """

    # Also of models in files of earlier versions.
    _time = None

    @property
    def _n_wait_parts(self):
        return 0 if self.time is None else _N_PARTS

    def _with_waits(self, data, X, following):
        """The sequences, with the waits to learn if times are learned."""
        self._time = self.time
        if self.time is None:
            return data
        moments = Moments.read(X, self.time, self.basket)
        at, seconds = moments.waits
        self._least_wait = moments.least_wait(self.time)
        kinds, waits = np.zeros(len(moments.ticks), np.int8), np.ones(len(moments.ticks))
        kinds[at], waits[at] = 1, seconds
        if self.encoder_.cutoff in moments.columns.ordinary and not self.end:
            rows = np.flatnonzero((np.diff(moments.offsets) > 0) & (following == 0))
            last = moments.offsets[1:][rows] - 1
            kinds[last], waits[last] = 2, moments.elapsed(self.encoder_.cutoff)[rows]
        z = np.log(np.maximum(waits, self._least_wait))
        self._wait_center = float(z[at].mean())
        self._wait_spread = max(float(z[at].std()), 0.01)
        z = (z - self._wait_center) / self._wait_spread
        # The encoder may have kept the last events alone.
        stops = moments.offsets[1:]
        kept, _ = ranges(stops - data.lengths, stops)
        return LearnedSequences.of(data, waits=z[kept].astype(np.float32), kinds=kinds[kept])

    @property
    def _wait_columns(self):
        """Where the waits stand among the outputs of a step."""
        stop = -1 if self.spec_.head.end else None
        return slice((stop or 0) - 3 * self.spec_.head.waits, stop)

    def _last_waits(self, X, moments):
        data = self._sequences(X)
        some = np.flatnonzero(data.lengths)
        return self._log_normals(self._last_extras(data.take(some), self._wait_columns))

    def _waits_of_each(self, X):
        found, _ = self._extras_of_each(X, self._wait_columns)
        return self._log_normals(found)

    def _log_normals(self, outputs):
        log_weights, means, log_scales = np.split(outputs, 3, axis=1)
        means = means * self._wait_spread + self._wait_center
        return LogNormals(log_weights, means, np.exp(log_scales) * self._wait_spread)
