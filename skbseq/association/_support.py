"""Parameters that the functions share: the least support, and how much may be counted."""

import math
import warnings

import numpy as np

from skbseq._checks import check_count, is_real, is_whole, shown
from skbseq._time import to_timedelta

MAX_CANDIDATES = 1_000_000


def least_count(min_support, min_count, n_groups, noun):
    """Smallest number of groups that makes a set or pattern frequent.

    Parameters
    ----------
    min_support : float or int
        Share of the groups, or number of groups.
    min_count : int
        Smallest number that a share may stand for.
    n_groups : int
    noun : str
        What the groups are, for messages.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Warns
    -----
    UserWarning
        If ``min_count`` is more than the share.
    """
    check_count("min_count", min_count)
    if is_whole(min_support):
        if not 1 <= min_support <= n_groups:
            raise ValueError(
                f"min_support={min_support} is a whole number and must be from 1 to {n_groups:,}, "
                f"the number of {noun}. A share is a float, such as 0.01."
            )
        return int(min_support)
    if not is_real(min_support) or not 0 < min_support <= 1:
        raise ValueError(
            f"min_support must be a share of the {noun} (a float above 0 and at most 1) or a "
            f"number of them (a whole number); got {shown(min_support)}."
        )
    # A set is frequent if count / n_groups >= min_support in floats; the product may be rounded.
    least = max(1, math.ceil(min_support * n_groups) - 1)
    while least / n_groups < min_support:
        least += 1
    if least < min_count:
        warnings.warn(
            f"min_support={min_support} is {least:,} of {n_groups:,} {noun}, and min_count="
            f"{min_count} raises it to {min_count}, because what is rarer is mostly chance. Pass "
            f"min_count={least} to keep it as it is, or a larger min_support.",
            UserWarning,
            stacklevel=3,
        )
    return max(least, min_count)


def check_sizes(max_size, max_candidates):
    """Refuse invalid limits; returns the largest size, a large number for None."""
    check_count("max_candidates", max_candidates)
    if max_size is None:
        return np.iinfo(np.int64).max
    check_count("max_size", max_size)
    return max_size


def check_gap(max_gap):
    """Refuse what is no number of events, duration or None; returns whether it is a duration."""
    if max_gap is None:
        return False
    if is_whole(max_gap):
        check_count("max_gap", max_gap)
        return False
    to_timedelta(max_gap, name="max_gap")
    return True
