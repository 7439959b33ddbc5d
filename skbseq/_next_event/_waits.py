"""When the next event comes: mixtures of log-normal waits, and baselines that count."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import log_ndtr, logsumexp
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import is_real, is_several, shown
from skbseq._next_event._each import TargetEvents
from skbseq._targets import basket_starts
from skbseq._time import ticks_per_second
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._place import Place, read_moments

_LOG_ROOT_TAU = 0.5 * np.log(2 * np.pi)
# Standard deviations beyond which no quantile is sought, and halvings of that range.
_FAR, _N_HALVINGS = 40.0, 60
_LONGEST = 2**63 // 10**6 - 1  # seconds that fit into microseconds
_EVENTS_OF_PRIOR = 1.0  # what all waits together count for the waits after one id


@dataclass(frozen=True)
class LogNormals:
    """Mixtures of log-normal distributions of waits in seconds.

    Parameters
    ----------
    log_weights, means, scales : ndarray of float64 of shape (n_waits, n_parts)
        Of the logarithm of the wait.
    """

    log_weights: np.ndarray
    means: np.ndarray
    scales: np.ndarray

    def take(self, rows):
        """The mixtures of some waits."""
        return LogNormals(self.log_weights[rows], self.means[rows], self.scales[rows])

    def log_density(self, waits):
        """Logarithm of the density per second."""
        z = np.log(waits)[:, None]
        parts = -0.5 * ((z - self.means) / self.scales) ** 2 - np.log(self.scales)
        return logsumexp(self.log_weights + parts, axis=1) - _LOG_ROOT_TAU - z[:, 0]

    def log_survival(self, log_waits):
        """Logarithm of the probability of a longer wait, of the logarithm of waits."""
        z = (self.means - log_waits[:, None]) / self.scales
        return logsumexp(self.log_weights + log_ndtr(z), axis=1)

    def quantiles(self, share, elapsed):
        """Quantiles of the seconds still to wait, where so many have passed already."""
        with np.errstate(divide="ignore"):
            passed = np.log(elapsed)
        wanted = np.log1p(-share) + self.log_survival(passed)
        low = np.maximum((self.means - _FAR * self.scales).min(axis=1), passed)
        high = np.maximum((self.means + _FAR * self.scales).max(axis=1), low + 1)
        high = np.maximum(high, low + _FAR * self.scales.max(axis=1))
        for _ in range(_N_HALVINGS):
            middle = (low + high) / 2
            longer = self.log_survival(middle) > wanted
            low, high = np.where(longer, middle, low), np.where(longer, high, middle)
        return np.maximum(np.exp(np.minimum(low, np.log(_LONGEST))) - elapsed, 0)


@dataclass(frozen=True)
class Moments:
    """Times of the events of a frame.

    Parameters
    ----------
    ticks : ndarray of int64 of shape (n_events,)
    offsets : ndarray of int64 of shape (n_samples + 1,)
    unit : str
    zone : str or None
    columns : SequenceColumns
    basket_starts : ndarray of int64 of shape (n_events,), default=None
        Where the basket of each event begins. None: each is a basket of its own.
    """

    ticks: np.ndarray
    offsets: np.ndarray
    unit: str
    zone: str | None
    columns: object
    basket_starts: np.ndarray | None = None

    @classmethod
    def read(cls, X, time, basket=None):
        """Times of a list column, and the baskets of the events if a column of them is named.

        Raises
        ------
        SequenceFrameError
            If there is no such list column of times, or one is missing or before another.
        """
        columns = _frames.split_sequences(X, channels=(time,), nested=True)
        if time not in columns.lists:
            raise SequenceFrameError(
                f"time={time!r} is not a list column; the list columns are "
                f"{', '.join(map(repr, columns.lists)) or 'none'}."
            )
        column = columns.lists[time]
        place = Place(columns, None)
        ticks, missing, unit, zone = _frames.time_ticks(read_moments(column.values, time, place))
        if missing.any():
            row = place.row_of(_frames.first_row(missing))
            raise SequenceFrameError(f"Row {row} of {time!r} holds a missing time.")
        found = cls(ticks, column.offsets, unit, zone, columns)
        if (found.waits[1] < 0).any():
            at = found.waits[0][_frames.first_row(found.waits[1] < 0)]
            raise SequenceFrameError(
                f"Row {place.row_of(at)} of {time!r} goes back in time; order the events of a row "
                "oldest first."
            )
        if basket is None:
            return found
        return replace(found, basket_starts=basket_starts(columns, basket))

    @property
    def waits(self):
        """Events that another one follows, and the seconds until then.

        With baskets, events that another basket follows.
        """
        follows = np.ones(len(self.ticks), bool)
        follows[self.offsets[1:][np.diff(self.offsets) > 0] - 1] = False
        at = np.flatnonzero(follows)
        if self.basket_starts is not None:
            at = at[self.basket_starts[at + 1] == at + 1]
        return at, (self.ticks[at + 1] - self.ticks[at]) / ticks_per_second(self.unit)

    def least_wait(self, time):
        """Seconds of the shortest positive wait; shorter ones count as that.

        Raises
        ------
        ValueError
            If there is none.
        """
        _, seconds = self.waits
        if not (seconds > 0).any():
            what = "events" if self.basket_starts is None else "baskets"
            raise ValueError(
                f"No history holds two {what} of different times in {time!r}, so there is no wait "
                "to learn."
            )
        return float(seconds[seconds > 0].min())

    def elapsed(self, at):
        """Seconds from the last event of each history to a moment; 0 for an empty history."""
        if at not in self.columns.ordinary:
            raise SequenceFrameError(
                f"at={at!r} is not an ordinary column; the ordinary columns are "
                f"{', '.join(map(repr, self.columns.ordinary)) or 'none'}."
            )
        moments = Place(self.columns, at).cutoff_ticks(self.unit, self.zone)
        passed, some = np.zeros(len(moments)), np.flatnonzero(np.diff(self.offsets))
        last = self.ticks[self.offsets[1:][some] - 1]
        passed[some] = (moments[some] - last) / ticks_per_second(self.unit)
        if (passed < 0).any():
            raise SequenceFrameError(
                f"Row {_frames.first_row(passed < 0)} holds an event after its moment in {at!r}."
            )
        return passed


class PredictWhenMixin:
    """``predict_when`` and ``score_when`` of a next-event model.

    The model has the parameter ``time`` and the attributes ``_time``, the column of times at fit
    or None, and ``_least_wait``. It gives ``_waits_of_each(X)``: `LogNormals`, one per event.
    """

    def predict_when(self, X, quantiles=(0.1, 0.5, 0.9), at=None):
        """Predict how soon the next event comes, as quantiles of the wait.

        Needs ``time`` in ``fit``.

        Parameters
        ----------
        X : sequence frame
            Histories, with the times of their events.
        quantiles : float or list of float, default=(0.1, 0.5, 0.9)
            Shares of the waits that are shorter, between 0 and 1.
        at : str, default=None
            Ordinary column with a moment until which no further event came, such as "cutoff". The
            waits are then those from this moment on, given that. None: from the last event on.

        Returns
        -------
        table of shape (n_samples, n_quantiles)
            From the same library as ``X``, with a column of durations for each quantile, named by
            ``str`` of it. Missing for an empty history, which has no last event. Waits are
            limited to 292,000 years.

        Raises
        ------
        SequenceFrameError
            If X lacks the target, the times or ``at``, or an event comes after ``at``.
        ValueError
            If the model was fitted with ``time=None``, or a quantile is not between 0 and 1.

        Notes
        -----
        Where :math:`S(w)` is the probability of a wait longer than :math:`w`, and :math:`a` has
        passed, the quantile :math:`q` is the :math:`w` with
        :math:`S(a + w) = (1 - q) \\, S(a)`.
        """
        self._check_learned_time()
        shares = _read_quantiles(quantiles)
        moments = Moments.read(X, self._time)
        elapsed = np.zeros(len(moments.offsets) - 1) if at is None else moments.elapsed(at)
        some = np.flatnonzero(np.diff(moments.offsets))
        waits = self._last_waits(X, moments)
        columns = {}
        for share in shares:
            found = np.full(len(elapsed), np.timedelta64("NaT", "us"))
            seconds = waits.quantiles(share, elapsed[some])
            found[some] = np.round(seconds * 1e6).astype("timedelta64[us]")
            columns[str(share)] = _frames.make_array(found)
        return _frames.build_frame(columns, like=X)

    def score_when(self, X):
        """Mean log-likelihood of the waits between the events of histories.

        Needs ``time`` in ``fit``.

        Parameters
        ----------
        X : sequence frame
            Histories, with the times of their events.

        Returns
        -------
        float
            Mean natural logarithm of the density per second. Higher is better. Waits below the
            shortest positive wait of ``fit`` count as that.

        Raises
        ------
        SequenceFrameError
            If X lacks the target or the times.
        ValueError
            If the model was fitted with ``time=None``, or no history holds two events.
        """
        self._check_learned_time()
        at, seconds = Moments.read(X, self._time, self._basket).waits
        if not len(at):
            what = "events" if self._basket is None else "baskets"
            raise ValueError(f"No history holds two {what}, so there is no wait to score.")
        waits = self._waits_of_each(X).take(at)
        return float(waits.log_density(np.maximum(seconds, self._least_wait)).mean())

    def _last_waits(self, X, moments):
        """`LogNormals` of the wait after each history that has an event."""
        ends = moments.offsets[1:][np.diff(moments.offsets) > 0] - 1
        return self._waits_of_each(X).take(ends)

    def _check_learned_time(self):
        check_is_fitted(self)
        if self._time is None:
            raise ValueError(
                f"{type(self).__name__} has not learned when events come: it was fitted with "
                "time=None. Fit it with the name of the list column of times, such as "
                "time='timestamp'."
            )


class CountedWaitsMixin(PredictWhenMixin):
    """Log-normal waits, after events of each id or of all.

    The model has the parameter ``time``, and says by ``_by_last_id`` whether the waits differ by
    id. This class stands before `BaseNextEvent`.
    """

    # Also of models in files of earlier versions.
    _time = None

    def _learn_waits(self, X):
        """Fit the waits, after the ids are known."""
        self._time = self.time
        if self.time is None:
            return
        moments = Moments.read(X, self.time)
        (at, seconds), self._least_wait = moments.waits, moments.least_wait(self.time)
        z = np.log(np.maximum(seconds, self._least_wait))
        found = TargetEvents.read(X, self.target_, self._catalogue()).found[at]
        mean, variance = z.mean(), max(z.var(), 1e-4)  # of equal waits, not a density without end
        times, sums, squares = (
            np.bincount(found[found >= 0], weights=w, minlength=len(self.classes_))
            for w in (np.ones(len(z))[found >= 0], z[found >= 0], z[found >= 0] ** 2)
        )
        n = times + _EVENTS_OF_PRIOR
        means = (sums + _EVENTS_OF_PRIOR * mean) / n
        spreads = squares - 2 * means * sums + times * means**2 + _EVENTS_OF_PRIOR * variance
        # The last place is that of all events, for those without a known id.
        self._wait_means = np.append(means, mean)
        self._wait_scales = np.sqrt(np.append(spreads / n, variance))

    def _waits_of_each(self, X):
        found = TargetEvents.read(X, self.target_, self._catalogue()).found
        places = found if self._by_last_id else np.full(len(found), -1)
        means, scales = self._wait_means[places][:, None], self._wait_scales[places][:, None]
        return LogNormals(np.zeros_like(means), means, scales)


def _read_quantiles(quantiles):
    shares = list(quantiles) if is_several(quantiles) else [quantiles]
    if not shares or not all(is_real(share) and 0 < share < 1 for share in shares):
        raise ValueError(f"quantiles must be between 0 and 1; got {shown(quantiles)}.")
    if len(set(map(str, shares))) < len(shares):
        raise ValueError(f"quantiles={shown(quantiles)} holds a quantile twice.")
    return [float(share) for share in shares]
