"""Find frequent ordered patterns: which items follow one another in enough groups."""

from dataclasses import dataclass

import numpy as np

from skbseq._checks import is_whole
from skbseq._sequences import offsets_of, ranges
from skbseq._time import shift_ticks
from skbseq.events._index import EventIndex

# Events looked at in one block, and cells of its table of patterns and items.
_BLOCK = 2**21


class TooManyPatternsError(Exception):
    """More patterns than allowed; ``args`` are their number and the largest size."""


@dataclass(frozen=True)
class Ordered:
    """Events in the order of groups and times, and what may follow each.

    ``stop`` is the position after the last event that may follow an event in a pattern,
    ``before`` the position of the last earlier event of the same item and group, -1 without one.
    ``limited`` says whether there is a gap that ends before the group does.
    """

    items: np.ndarray
    groups: np.ndarray
    stop: np.ndarray
    before: np.ndarray
    n_items: int
    limited: bool

    @classmethod
    def of_groups(cls, groups, kept, max_gap):
        """The events of some items of :class:`ItemGroups`, numbered in the given order."""
        rank = np.full(len(groups.values), -1)
        rank[kept] = np.arange(len(kept))
        items = rank[groups.codes]
        rows = np.flatnonzero(items >= 0)
        items, group = items[rows], groups.group_of_event[rows]
        # Gaps count all events, so ends are found before the rare items are left out.
        stop = np.searchsorted(rows, _stops(groups, max_gap)[rows])
        return cls(items, group, stop, _before(items, group), len(kept), max_gap is not None)


def _stops(groups, max_gap):
    ends = np.repeat(groups.offsets[1:], np.diff(groups.offsets))
    if max_gap is None:
        return ends
    if is_whole(max_gap):
        return np.minimum(np.arange(len(ends)) + min(max_gap, len(ends)) + 1, ends)
    index = EventIndex(None, groups.offsets, groups.times)
    latest = shift_ticks(groups.times, groups.span(max_gap, "max_gap"))
    return index.count_until(groups.group_of_event, latest)


def _before(items, groups):
    order = np.lexsort((groups, items))
    same = np.zeros(len(items), bool)
    same[1:] = (np.diff(items[order]) == 0) & (np.diff(groups[order]) == 0)
    before = np.full(len(items), -1)
    before[order[same]] = order[np.flatnonzero(same) - 1]
    return before


@dataclass(frozen=True)
class _Ends:
    """Where occurrences of some patterns of one size end.

    Pattern ``i`` has the number ``ids[i]`` and the ends ``at[offsets[i]:offsets[i + 1]]``,
    ascending: the earliest one of each group without a gap, otherwise all.
    """

    ids: np.ndarray
    at: np.ndarray
    offsets: np.ndarray
    size: int

    def part(self, start, stop):
        """Some of the patterns."""
        low, high = self.offsets[start], self.offsets[stop]
        offsets = self.offsets[start : stop + 1] - low
        return _Ends(self.ids[start:stop], self.at[low:high], offsets, self.size)


