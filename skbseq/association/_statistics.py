"""Intervals of shares and odds ratios, Fisher's exact test, and Holm's correction."""

import numpy as np
from scipy.special import gammaln, ndtri

# Probabilities this close, relatively, are equal; they differ by rounding.
_EQUAL = 1e-7


def normal_quantile(level):
    """Half the width of an interval of this level, in standard deviations."""
    return float(ndtri(0.5 + level / 2))


def wilson_interval(successes, trials, z):
    """Wilson's interval of a proportion, ends included."""
    share = successes / trials
    denominator = 1 + z**2 / trials
    middle = (share + z**2 / (2 * trials)) / denominator
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / denominator
    # At 0 and 1 the ends are exact; rounding would put them outside.
    low = np.where(successes == 0, 0.0, middle - half)
    return low, np.where(successes == trials, 1.0, middle + half)


def odds_ratio_interval(table, z):
    """Odds ratio of 2 x 2 tables, and Woolf's interval on its logarithm.

    Where a count is zero, 0.5 is added to all four (Haldane, Anscombe), so all are finite.

    Parameters
    ----------
    table : ndarray of int of shape (n_tables, 2, 2)
        Rows are the classes, columns are with and without the pattern.
    z : float

    Returns
    -------
    ratio, low, high : ndarray of shape (n_tables,)
    """
    counts = table + 0.5 * (table == 0).any(axis=(1, 2))[:, None, None]
    logarithm = np.log(counts)
    ratio = logarithm[:, 0, 0] - logarithm[:, 0, 1] - logarithm[:, 1, 0] + logarithm[:, 1, 1]
    half = z * np.sqrt((1 / counts).sum(axis=(1, 2)))
    return np.exp(ratio), np.exp(ratio - half), np.exp(ratio + half)


def fisher_p(count, positive, n_rows, n_positive):
    """Two-sided p-values of Fisher's exact test.

    The sum of the probabilities of all tables with the same margins that are at most as probable
    as the one observed.

    Parameters
    ----------
    count, positive : ndarray of int of shape (n_patterns,)
        Rows with the pattern, and positive rows among them.
    n_rows, n_positive : int

    Returns
    -------
    ndarray of shape (n_patterns,)
    """
    log_factorial = gammaln(np.arange(n_rows + 1) + 1.0)
    result = np.ones(len(count))
    order = np.argsort(count, kind="stable")
    begins = np.flatnonzero(np.diff(count[order], prepend=-1))
    for begin, end in zip(begins, [*begins[1:], len(order)], strict=False):
        rows = order[begin:end]  # with equal margins, so they share a distribution
        n = int(count[rows[0]])
        least, most = max(0, n - (n_rows - n_positive)), min(n, n_positive)
        x = np.arange(least, most + 1)
        logarithm = _log_hypergeometric(x, n, n_rows, n_positive, log_factorial)
        ascending = np.sort(logarithm)
        observed = logarithm[positive[rows] - least]
        n_below = np.searchsorted(ascending, observed + _EQUAL, side="right")
        result[rows] = np.cumsum(np.exp(ascending))[n_below - 1]
    return np.minimum(result, 1.0)


def _log_hypergeometric(x, n, n_rows, n_positive, log_factorial):
    """Logarithm of the probability of x positive rows among n of n_rows."""

    def log_binomial(total, part):
        return log_factorial[total] - log_factorial[part] - log_factorial[total - part]

    negative = log_binomial(n_rows - n_positive, n - x)
    return log_binomial(n_positive, x) + negative - log_binomial(n_rows, n)


def holm(p_values):
    """P-values corrected for the number of tests by Holm's method."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1.0)
    return corrected
