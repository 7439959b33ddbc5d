"""Histories of the target channel as codes, as models of the next event read them."""

from dataclasses import dataclass

import numpy as np

from skbseq import _frames
from skbseq._sequences import offsets_of
from skbseq._targets import index_in_classes, present_values, read_next


@dataclass(frozen=True)
class Histories:
    """The events of each history, oldest first, end to end.

    Events without a value, and those of an id that was never seen at fit, are passed over, as if
    they had not been.

    Parameters
    ----------
    codes : ndarray of int64 of shape (n_events,)
        Positions in the catalogue, which has the most frequent id first.
    offsets : ndarray of int64 of shape (n_samples + 1,)
        Where each history begins.
    queries : ndarray of float32 of shape (n_samples, size), default=None
        What a network has made of each history, to be compared with the ids.
    """

    codes: np.ndarray
    offsets: np.ndarray
    queries: np.ndarray | None = None

    def __len__(self):
        return len(self.offsets) - 1

    @property
    def lengths(self):
        """Number of events of each history."""
        return np.diff(self.offsets)

    @property
    def rows(self):
        """The history of each event."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def steps(self):
        """How many events stand before each one in its history."""
        return np.arange(len(self.codes)) - np.repeat(self.offsets[:-1], self.lengths)

    def slice(self, start, stop):
        """Consecutive histories."""
        offsets = self.offsets[start : stop + 1]
        queries = None if self.queries is None else self.queries[start:stop]
        return Histories(self.codes[offsets[0] : offsets[-1]], offsets - offsets[0], queries)

    def last(self, n_events):
        """The last so many events of each history."""
        recent = self.steps >= np.repeat(self.lengths - n_events, self.lengths)
        return self._keep(recent)

    def distinct(self):
        """Each history with every id once, at the place of its last occurrence."""
        n_codes = int(self.codes.max(initial=0)) + 1
        keys = (self.rows * n_codes + self.codes)[::-1]
        _, first = np.unique(keys, return_index=True)
        latest = np.zeros(len(keys), bool)
        latest[len(keys) - 1 - first] = True
        return self._keep(latest)

    def take(self, rows):
        """Some of the histories, given by ascending numbers."""
        chosen = np.zeros(len(self), bool)
        chosen[rows] = True
        codes = self.codes[np.repeat(chosen, self.lengths)]
        queries = None if self.queries is None else self.queries[rows]
        return Histories(codes, np.append(0, np.cumsum(self.lengths[rows])), queries)

    def below(self, n_codes):
        """The events of the first so many codes, such as those of ids with events."""
        kept = self.codes < n_codes
        return self if kept.all() else self._keep(kept)

    def without_last(self, rows):
        """The histories, some of them without their last event, and these last events."""
        last = self.offsets[1:][rows] - 1
        kept = np.ones(len(self.codes), bool)
        kept[last] = False
        return self._keep(kept), self.codes[last]

    def only(self, chosen):
        """The same number of histories, those not chosen without events."""
        return self if chosen.all() else self._keep(np.repeat(chosen, self.lengths))

    def with_next(self, codes):
        """The histories with one more event each; -1 adds none."""
        rows = np.flatnonzero(codes >= 0)
        longer = np.insert(self.codes, self.offsets[rows + 1], codes[rows])
        return Histories(longer, self.offsets + offsets_of(codes >= 0))

    @property
    def recency(self):
        """Rank of each event in its history from the end, 1 being the last."""
        return np.repeat(self.offsets[1:], self.lengths) - np.arange(len(self.codes))

    def fading(self, decay):
        """Weight of each event: the last of its history 1, each before it times ``decay``."""
        return float(decay) ** (self.recency - 1)

    def _keep(self, mask):
        offsets = np.append(0, np.cumsum(mask, dtype=np.int64))[self.offsets]
        return Histories(self.codes[mask], offsets)


def places_among(codes, n_classes, more):
    """Column of each code among all classes and then ``more`` ascending codes, -1 for none."""
    places = np.where(codes < n_classes, codes, -1)
    if len(more):
        found = np.minimum(np.searchsorted(more, codes), len(more) - 1)
        places = np.where(more[found] == codes, n_classes + found, places)
    return places


def repeats(histories, truth):
    """Whether each next event is of an id that its history holds."""
    at = np.repeat(truth, histories.lengths) == histories.codes
    return np.bincount(histories.rows[at], minlength=len(truth)) > 0


def read_histories(columns, target, catalogue):
    """Histories of a frame that was taken apart, in the codes of a catalogue."""
    values, offsets, _ = present_values(columns.lists[target])
    found = index_in_classes(values, catalogue, repr(target))
    histories = Histories(found, offsets)
    return histories._keep(found >= 0) if (found < 0).any() else histories


def learn_histories(columns, target, y):
    """Histories to learn from, and their catalogue.

    Parameters
    ----------
    columns : SequenceColumns
    target : str
    y : array-like of shape (n_samples,) or None
        Next events, each of which becomes the last event of its history; a missing one does not.

    Returns
    -------
    histories : Histories
    ids : pyarrow.Array
        The distinct ids in ascending order.
    counts : ndarray of int64
        How often each occurs.
    order : ndarray of int64
        Their places in the order of the catalogue: by frequency, equal ones as they stand.

    Raises
    ------
    ValueError
        If no history holds an event, or y holds ids of another kind than the histories.
    """
    values, offsets, _ = present_values(columns.lists[target])
    if y is not None:
        values, order, offsets = _with_next(values, offsets, read_next(y, columns.n_rows), target)
    if not len(values):
        raise ValueError(
            f"There is nothing to learn from: none of the {columns.n_rows:,} histories in "
            f"{target!r} holds an event."
        )
    codes, ids = _frames.encode_sorted(values)
    counts = np.bincount(codes)
    by_frequency = np.argsort(-counts, kind="stable")
    rank = np.empty_like(by_frequency)
    rank[by_frequency] = np.arange(len(rank))
    codes = rank[codes if y is None else codes[order]]
    return Histories(codes, offsets), ids, counts, by_frequency


def _with_next(values, offsets, following, target):
    """The values of both, and in which order they make histories with these offsets."""
    present = ~_frames.is_missing(following)
    rows = np.flatnonzero(present)
    following = _frames.take(following, rows)
    n_events = len(values)
    order = np.insert(np.arange(n_events), offsets[rows + 1], n_events + np.arange(len(rows)))
    offsets = offsets + np.append(0, np.cumsum(present))
    return _join(values, following, target), order, offsets


def _join(values, following, target):
    if not len(values) or not len(following):  # of whatever type
        return following if len(following) else values
    kinds = [_frames.kind_of(part.type) for part in (values, following)]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"y holds {kinds[1]} values, but the events of {target!r} are {kinds[0]} values. Give "
            "both one type."
        )
    return _frames.join_arrays(values, following)
