"""Training histories changed at random, anew for each epoch."""

from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np

from skbseq._sequences import UNKNOWN, aligned_copy, ranges


@dataclass(frozen=True)
class Changes:
    """How histories are changed.

    Parameters
    ----------
    crop : float, default=0.0
        Largest share of its events that a history loses.
    crop_from : {"oldest", "newest", "both"}, default="oldest"
        At which end.
    substitute : tuple of float, default=()
        Share of the codes that are replaced, in each categorical channel. Empty: none.
    mask : float, default=0.0
        Share of the events that become unknown.
    reorder : int, default=0
        Places by which an event moves at most.
    """

    crop: float = 0.0
    crop_from: str = "oldest"
    substitute: tuple = ()
    mask: float = 0.0
    reorder: int = 0

    def __bool__(self):
        return bool(self.crop or any(self.substitute) or self.mask or self.reorder)


def augmented(data, changes, rng):
    """Histories of one epoch after another, changed or as they are, without end.

    Parameters
    ----------
    data : Sequences
    changes : Changes
    rng : numpy.random.Generator

    Yields
    ------
    Sequences
    """
    if not changes:
        yield from repeat(data)
    augment = Augmenter(data, changes, rng)
    while True:
        yield augment()


class Augmenter:
    """Makes changed histories of the same samples, as often as asked.

    Events stay in arrays of the same length, whatever is cropped: so shapes, which are part of a
    compiled program, do not change. What is not changed is shared and not copied.

    Parameters
    ----------
    data : Sequences of n_samples
        Their events must not overlap; events of no sample are left alone.
    changes : Changes
    rng : numpy.random.Generator
    """

    def __init__(self, data, changes, rng):
        self._data, self._changes, self._rng = data, changes, rng
        self._at, offsets = ranges(data.starts, data.starts + data.lengths)
        self._places = {
            channel: SamePlace(data.codes[self._at, channel], offsets)
            for channel, share in enumerate(changes.substitute)
            if share
        }

    def __call__(self):
        """The histories of one epoch.

        Returns
        -------
        Sequences of n_samples
        """
        data, changes = self._data, self._changes
        if self._places or changes.mask or changes.reorder:
            codes, numbers = aligned_copy(data.codes), aligned_copy(data.numbers)
            self._substitute(codes)
            self._mask(codes, numbers)
            self._reorder(codes, numbers)
            data = replace(data, codes=codes, numbers=numbers)
        return self._crop(data) if changes.crop else data

    def _chosen(self, share):
        """Some of the events, as places among those of all samples end to end."""
        return np.flatnonzero(self._rng.random(len(self._at), dtype=np.float32) < share)

    def _substitute(self, codes):
        for channel, places in self._places.items():
            chosen = self._chosen(self._changes.substitute[channel])
            donors = places.draw(chosen, self._rng)
            codes[self._at[chosen], channel] = self._data.codes[self._at[donors], channel]

    def _mask(self, codes, numbers):
        if self._changes.mask:
            hidden = self._at[self._chosen(self._changes.mask)]
            codes[hidden], numbers[hidden] = UNKNOWN, 0

    def _reorder(self, codes, numbers):
        """Sort events by their places and some noise, by which each moves so far at most."""
        if not self._changes.reorder:
            return
        reach = self._changes.reorder + 1
        places = np.arange(len(self._at)) + reach * self._rng.random(len(self._at))
        # So far apart that no event comes into another history.
        places += np.repeat(np.arange(len(self._data)) * float(reach), self._data.lengths)
        order = self._at[np.argsort(places, kind="stable")]
        codes[self._at], numbers[self._at] = codes[order], numbers[order]

    def _crop(self, data):
        lengths, rng = data.lengths, self._rng
        # Rounded up or down at random, or short histories would never lose an event.
        lost = self._changes.crop * rng.random(len(data)) * lengths + rng.random(len(data))
        lost = np.minimum(lost.astype(np.int64), np.maximum(lengths - 1, 0))
        side = self._changes.crop_from
        before = lost if side == "oldest" else np.zeros_like(lost)
        if side == "both":
            before = rng.integers(0, lost, endpoint=True)
        return replace(data, starts=data.starts + before, lengths=lengths - lost)


class SamePlace:
    """Which events stand between the same neighbours, for each event of a channel.

    Where no other does, those that follow the same code count. The ends of a history are
    neighbours too. So what is put in the place of a code has stood in such a place, in some
    history; memory and time grow with the events and not with the square of the codes.

    Parameters
    ----------
    codes : ndarray of int32 of shape (n_events,)
    offsets : ndarray of int64 of shape (n_samples + 1,)
        Of the histories among them.
    """

    def __init__(self, codes, offsets):
        before, after = np.zeros(len(codes), np.int64), np.zeros(len(codes), np.int64)
        before[1:], after[:-1] = codes[:-1], codes[1:]
        some = np.diff(offsets) > 0
        before[offsets[:-1][some]] = after[offsets[1:][some] - 1] = 0
        self._between = Groups(before * (int(codes.max(initial=0)) + 1) + after)
        self._behind = Groups(before)

    def draw(self, events, rng):
        """For each of some events another one at random, or itself."""
        donors = self._between.draw(events, rng)
        alone = self._between.sizes(events) == 1
        donors[alone] = self._behind.draw(events[alone], rng)
        return donors


class Groups:
    """Events of the same key.

    Parameters
    ----------
    keys : ndarray of int64 of shape (n_events,)
        Zero or more.
    """

    def __init__(self, keys):
        self._members = np.argsort(keys, kind="stable").astype(np.int32)
        ordered = keys[self._members]
        is_first = np.diff(ordered, prepend=-1) != 0
        self._offsets = np.append(np.flatnonzero(is_first), len(keys))
        self._group = np.empty(len(keys), np.int32)
        self._group[self._members] = np.cumsum(is_first) - 1

    def sizes(self, events):
        """How many events have the key of each."""
        group = self._group[events]
        return self._offsets[group + 1] - self._offsets[group]

    def draw(self, events, rng):
        """For each event one of its key, each as likely."""
        at = self._offsets[self._group[events]] + rng.integers(0, self.sizes(events))
        return self._members[at]
