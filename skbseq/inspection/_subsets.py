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
    name : str, default="X"
        Name of the parameter, for messages.

    Attributes
    ----------
    columns : SequenceColumns
    lengths : ndarray of int64 of shape (n_samples,)
        Number of events of each history.
    offsets : ndarray of int64 of shape (n_samples + 1,)
        Where each history begins among the events of all.
    """

    def __init__(self, X, name="X"):
        check_is_data(X, name)
        if not _frames.is_sequence_frame(X, bare_lists=isinstance(X, list) or None):
            raise SequenceFrameError(
                f"{name} must be a sequence frame, with histories in list columns; got "
                f"{type(X).__name__} of numbers. Make one with EventLog.histories."
            )
        if (_frames.n_rows(X) if _frames.is_frame(X) else len(X)) == 0:
            raise SequenceFrameError(f"{name} has no rows; give at least one history.")
        self.columns = _frames.split_sequences(X, nested=True)
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


def of_lowest_ranks(ranks, begins, lengths, counts):
    """Variants that keep the events of the lowest ranks.

    Parameters
    ----------
    ranks : ndarray of int64
        Rank of each event among those of its history, from 0, for one or more orders.
    begins : ndarray of int64 of shape (n_variants,)
        Where the ranks of a variant's history begin.
    lengths, counts : ndarray of int64 of shape (n_variants,)
        Number of events of its history, and number of those that stay.

    Returns
    -------
    callable
        From a slice of the variants to ``kept`` of :meth:`Subsets.frame`.
    """

    def kept_of(part):
        at, _ = ranges(begins[part], begins[part] + lengths[part])
        return ranks[at] < np.repeat(counts[part], lengths[part])

    return kept_of


def ranks_of(keys, lengths):
    """Rank of each event in its history by ascending key; of equal keys the first goes first.

    Parameters
    ----------
    keys : ndarray of shape (n_events,)
    lengths : ndarray of int64 of shape (n_samples,)

    Returns
    -------
    ndarray of int64 of shape (n_events,)
    """
    order = np.lexsort((keys, np.repeat(np.arange(len(lengths)), lengths)))
    ranks = np.empty(len(keys), np.int64)
    ranks[order] = np.arange(len(keys)) - np.repeat(offsets_of(lengths)[:-1], lengths)
    return ranks
