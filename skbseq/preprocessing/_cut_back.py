"""Histories truncated at earlier moments, and what happened next: labels for pretraining."""

from dataclasses import dataclass

import numpy as np

from skbseq import _frames
from skbseq._sequences import offsets_of
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._place import Place, read_moments

# Of the gaps between events; what lies within them is neither nearly always nor nearly never.
_QUANTILES = (0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Times:
    """Moments of the events and cutoffs of a sequence frame.

    Parameters
    ----------
    columns : SequenceColumns
    ticks : ndarray of int64 of shape (n_events,)
    offsets : ndarray of int64 of shape (n_samples + 1,)
    cutoffs : ndarray of int64 of shape (n_samples,)
    unit : str
        Of the ticks.
    zone : str or None
        Of the events.
    """

    columns: object
    ticks: np.ndarray
    offsets: np.ndarray
    cutoffs: np.ndarray
    unit: str
    zone: str | None

    def horizons(self):
        """Time spans in ticks, ascending, for labels that the next event comes within them.

        Raises
        ------
        ValueError
            If no history holds two events of different times.
        """
        user = np.repeat(np.arange(len(self.cutoffs)), np.diff(self.offsets))
        gaps = np.diff(self.ticks)[np.diff(user) == 0]
        gaps = gaps[gaps > 0]
        if not len(gaps):
            raise ValueError(
                "objective='future' asks how soon the next event comes, but no history holds two "
                "events of different times."
            )
        return np.unique(np.quantile(gaps, _QUANTILES).astype(np.int64))

    def cut(self, rng):
        """A random moment of each history, between its first event and its cutoff.

        Returns
        -------
        moments : ndarray of int64 of shape (n_samples,)
        counts : ndarray of int64 of shape (n_samples,)
            Events until then.
        """
        lengths = np.diff(self.offsets)
        moments = self.cutoffs.copy()
        some = lengths > 0
        first = self.ticks[self.offsets[:-1][some]]
        moments[some] = first + (rng.random(some.sum()) * (moments[some] - first)).astype(np.int64)
        seen = self.ticks <= np.repeat(moments, lengths)
        return moments, np.diff(offsets_of(seen)[self.offsets])

    def labels(self, moments, counts, horizons):
        """Whether the next event comes within each horizon; NaN where the cutoff hides it.

        Returns
        -------
        ndarray of float32 of shape (n_samples, n_horizons)
        """
        follows = counts < np.diff(self.offsets)
        wait = np.full(len(counts), np.inf)
        wait[follows] = self.ticks[(self.offsets[:-1] + counts)[follows]] - moments[follows]
        known = follows[:, None] | ((self.cutoffs - moments)[:, None] >= horizons)
        return np.where(known, wait[:, None] <= horizons, np.nan).astype(np.float32)

    def truncate(self, X, moments, counts, cutoff_name):
        """The frame as it was at these moments."""
        changed = self.columns.cut(self.offsets[:-1], self.offsets[:-1] + counts)
        changed[cutoff_name] = _frames.time_array(moments, unit=self.unit, zone=self.zone)
        return _frames.replace_columns(X, changed)


def read_times(X, cutoff_name):
    """Moments of the events and cutoffs of a sequence frame.

    Raises
    ------
    SequenceFrameError
        If there is not one list column of times, or no cutoff.
    """
    columns = _frames.split_sequences(X, nested=True)
    kinds = {name: _frames.kind_of(c.values.type) for name, c in columns.lists.items()}
    timed = [name for name, kind in kinds.items() if kind == "timestamp"]
    if len(timed) != 1:
        raise SequenceFrameError(
            "objective='future' needs one list column of times; there are "
            f"{', '.join(map(repr, timed)) or 'none'}."
        )
    place = Place(columns, cutoff_name)
    if place.cutoff is None:
        raise SequenceFrameError(
            f"objective='future' needs the cutoff of each history, an ordinary column "
            f"{cutoff_name!r}, as EventLog.histories gives it."
        )
    moments = read_moments(columns.lists[timed[0]].values, timed[0], place)
    ticks, _, unit, zone = _frames.time_ticks(moments)
    return Times(columns, ticks, place.offsets, place.cutoff_ticks(unit, zone), unit, zone)
