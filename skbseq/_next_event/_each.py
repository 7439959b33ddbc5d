"""Predictions at every event of a history, from the events before it."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import check_flag
from skbseq._next_event._histories import Histories, repeats
from skbseq._next_event._ranked_lists import SCORE
from skbseq._sequences import offsets_of, ranges
from skbseq._targets import (
    basket_starts,
    index_in_classes,
    present_values,
    rows_at_a_time,
    split_target,
)
from skbseq.metrics import true_ranks

RANK = "rank"
_MOST_EVENTS = 2**22  # of the beginnings that are laid end to end at a time


@dataclass(frozen=True)
class Beginnings:
    """Beginnings of histories as ranges of the same events, which are not copied.

    Parameters
    ----------
    codes : ndarray of int64 of shape (n_events,)
        Positions in the catalogue, as in :class:`Histories`.
    starts, stops : ndarray of int64 of shape (n_beginnings,)
        The range of each in ``codes``.
    queries : ndarray of float32 of shape (n_beginnings, size), default=None
        What a network has made of each.
    """

    codes: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    queries: np.ndarray | None = None

    @classmethod
    def of(cls, found, starts, stops, queries=None):
        """Beginnings in events some of which have no place in the catalogue.

        Parameters
        ----------
        found : ndarray of int64 of shape (n_events,)
            Position of each event in the catalogue, -1 for none.
        starts, stops : ndarray of int64
            Ranges in ``found``.
        queries : ndarray, default=None
        """
        before = offsets_of(found >= 0)
        return cls(found[found >= 0], before[starts], before[stops], queries)

    def __len__(self):
        return len(self.starts)

    def last(self, n_events):
        """The last so many events of each; None for all."""
        if n_events is None:
            return self
        starts = np.maximum(self.starts, self.stops - n_events)
        return Beginnings(self.codes, starts, self.stops, self.queries)

    def slice(self, start, stop):
        """Consecutive ones as `Histories`; here their events are copied."""
        at, offsets = ranges(self.starts[start:stop], self.stops[start:stop])
        queries = None if self.queries is None else self.queries[start:stop]
        return Histories(self.codes[at], offsets, queries)

    def cuts(self, n_rows):
        """Where to cut them into parts with few rows and events; both ends are among them."""
        before = offsets_of(self.stops - self.starts)
        cuts = [0]
        while cuts[-1] < len(self):
            most = before[cuts[-1]] + _MOST_EVENTS
            stop = int(np.searchsorted(before, most, side="right")) - 1
            cuts.append(min(max(stop, cuts[-1] + 1), cuts[-1] + n_rows, len(self)))
        return cuts


@dataclass(frozen=True)
class TargetEvents:
    """All events of the target of a frame, also those without an id of the catalogue.

    Parameters
    ----------
    found : ndarray of int64 of shape (n_events,)
        Position of each in the catalogue, -1 for none.
    missing : ndarray of bool of shape (n_events,)
        Whether the event has no value.
    offsets : ndarray of int64 of shape (n_samples + 1,)
    basket_starts : ndarray of int64 of shape (n_events,), default=None
        Where the basket of each begins. None: each is a basket of its own.
    """

    found: np.ndarray
    missing: np.ndarray
    offsets: np.ndarray
    basket_starts: np.ndarray | None = None

    @classmethod
    def read(cls, X, target, catalogue, basket=None):
        """Events of a frame, and their baskets if a list column of them is named."""
        columns, _ = split_target(X, target)
        column = columns.lists[target]
        values, _, places = present_values(column)
        found, missing = np.full(len(column.values), -1), np.ones(len(column.values), bool)
        found[places] = index_in_classes(values, catalogue, repr(target))
        missing[places] = False
        starts = None if basket is None else basket_starts(columns, basket, target)
        return cls(found, missing, column.offsets, starts)

    @property
    def begin(self):
        """Where the history of each event begins."""
        return np.repeat(self.offsets[:-1], np.diff(self.offsets))

    def stops(self, *, after):
        """Where what stands before each event ends, or what stands before and including it."""
        if self.basket_starts is None or after:
            return np.arange(len(self.found)) + after
        return self.basket_starts

    def beginnings(self, *, after):
        """What stands before each event, or before and including it."""
        return Beginnings.of(self.found, self.begin, self.stops(after=after))


class EachEventMixin:
    """Predictions of a next-event model at every event.

    The model gives ``_scores(histories)``, ``_catalogue()`` and ``target_``. One whose scores
    depend on more than the target gives ``_beginnings(X, events, after)`` too.
    """

    # How many of the last events its scores depend on; None: all.
    _reach = None
    # Column of the baskets, if events are predicted from those before their basket alone.
    _basket = None

    def predict_each(self, X):
        """Predict the next id after each event, reading every history once.

        Parameters
        ----------
        X : sequence frame
            Histories.

        Returns
        -------
        table of shape (n_samples, 2)
            From the same library as ``X`` (pandas for a list or an array), one row per row of
            ``X``. Its two list columns have one value per event of ``X``: the most probable next
            id after this event, in a column named after the target, and ``score``, its
            probability. The last values are those of :meth:`predict` for the whole history. The
            prediction before the first event is not among them; it is that for an empty history.

        Raises
        ------
        SequenceFrameError
            If X is not a sequence frame, or lacks the target.
        ValueError
            If the values of the target have another type than in ``fit``.

        See Also
        --------
        score_each : How well each event was predicted.

        Notes
        -----
        The values are those of :meth:`predict` for the history up to and including each event. A
        missing event, or one with an id not seen in ``fit``, has a prediction too.
        """
        self._check_each()
        events = TargetEvents.read(X, self.target_, self._catalogue())
        best, kept = np.zeros(len(events.found), np.int64), np.zeros(len(events.found))
        for part, scores in self._each_chunks(X, events, after=True):
            best[part] = scores.argmax(axis=1)
            kept[part] = np.take_along_axis(scores, best[part][:, None], axis=1)[:, 0]
        return self._lists_of_events(
            X, events, {self.target_: self._catalogue()[best], SCORE: kept}
        )

    def score_each(self, X, exclude_seen=False):
        """Compute the probability and the rank of each event, given the events before it.

        Parameters
        ----------
        X : sequence frame
            Histories.
        exclude_seen : bool, default=False
            Whether the ids of the events before are left out of the ranking, as by
            :meth:`true_ranks`. The rank of an id that came before is then infinite.

        Returns
        -------
        table of shape (n_samples, 2)
            From the same library as ``X`` (pandas for a list or an array), one row per row of
            ``X``. Its two list columns have one value per event of ``X``: ``score``, the
            probability that the model gave to the id of this event, and ``rank``, its rank among
            all of ``classes_``, 1 being the best; the mean of the possible ranks for ties. The
            first event is predicted from an empty history.

        Raises
        ------
        SequenceFrameError
            If X is not a sequence frame, or lacks the target.
        ValueError
            If the values of the target have another type than in ``fit``, or exclude_seen is not
            a boolean.

        See Also
        --------
        true_ranks : Ranks of the last events only.

        Notes
        -----
        An id not seen in ``fit`` has probability 0 and an infinite rank. A missing event has
        neither: both are missing.
        """
        check_flag("exclude_seen", exclude_seen)
        self._check_each()
        events = TargetEvents.read(X, self.target_, self._catalogue(), self._basket)
        seen = events.beginnings(after=False) if exclude_seen else None
        kept, ranks = np.zeros(len(events.found)), np.zeros((len(events.found), 2))
        for part, scores in self._each_chunks(X, events, after=False, seen=seen):
            index = events.found[part]
            own = np.take_along_axis(scores, np.maximum(index, 0)[:, None], axis=1)[:, 0]
            kept[part] = np.where(index >= 0, own, 0)
            if exclude_seen:
                past = seen.slice(part.start, part.stop)
                index = np.where(repeats(past, index), -1, index)
                scores[past.rows, past.codes] = -1
            ranks[part] = true_ranks(scores, index)
        kept[events.missing] = ranks[events.missing] = np.nan
        return self._lists_of_events(X, events, {SCORE: kept, RANK: ranks.mean(axis=1)})

    # -------------------------------------------------------------- within

    def _check_each(self):
        check_is_fitted(self)
        if self.target_ == SCORE:
            raise ValueError(
                f"The target is named {SCORE!r}, as the column of probabilities is. Rename it "
                "before fit."
            )

    def _lists_of_events(self, X, events, columns):
        """A table of list columns with one value per event."""
        lists = {
            name: _frames.Lists(_frames.nan_to_null(_frames.make_array(values)), events.offsets)
            for name, values in columns.items()
        }
        return _frames.build_frame(lists, like=X)

    def _beginnings(self, X, events, *, after):
        """What is read of each event's past, for consecutive histories at a time."""
        yield events.beginnings(after=after)

    def _each_chunks(self, X, events, *, after, seen=None):
        """Pairs of a slice of the events and their probabilities, some events at a time."""
        first, step = 0, rows_at_a_time(len(self.classes_))
        for beginnings in self._beginnings(X, events, after=after):
            beginnings = beginnings.last(self._reach)
            long = beginnings
            if seen is not None:  # these are copied too, and are longer
                here = slice(first, first + len(beginnings))
                long = Beginnings(seen.codes, seen.starts[here], seen.stops[here])
            cuts = long.cuts(step)
            for start, stop in pairwise(cuts):
                scores = self._scores(beginnings.slice(start, stop))
                scores /= scores.sum(axis=1, keepdims=True)
                yield slice(first + start, first + stop), scores
            first += len(beginnings)
