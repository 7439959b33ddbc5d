"""Histories with some of their events left out, as frames that a model can read."""

import numpy as np

from skbseq import _frames
from skbseq._checks import check_is_data
from skbseq._sequences import offsets_of, ranges
from skbseq.exceptions import SequenceFrameError

# Events of the frames that are built and predicted at a time, about 50 MB of a shop's log.
_EVENTS_AT_ONCE = 2**19


class Subsets:
    """The histories of a frame, of which frames with fewer events can be made.

    Parameters
    ----------
    X : sequence frame

    Attributes
    ----------
    columns : SequenceColumns
    lengths : ndarray of int64 of shape (n_samples,)
        Number of events of each history.
    offsets : ndarray of int64 of shape (n_samples + 1,)
        Where each history begins among the events of all.
    """

    def __init__(self, X):
        check_is_data(X)
        if not _frames.is_sequence_frame(X, bare_lists=isinstance(X, list) or None):
            raise SequenceFrameError(
                f"X must be a sequence frame, with histories in list columns; got "
                f"{type(X).__name__} of numbers. Make one with EventLog.histories."
            )
        self.columns = _frames.split_sequences(X, nested=True)
        if self.columns.n_rows == 0:
            raise SequenceFrameError("X has no rows; give at least one history.")
        self._names, self.library = _frames.all_names(X), _frames.library_of(X)
        self.offsets = next(iter(self.columns.lists.values())).offsets
        self.lengths = np.diff(self.offsets)

    def __len__(self):
        return len(self.lengths)

    @property
    def n_events(self):
        """Number of events of all histories."""
        return int(self.offsets[-1])

    @property
    def rows_of_events(self):
        """Row of each event."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def places(self):
        """Place of each event in its history, from 0."""
        return np.arange(self.n_events) - np.repeat(self.offsets[:-1], self.lengths)

    def whole(self, rows):
        """Some histories with all of their events, and where each begins among these."""
        return ranges(self.offsets[:-1][rows], self.offsets[1:][rows])

    def frame(self, rows, kept):
        """A frame of some histories with some of their events.

        Parameters
        ----------
        rows : ndarray of int of shape (n_variants,)
            The history of each row of the result; a history may come several times.
        kept : ndarray of bool
            Of each event of these histories, end to end, whether it stays.

        Returns
        -------
        table
            Of the library of X, with a plain index.
        """
        positions, offsets = self.whole(rows)
        # Events that stay before each position, so that empty histories are counted, too.
        offsets = offsets_of(kept)[offsets]
        positions, lists, ordinary = positions[kept], self.columns.lists, self.columns.ordinary
        made = {
            n: _frames.Lists(_frames.take(c.values, positions), offsets, c.dtype)
            for n, c in lists.items()
        }
        made |= {n: _frames.take(column, rows) for n, column in ordinary.items()}
        return _frames.frame_from_columns({n: made[n] for n in self._names}, like=self.library)

    def batches(self, rows, n_outputs=1):
        """Split variants into consecutive parts that fit into memory.

        Parameters
        ----------
        rows : ndarray of int of shape (n_variants,)
            The history of each variant.
        n_outputs : int, default=1
            Numbers that the model gives for each.

        Returns
        -------
        list of slice
        """
        cost = offsets_of(np.maximum(self.lengths[rows], max(1, n_outputs // 8)))
        found, start = [], 0
        while start < len(rows):
            stop = int(np.searchsorted(cost, cost[start] + _EVENTS_AT_ONCE, side="right")) - 1
            stop = max(stop, start + 1)
            found.append(slice(start, stop))
            start = stop
        return found


def without_each(subsets):
    """Each history once for each of its events, without that event.

    Returns
    -------
    rows : ndarray of int64 of shape (n_events,)
    kept_of : callable
        From a slice of the variants to ``kept`` of :meth:`Subsets.frame`.
    """
    rows, places = subsets.rows_of_events, subsets.places

    def kept_of(part):
        begins = offsets_of(subsets.lengths[rows[part]])
        kept = np.ones(begins[-1], bool)
        kept[begins[:-1] + places[part]] = False
        return kept

    return rows, kept_of


def by_rank(subsets, ranks, rows, counts, *, first=True):
    """Variants that keep the events of the lowest, or highest, ranks.

    Parameters
    ----------
    subsets : Subsets
    ranks : ndarray of int64 of shape (n_events,)
        Rank of each event among those of its history, from 0.
    rows, counts : ndarray of int64 of shape (n_variants,)
        History of each variant, and the number of ranks.
    first : bool, default=True
        Whether the events of the first ``counts`` ranks stay, or all others.

    Returns
    -------
    callable
        From a slice of the variants to ``kept`` of :meth:`Subsets.frame`.
    """

    def kept_of(part):
        positions, _ = subsets.whole(rows[part])
        limit = np.repeat(counts[part], subsets.lengths[rows[part]])
        return ranks[positions] < limit if first else ranks[positions] >= limit

    return kept_of


def ranks_of(subsets, keys):
    """Rank of each event in its history by ascending key; of equal keys the first goes first."""
    order = np.lexsort((keys, subsets.rows_of_events))
    ranks = np.empty(subsets.n_events, np.int64)
    ranks[order] = subsets.places
    return ranks