class PatternSearch:
    """All ordered patterns of at least ``least`` groups, as PrefixSpan finds them.

    A pattern grows by an item at a time, and only occurrences of its beginning are read. Many
    patterns grow at once, and a block of them is finished before the next begins, so that only
    few ends are in memory.

    Attributes
    ----------
    parents, items, counts, sizes : list of ndarray
        For each pattern found, in parts: the number of the pattern without its last item (-1 for
        none), the last item, the number of groups, the number of items.
    positives : list of ndarray
        The number of groups for which ``labels`` is True.
    """

    def __init__(self, ordered, least, max_size, max_patterns, labels=None):
        self._ordered, self._least = ordered, least
        self._max_size, self._max_patterns = max_size, max_patterns
        self._labels = labels
        self._n_found = 0
        self.parents, self.items, self.counts, self.sizes, self.positives = [], [], [], [], []

    def run(self):
        """Find the patterns; returns this object."""
        stack = [self._first()]
        while stack:
            ends = stack.pop()
            if ends.size >= self._max_size or not len(ends.ids):
                continue
            starts, stops = self._windows(ends)
            work = offsets_of(stops - starts)[ends.offsets[1:]]
            n = int(np.searchsorted(work, _BLOCK, side="right"))
            n = max(1, min(n, len(ends.ids), _BLOCK // self._ordered.n_items))
            if n < len(ends.ids):
                stack.append(ends.part(n, len(ends.ids)))
            high = ends.offsets[n]
            stack.append(self._grow(ends.part(0, n), starts[:high], stops[:high]))
        return self

    def _first(self):
        ordered = self._ordered
        keys, at = ordered.items, np.arange(len(ordered.items))
        if not ordered.limited:
            at = at[ordered.before < 0]
        order = np.argsort(keys[at], kind="stable")
        none = np.full(ordered.n_items, -1)
        return self._take_in(keys[at][order], at[order], none, 1)

    def _windows(self, ends):
        """The events that may follow each end."""
        ordered, starts = self._ordered, ends.at + 1
        stops = ordered.stop[ends.at]
        if ordered.limited:
            # What a later end of the pattern reaches as well is left to that one.
            later = np.zeros(len(starts), bool)
            later[:-1] = ordered.groups[ends.at[1:]] == ordered.groups[ends.at[:-1]]
            later[ends.offsets[1:] - 1] = False
            following = np.flatnonzero(later)
            stops[following] = np.minimum(stops[following], starts[following + 1])
        return starts, stops

    def _grow(self, ends, starts, stops):
        """Patterns longer by an item."""
        ordered = self._ordered
        at, offsets = ranges(starts, stops)
        pattern = np.repeat(np.arange(len(ends.ids)), np.diff(ends.offsets))
        keys = np.repeat(pattern, np.diff(offsets)) * ordered.n_items + ordered.items[at]
        if not ordered.limited:  # the first event of an item after the end
            first = ordered.before[at] < np.repeat(starts, np.diff(offsets))
            at, keys = at[first], keys[first]
        # With a gap a group may count several times here; the exact count comes after.
        enough = np.bincount(keys, minlength=len(ends.ids) * ordered.n_items) >= self._least
        kept = enough[keys]
        at, keys = at[kept], keys[kept]
        order = np.argsort(keys, kind="stable")
        return self._take_in(keys[order], at[order], ends.ids, ends.size + 1)

    def _take_in(self, keys, at, parents, size):
        """Keep the frequent ones of patterns given by ends sorted by parent and item."""
        ordered = self._ordered
        groups = ordered.groups[at]
        new = np.ones(len(keys), bool)
        new[1:] = (np.diff(keys) != 0) | (np.diff(groups) != 0)
        inverse = np.cumsum(np.diff(keys, prepend=-1) != 0) - 1
        counts = np.bincount(inverse[new])
        frequent = counts >= self._least
        kept = frequent[inverse]
        keys, at, groups, new = keys[kept], at[kept], groups[kept], new[kept]
        begins = np.flatnonzero(np.diff(keys, prepend=-1))
        ids = self._n_found + np.arange(len(begins))
        self._n_found += len(ids)
        if self._n_found > self._max_patterns:
            raise TooManyPatternsError(self._n_found, size)
        parent, item = np.divmod(keys[begins], ordered.n_items)
        if size == 1:
            parent = np.zeros(len(ids), np.int64)
        self.parents.append(parents[parent])
        self.items.append(item)
        self.counts.append(counts[frequent])
        self.sizes.append(np.full(len(ids), size))
        if self._labels is not None:
            number = np.cumsum(np.diff(keys, prepend=-1) != 0) - 1
            positive = new & self._labels[groups]
            self.positives.append(np.bincount(number[positive], minlength=len(ids)))
        return _Ends(ids, at, np.append(begins, len(at)), size)

    def by_size(self):
        """For each size the patterns, their counts and their numbers.

        Returns
        -------
        list of tuple of (ndarray of shape (n_patterns, size), ndarray of shape (n_patterns,))
            And the positions of the patterns among all found.
        """
        parents, items, counts, sizes = map(
            np.concatenate, (self.parents, self.items, self.counts, self.sizes)
        )
        result = []
        for size in range(1, int(sizes.max(initial=1)) + 1):
            ids = np.flatnonzero(sizes == size)
            columns, at = [], ids
            for _ in range(size):
                columns.append(items[at])
                at = parents[at]
            result.append((np.column_stack(columns[::-1]), counts[ids], ids))
        return result
