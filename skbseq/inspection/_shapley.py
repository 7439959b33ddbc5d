"""Shapley values of events: the mean effect of adding an event, over random orders of them."""

import math

import numpy as np

from skbseq._sequences import offsets_of, ranges
from skbseq.exceptions import SequenceFrameError
from skbseq.inspection._subsets import of_lowest_ranks, ranks_of

# Events of all orders whose ranks are in memory at a time.
_EVENTS_AT_ONCE = 2**20
# From so many events on there are more orders than anyone would try.
_MANY_EVENTS = 12


def check_cost(lengths, max_evals):
    """Refuse histories that need more predictions than allowed, before the first is made.

    Raises
    ------
    SequenceFrameError
        If a history is too long for one order of its events and the reverse order.
    """
    longest = int(lengths.max(initial=0))
    needed = 2 * (longest - 1)
    if needed > max_evals:
        row = int(lengths.argmax())
        raise SequenceFrameError(
            f"Row {row} has {longest:,} events. For it method='shapley' needs at least {needed:,} "
            f"predictions (one order of the events and its reverse), which read "
            f"{longest * (longest - 1):,} events; max_evals allows {max_evals:,} predictions. "
            f"Pass max_evals={needed} if that is worth it, give shorter histories (max_events of "
            f"EventLog.histories), or use method='removal', with {longest:,} predictions."
        )


def shapley_values(answers, subsets, empty, *, max_evals, rng):
    """Contributions of all events; those of a row add up to its answer less the empty one.

    Parameters
    ----------
    answers : Answers
    subsets : Subsets
    empty : ndarray of float64 of shape (n_samples,)
        Answers for the histories without events.
    max_evals : int
        Most predictions per history.
    rng : RandomState

    Returns
    -------
    ndarray of float64 of shape (n_events,)
    """
    n_pairs = _n_pairs(subsets.lengths, max_evals)
    total, cost = np.zeros(subsets.n_events), offsets_of(2 * n_pairs * subsets.lengths)
    start = 0
    while start < len(subsets):
        stop = int(np.searchsorted(cost, cost[start] + _EVENTS_AT_ONCE, side="right")) - 1
        stop = max(stop, start + 1)
        orders = _Orders(subsets, np.repeat(np.arange(start, stop), n_pairs[start:stop]), rng)
        total += orders.effects(answers, empty)
        start = stop
    return total / np.repeat(2 * n_pairs, subsets.lengths)


def _n_pairs(lengths, max_evals):
    """Pairs of an order and its reverse for each history."""
    allowed = max_evals // np.maximum(2 * (lengths - 1), 2)
    # Of few events there are few different orders.
    all_pairs = [math.factorial(n) // 2 for n in range(_MANY_EVENTS)]
    few = np.minimum(lengths, _MANY_EVENTS - 1)
    return np.maximum(np.where(lengths < _MANY_EVENTS, np.take(all_pairs, few), allowed), 1).clip(
        max=np.maximum(allowed, 1)
    )


class _Orders:
    """Random orders of the events of histories, and the reverse of each.

    With the reverse, errors of the two partly cancel: antithetic sampling (Mitchell et al. 2022).

    Parameters
    ----------
    subsets : Subsets
    rows : ndarray of int64
        The history of each order.
    rng : RandomState
    """

    def __init__(self, subsets, rows, rng):
        self._subsets, self._rows = subsets, np.concatenate([rows, rows])
        lengths = subsets.lengths[rows]
        ranks = ranks_of(rng.random_sample(int(lengths.sum())), lengths)
        self._ranks = np.concatenate([ranks, np.repeat(lengths - 1, lengths) - ranks])
        self._lengths = np.concatenate([lengths, lengths])
        self._offsets = offsets_of(self._lengths)

    def effects(self, answers, empty):
        """For each event, the sum over the orders of the difference that adding it made."""
        inner = np.maximum(self._lengths - 1, 0)  # beginnings but the empty and the whole one
        order = np.repeat(np.arange(len(inner)), inner)
        begins = offsets_of(inner)
        counts = np.arange(begins[-1]) - begins[:-1][order] + 1
        rows, lengths = self._rows[order], self._lengths[order]
        kept_of = of_lowest_ranks(self._ranks, self._offsets[:-1][order], lengths, counts)
        found = answers.of_variants(self._subsets, rows, kept_of)
        # By order and rank: the answer after the event of that rank, and the one before it.
        after = np.empty(len(self._ranks))
        last = self._offsets[1:][self._lengths > 0] - 1
        after[last] = answers.values[self._rows[self._lengths > 0]]
        after[self._offsets[:-1][order] + counts - 1] = found
        before = np.roll(after, 1)
        first = self._offsets[:-1][self._lengths > 0]
        before[first] = empty[self._rows[self._lengths > 0]]
        effects = (after - before)[np.repeat(self._offsets[:-1], self._lengths) + self._ranks]
        at, _ = ranges(
            self._subsets.offsets[:-1][self._rows], self._subsets.offsets[1:][self._rows]
        )
        return np.bincount(at, weights=effects, minlength=self._subsets.n_events)
