"""Batches of samples of similar length, padded on the right."""

import numpy as np

# Samples are sorted by length, with some noise, within windows of this many batches. Padding stays
# at a few per cent (9 to 10% for sessions of 2 to 200 events; windows of 50 batches had 28%), and
# the batches still differ at random from epoch to epoch.
WINDOW, NOISE = 200, 0.1


def batch_plan(lengths, batch_size, rng=None):
    """Split samples into batches of similar length.

    Parameters
    ----------
    lengths : ndarray of int of shape (n_samples,)
    batch_size : int
    rng : numpy.random.Generator, default=None
        Shuffles samples into windows, sorts each window by approximate length, and shuffles the
        batches. None: sorts all samples by length, as for prediction.

    Returns
    -------
    list of ndarray of int
        Rows of each batch. Every row is in exactly one batch.
    """
    n = len(lengths)
    if rng is None:
        order = np.argsort(lengths, kind="stable")
    else:
        order = rng.permutation(n)
        window = np.arange(n) // (WINDOW * batch_size)
        about = lengths[order] * (1 + NOISE * rng.random(n))
        order = order[np.lexsort((about, window))]
    batches = np.split(order, np.arange(batch_size, n, batch_size))
    if rng is not None:
        batches = [batches[i] for i in rng.permutation(len(batches))]
    return batches


def padding_share(lengths, batches):
    """Share of padding among all steps, if each batch is as long as its longest sample."""
    lengths = lengths[np.concatenate(batches)]
    sizes = np.array([len(rows) for rows in batches])
    longest = np.maximum.reduceat(lengths, np.cumsum(sizes) - sizes)
    steps = (sizes * longest).sum()
    return float(1 - lengths.sum() / steps) if steps else 0.0


def pad_batch(sequences, rows, n_rows=None):
    """Padded arrays of some samples.

    Parameters
    ----------
    sequences : Sequences
    rows : ndarray of int of shape (batch,)
    n_rows : int, default=None
        Fill up with empty sequences to this many rows.

    Returns
    -------
    dict of str to ndarray
        ``codes``, ``numbers``, ``context`` and ``lengths``, with at least one step.
    """
    starts, lengths = sequences.starts[rows], sequences.lengths[rows]
    if n_rows is not None and n_rows > len(rows):
        fill = n_rows - len(rows)
        starts = np.concatenate([starts, np.zeros(fill, np.int64)])
        lengths = np.concatenate([lengths, np.zeros(fill, np.int64)])
        rows = np.concatenate([rows, np.zeros(fill, np.int64)])
    steps = np.arange(max(lengths.max(initial=0), 1))
    real = steps < lengths[:, None]
    # Padding reads event 0, which always exists; `_gather` sets it to zero.
    at = np.where(real, starts[:, None] + steps, 0)
    return {
        "codes": _gather(sequences.codes, at, real),
        "numbers": _gather(sequences.numbers, at, real),
        "context": sequences.context[rows],
        "lengths": lengths.astype(np.int32),
    }


def _gather(values, at, real):
    if len(values) == 0:  # all histories are empty
        return np.zeros((*at.shape, values.shape[1]), values.dtype)
    return values[at] * real[..., None].astype(values.dtype)
