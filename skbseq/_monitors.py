"""What a fit of a next-event model watches: the loss, or how well it ranks."""

import re

import numpy as np

from skbseq._checks import shown

_RANKING = re.compile(r"(ndcg|recall)@([1-9][0-9]*)")


def check_monitor(monitor):
    """Refuse a monitor that is neither "loss" nor of the form "ndcg@10" or "recall@20".

    Raises
    ------
    ValueError
        If it is neither.
    """
    if monitor != "loss" and not is_ranking(monitor):
        raise ValueError(
            "monitor must be 'loss', or 'ndcg' or 'recall' with the length of the list, such as "
            f"'ndcg@10' or 'recall@20'; got {shown(monitor)}."
        )


def is_ranking(name):
    """Whether a quantity is how well lists rank, so that larger values are better."""
    return bool(_RANKING.fullmatch(name))


def best_epoch(values, name):
    """Epoch, from 1, of the best value of a quantity: the highest of ranks, else the lowest."""
    return int(np.nanargmax(values) if is_ranking(name) else np.nanargmin(values)) + 1


def length_of(monitor):
    """Length of the list of a monitor such as "ndcg@10", 0 for "loss"."""
    return 0 if monitor == "loss" else int(monitor.partition("@")[2])


def gain_of(monitor):
    """The function from ranks to gains of a monitor such as "ndcg@10".

    With a single relevant id, the ideal gain is 1, so the mean of these gains is NDCG or recall.
    """
    is_recall, k = monitor.startswith("recall"), length_of(monitor)

    def gain(ranks):
        gains = np.ones(len(ranks)) if is_recall else 1 / np.log2(1 + ranks)
        return np.where(ranks <= k, gains, 0.0)

    return gain
