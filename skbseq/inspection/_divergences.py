"""Distances of two distributions, and how large they are by chance.

Observations, such as events, lie in cells, such as behaviours, and belong to units, such as users.
A permutation exchanges units between the two sides; all observations of a unit move together,
because those of one user are alike.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix

_AT_ONCE = 32  # permutations; limits memory to so many counts per cell


@dataclass(frozen=True)
class Observations:
    """Numbers of observations, of shape (n_cells, n_units), and names of the cells."""

    counts: csr_matrix
    names: list

    @classmethod
    def collect(cls, cells, units, n_units, names):
        """Count observations, each of one cell and one unit."""
        ones = np.ones(len(cells))
        return cls(csr_matrix((ones, (cells, units)), shape=(len(names), n_units)), names)

    def split(self, sides):
        """Counts on both sides.

        Parameters
        ----------
        sides : ndarray of bool or float of shape (n_units,) or (n_units, n_splits)
            Whether a unit is on the current side, or 1 and 0.

        Returns
        -------
        reference, current : ndarray of float of shape (n_cells,) or (n_cells, n_splits)
        """
        current = self.counts @ sides.astype(np.float64, copy=False)
        total = np.asarray(self.counts.sum(axis=1)).reshape(-1, *[1] * (sides.ndim - 1))
        return total - current, current


def distances(reference, current):
    """Population stability index and Jensen-Shannon distance of counts, along the first axis.

    Returns
    -------
    psi, js : float or ndarray of float of shape (n_splits,)
    """
    p, q = smoothed_shares(reference, current)
    psi = ((p - q) * np.log(p / q)).sum(axis=0)
    middle = (p + q) / 2
    divergence = (p * np.log2(p / middle) + q * np.log2(q / middle)).sum(axis=0) / 2
    return psi, np.sqrt(np.maximum(divergence, 0))


def smoothed_shares(reference, current):
    """Shares of both counts, none of which is zero.

    One observation of all is added to each cell, in both with the same share, so that a cell that
    is empty in both differs in neither.
    """
    sizes = reference.sum(axis=0), current.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        added = 1 / (sizes[0] + sizes[1])
        shares = reference / sizes[0] + added, current / sizes[1] + added
    return [share / share.sum(axis=0) for share in shares]


def unknown_counts(reference, current):
    """Observations on each side in cells that do not occur in the reference, and in others."""
    unknown = np.where(reference == 0, current, 0).sum(axis=0)
    known = current.sum(axis=0) - unknown
    zero = np.zeros_like(unknown)
    return np.stack([zero, reference.sum(axis=0)]), np.stack([unknown, known])


def draw_sides(is_current, partner, rng, n):
    """Permutations of the units over both sides.

    A user of both logs is two units, which keep being on different sides.

    Parameters
    ----------
    is_current : ndarray of bool of shape (n_units,)
    partner : ndarray of int of shape (n_units,)
        The same user in the other log, -1 for none.
    rng : numpy.random.RandomState
    n : int

    Returns
    -------
    ndarray of float of shape (n_units, n)
        1 for the current side, 0 for the reference.
    """
    sides = np.empty((len(is_current), n))
    single = np.flatnonzero(partner < 0)
    first = np.flatnonzero((partner >= 0) & ~is_current)
    for i in range(n):
        sides[single, i] = rng.permutation(is_current[single])
    heads = rng.random_sample((len(first), n)) < 0.5
    sides[first], sides[partner[first]] = heads, ~heads
    return sides


def chance_distances(aspects, is_current, partner, rng, n_permutations):
    """Distances of permuted units, the same permutations for each aspect.

    Parameters
    ----------
    aspects : list of (Observations, callable or None)
        The function maps both counts to those that are compared.
    is_current, partner, rng :
        See :func:`draw_sides`.
    n_permutations : int

    Returns
    -------
    ndarray of float of shape (n_aspects, 2, n_permutations)
        Population stability indices and Jensen-Shannon distances; NaN where a side is empty.
    """
    result = np.empty((len(aspects), 2, n_permutations))
    for start in range(0, n_permutations, _AT_ONCE):
        part = slice(start, min(start + _AT_ONCE, n_permutations))
        sides = draw_sides(is_current, partner, rng, part.stop - part.start)
        for i, (observations, prepare) in enumerate(aspects):
            counts = observations.split(sides)
            result[i, :, part] = distances(*(counts if prepare is None else prepare(*counts)))
    return result


def bins_of(values, n_bins, text, *, whole=False):
    """Bins with about equal numbers of values, and their names.

    Parameters
    ----------
    values : ndarray of float
        Of both sides, so that exchanging units does not change the bins.
    n_bins : int
    text : callable
        Makes a text of an edge.
    whole : bool, default=False
        Whether the values are whole numbers.

    Returns
    -------
    cells : ndarray of int
    names : list of str
    """
    if not len(values):
        return np.zeros(0, np.int64), ["none"]
    inner = np.unique(np.quantile(values, np.linspace(0, 1, n_bins + 1)[1:-1], method="lower"))
    inner = inner[inner < values.max()]
    cells = np.searchsorted(inner, values, side="left")
    if not len(inner):
        return cells, ["all"]
    between = [_between(a, b, text, whole) for a, b in pairwise(inner)]
    return cells, [f"up to {text(inner[0])}", *between, f"over {text(inner[-1])}"]


def _between(low, high, text, whole):
    if not whole:
        return f"over {text(low)} to {text(high)}"
    return text(high) if low + 1 == high else f"{text(low + 1)} to {text(high)}"
