"""Data augmentation: training histories changed at random, differently in each epoch."""

from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np

from skbseq._sequences import UNKNOWN, aligned_copy, ranges


@dataclass(frozen=True)
class AugmentationPlan:
    """How training histories are augmented.

    Parameters
    ----------
    crop : float, default=0.0
        Largest share of its events that a history loses.
    crop_from : {"oldest", "newest", "both"}, default="oldest"
        The end that loses them.
    substitute : tuple of float, default=()
        Share of the codes to replace, for each categorical channel. Empty: none.
    mask : float, default=0.0
        Share of the events to make unknown.
    reorder : int, default=0
        Largest number of positions by which an event moves.
    """

    crop: float = 0.0
    crop_from: str = "oldest"
    substitute: tuple = ()
    mask: float = 0.0
    reorder: int = 0

    def __bool__(self):
        return bool(self.crop or any(self.substitute) or self.mask or self.reorder)


def augmented(data, plan, rng):
    """Yield the histories of each epoch, without end.

    Parameters
    ----------
    data : Sequences
    plan : AugmentationPlan
        If it changes nothing, ``data`` itself is yielded.
    rng : numpy.random.Generator

    Yields
    ------
    Sequences
    """
    if not plan:
        yield from repeat(data)
    augment = Augmenter(data, plan, rng)
    while True:
        yield augment()


class Augmenter:
    """Makes augmented histories of the same samples; each call draws new ones.

    Cropping moves starts and lengths and leaves the event arrays at full length: array shapes are
    part of a compiled program, so a shorter array would compile another one. Unchanged arrays are
    shared, not copied.

    Parameters
    ----------
    data : Sequences of n_samples
        Their events must not overlap. Events that belong to no sample are left alone.
    plan : AugmentationPlan
    rng : numpy.random.Generator
    """

    def __init__(self, data, plan, rng):
        self._data, self._plan, self._rng = data, plan, rng
        self._at, offsets = ranges(data.starts, data.starts + data.lengths)
        # The donors depend on the data alone, so they are grouped once and not in each epoch.
        self._donors = {
            channel: Donors(data.codes[self._at, channel], offsets)
            for channel, share in enumerate(plan.substitute)
            if share
        }

    def __call__(self):
        """Histories for one epoch.

        Returns
        -------
        Sequences of n_samples
        """
        data, plan = self._data, self._plan
        if self._donors or plan.mask or plan.reorder:
            # Aligned, or TensorFlow would copy them a second time.
            codes, numbers = aligned_copy(data.codes), aligned_copy(data.numbers)
            self._substitute(codes)
            self._mask(codes, numbers)
            self._reorder(codes, numbers)
            data = replace(data, codes=codes, numbers=numbers)
        return self._crop(data) if plan.crop else data

    def _chosen(self, share):
        """Random events, as positions among the events of all samples end to end."""
        return np.flatnonzero(self._rng.random(len(self._at), dtype=np.float32) < share)

    def _substitute(self, codes):
        for channel, donors in self._donors.items():
            chosen = self._chosen(self._plan.substitute[channel])
            drawn = donors.draw(chosen, self._rng)
            # Read from the original codes: a donor may itself have been replaced in `codes`.
            codes[self._at[chosen], channel] = self._data.codes[self._at[drawn], channel]

    def _mask(self, codes, numbers):
        if self._plan.mask:
            masked = self._at[self._chosen(self._plan.mask)]
            codes[masked], numbers[masked] = UNKNOWN, 0

    def _reorder(self, codes, numbers):
        """Sort events by position plus noise; the noise bounds how far an event moves."""
        if not self._plan.reorder:
            return
        reach = self._plan.reorder + 1
        positions = np.arange(len(self._at)) + reach * self._rng.random(len(self._at))
        # Space the histories so far apart that no event moves into another history.
        positions += np.repeat(np.arange(len(self._data)) * float(reach), self._data.lengths)
        order = self._at[np.argsort(positions, kind="stable")]
        codes[self._at], numbers[self._at] = codes[order], numbers[order]

    def _crop(self, data):
        lengths, rng = data.lengths, self._rng
        # Round up or down at random; otherwise short histories would never lose an event.
        lost = self._plan.crop * rng.random(len(data)) * lengths + rng.random(len(data))
        lost = np.minimum(lost.astype(np.int64), np.maximum(lengths - 1, 0))
        side = self._plan.crop_from
        before = lost if side == "oldest" else np.zeros_like(lost)
        if side == "both":
            before = rng.integers(0, lost, endpoint=True)
        return replace(data, starts=data.starts + before, lengths=lengths - lost)


class Donors:
    """For each event of a channel, the events whose code may replace its own.

    A donor stands between the same two neighbours. An event without such a donor takes one that
    follows the same code. The ends of a history count as neighbours. So every substituted code
    occurred at such a position in some history. Memory and time grow with the number of events,
    not with the square of the number of codes.

    Parameters
    ----------
    codes : ndarray of int32 of shape (n_events,)
    offsets : ndarray of int64 of shape (n_samples + 1,)
        Where each history begins among the events.
    """

    def __init__(self, codes, offsets):
        before, after = np.zeros(len(codes), np.int64), np.zeros(len(codes), np.int64)
        before[1:], after[:-1] = codes[:-1], codes[1:]
        # At the ends of a history the neighbour is 0, the code of padding, which no event has.
        some = np.diff(offsets) > 0
        before[offsets[:-1][some]] = after[offsets[1:][some] - 1] = 0
        self._between = Groups(before * (int(codes.max(initial=0)) + 1) + after)
        self._following = Groups(before)

    def draw(self, events, rng):
        """Draw a random donor for each event; the event itself is one of its donors."""
        donors = self._between.draw(events, rng)
        alone = self._between.sizes(events) == 1
        donors[alone] = self._following.draw(events[alone], rng)
        return donors


class Groups:
    """Events grouped by an equal key.

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
        """Number of events in the group of each event."""
        group = self._group[events]
        return self._offsets[group + 1] - self._offsets[group]

    def draw(self, events, rng):
        """Draw one event uniformly from the group of each event."""
        at = self._offsets[self._group[events]] + rng.integers(0, self.sizes(events))
        return self._members[at]
