"""Negatives: which codes a batch is compared with, and how probable each draw was."""

import numpy as np

from skbseq._sequences import FIRST_CATEGORY

BATCH = "batch"


def make_sampler(how, n_codes, counts):
    """Make the sampler of one channel.

    Parameters
    ----------
    how : "log-uniform", "batch" or float
        A float is the power of the counts in proportion to which codes are drawn.
    n_codes : int
        Number of codes, with padding and the unknown code.
    counts : ndarray of int of shape (n_codes,)
        How often each code is a target in training. Only powers and batches need them.

    Returns
    -------
    LogUniformSampler, PowerSampler or BatchSampler
    """
    if how == "log-uniform":
        return LogUniformSampler(n_codes)
    return BatchSampler(counts) if how == BATCH else PowerSampler(counts, how)


def from_whole_catalogue(codes, log_shares):
    """Negatives as the loss takes them, none of which is of a row of the batch."""
    return _as_arguments(codes, log_shares, np.full(len(codes), -1))


def _as_arguments(codes, log_shares, rows):
    return {
        "codes": np.asarray(codes, np.int32),
        "log_shares": np.asarray(log_shares, np.float32),
        "rows": np.asarray(rows, np.int32),
    }


class LogUniformSampler:
    """Draws with log-uniform probability, because codes are ordered by frequency (Zipf).

    Rank r of n codes, from 0 on, has the probability log((r + 2) / (r + 1)) / log(n + 1).

    Parameters
    ----------
    n_codes : int
    """

    def __init__(self, n_codes):
        self._n = n_codes - FIRST_CATEGORY

    def draw(self, n, targets, rng):
        """Draw with replacement.

        Parameters
        ----------
        n : int
        targets : ndarray of int of shape (n_rows, n_steps)
            Target codes of the batch, 0 for none. Only batches need them.
        rng : numpy.random.Generator

        Returns
        -------
        dict of str to ndarray of shape (n,)
            ``codes``; ``log_shares``, the logarithm of the probability of each in one draw; and
            ``rows``, the row of the batch that each is from, -1 for none.
        """
        rank = np.exp(rng.random(n) * np.log(self._n + 1)).astype(np.int32) - 1
        rank = np.minimum(rank, self._n - 1)  # rounding may give n
        log_shares = np.log(np.log1p(1 / (rank + 1.0)) / np.log(self._n + 1))
        return from_whole_catalogue(rank + FIRST_CATEGORY, log_shares)


class PowerSampler:
    """Draws in proportion to a power of the counts: 0 is uniform, 1 by popularity.

    Parameters
    ----------
    counts : ndarray of int of shape (n_codes,)
    power : float
    """

    def __init__(self, counts, power):
        # A code that was no target in training still belongs to the sum that is estimated.
        weights = np.maximum(counts[FIRST_CATEGORY:], 1.0) ** power
        self._bounds = np.cumsum(weights)
        self._log_shares = np.log(weights / self._bounds[-1]).astype(np.float32)

    def draw(self, n, targets, rng):
        """Draw with replacement; see `LogUniformSampler.draw`."""
        at = np.searchsorted(self._bounds, rng.random(n) * self._bounds[-1], side="right")
        at = np.minimum(at, len(self._bounds) - 1)  # rounding may give the sum itself
        return from_whole_catalogue(at + FIRST_CATEGORY, self._log_shares[at])


class BatchSampler:
    """Draws among the targets of the batch, each of which is a draw by its frequency.

    Parameters
    ----------
    counts : ndarray of int of shape (n_codes,)
    """

    def __init__(self, counts):
        # At least 1: held-out histories have targets that training has not.
        counts = np.maximum(counts, 1.0)
        self._log_shares = np.log(counts / counts[FIRST_CATEGORY:].sum()).astype(np.float32)

    def draw(self, n, targets, rng):
        """Draw without replacement, or take all if there are fewer."""
        rows, steps = np.nonzero(targets)
        if len(rows) > n:
            chosen = np.sort(rng.permutation(len(rows))[:n])
            rows, steps = rows[chosen], steps[chosen]
        codes = targets[rows, steps]
        return _as_arguments(codes, self._log_shares[codes], rows)
