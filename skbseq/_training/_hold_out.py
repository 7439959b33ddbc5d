"""Samples to train on, and those held out."""

import numpy as np


def hold_out(samples, share, rng, *, stratified):
    """Samples of positive weight to train on, and a share of them held out.

    Parameters
    ----------
    samples : tuple of (Sequences, ndarray, ndarray)
        Data, targets and sample weights.
    share : float
    rng : numpy.random.Generator
    stratified : bool
        Whether every class gives its share.

    Returns
    -------
    train : tuple of (Sequences, ndarray, ndarray)
    held_out : tuple of (Sequences, ndarray, ndarray) or None
        None if the share is 0.
    others : ndarray of int
        Which samples are held out.
    """
    _, y, sample_weight = samples
    rows, others = np.flatnonzero(sample_weight > 0), np.zeros(0, int)
    if share:
        train, test = split_rows(y[rows] if stratified else np.zeros(len(rows)), share, rng)
        rows, others = rows[train], rows[test]
    return _take(samples, rows), _take(samples, others) if others.size else None, others


def with_mean_weight_one(train, held_out):
    """The same samples, weighted so that the unit of weights changes neither step nor penalty."""
    mean = train[2].mean(dtype=np.float64)
    return [
        samples and (*samples[:2], (samples[2] / mean).astype(np.float32))
        for samples in (train, held_out)
    ]


def split_rows(y, share, rng):
    """Rows to train on and rows held out, stratified: every class gives its share.

    A class keeps at least one row for training.

    Returns
    -------
    train, held_out : ndarray of int, ascending
    """
    held_out = []
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        held_out.append(rows[: min(round(share * len(rows)), len(rows) - 1)])
    held_out = np.sort(np.concatenate(held_out))
    return np.setdiff1d(np.arange(len(y)), held_out), held_out


def _take(samples, rows):
    data, y, sample_weight = samples
    if len(rows) == len(data):  # ascending, so these are all rows: no copy is needed
        return samples
    return data.take(rows), y[rows], sample_weight[rows]
