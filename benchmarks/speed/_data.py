"""Sequences of codes for the speed benchmarks, end to end, and padded for the peers.

Only NumPy is loaded with it, so that a first fit pays for no library that it does not use.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

# 0 is padding and 1 unknown, as SequenceEncoder has it.
FIRST = 2


class Sequences(NamedTuple):
    """Codes end to end, offsets of shape (n + 1,), labels 0 and 1, and codes there are."""

    codes: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray
    n_codes: int

    @property
    def lengths(self):
        return np.diff(self.offsets)

    def __len__(self):
        return len(self.labels)


def random_sequences(n, length=20, vocabulary=50, seed=0):
    """Sequences of one length; the label is whether the last code lies in the upper half."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(FIRST, vocabulary + FIRST, (n, length))
    codes[0, :2] = FIRST, vocabulary + FIRST - 1  # so that all see the same vocabulary
    labels = codes[:, -1] > FIRST + vocabulary // 2
    offsets = np.arange(0, n * length + 1, length)
    return _sequences(codes.ravel(), offsets, labels, vocabulary)


def every_product(vocabulary, length=20, seed=0):
    """Sequences of one length in which each code occurs once."""
    rng = np.random.default_rng(seed)
    offsets = np.arange(0, vocabulary + 1, length)
    codes = FIRST + rng.permutation(vocabulary)[: offsets[-1]]
    labels = codes[offsets[1:] - 1] > FIRST + vocabulary // 2
    return _sequences(codes, offsets, labels, vocabulary)


def skewed_sequences(n, mean=13, longest=100, vocabulary=1_000, seed=0):
    """Sequences of geometric lengths, of this mean before the longest are cut."""
    rng = np.random.default_rng(seed)
    lengths = np.minimum(rng.geometric(1 / mean, n), longest)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    codes = rng.integers(FIRST, vocabulary + FIRST, offsets[-1])
    labels = codes[offsets[1:] - 1] > FIRST + vocabulary // 2
    return _sequences(codes, offsets, labels, vocabulary)


def msnbc_sequences(data, n, seed=0):
    """Sessions of 2 to 200 page views at random; the label is whether the last is a first seen."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    lists = pq.read_table(Path(data) / "msnbc_1999.parquet")["page"].combine_chunks()
    lengths = pc.list_value_length(lists).to_numpy()
    rows = np.flatnonzero((lengths >= 2) & (lengths <= 200))
    rows = np.random.default_rng(seed).choice(rows, n, replace=False)
    lists = lists.take(pa.array(np.sort(rows)))
    pages = lists.flatten().dictionary_encode()
    codes = pages.indices.to_numpy() + FIRST
    offsets = np.concatenate([[0], np.cumsum(lengths[np.sort(rows)])])
    labels = codes[offsets[1:] - 1] != codes[offsets[:-1]]
    return _sequences(codes, offsets, labels, len(pages.dictionary))


def _sequences(codes, offsets, labels, vocabulary):
    return Sequences(codes.astype(np.int32), offsets, labels.astype(np.int64), vocabulary + FIRST)


def padded(sequences, rows=None, *, left=False):
    """Codes of shape (rows, longest of them), zeros behind, or before."""
    rows = np.arange(len(sequences)) if rows is None else rows
    lengths, starts = sequences.lengths[rows], sequences.offsets[rows]
    steps = np.arange(lengths.max())
    place = steps - (len(steps) - lengths[:, None] if left else 0)
    real = (place >= 0) & (place < lengths[:, None])
    return np.where(real, sequences.codes[np.where(real, starts[:, None] + place, 0)], 0)


def batches_of_like_length(lengths, batch_size, rng):
    """Rows of each batch: shuffled, sorted by length within 200 batches, batches shuffled."""
    n = len(lengths)
    order = rng.permutation(n)
    order = order[np.lexsort((lengths[order], np.arange(n) // (200 * batch_size)))]
    batches = np.split(order, np.arange(batch_size, n, batch_size))
    return [batches[i] for i in rng.permutation(len(batches))]


def flops(n_events, units, *, training, embedding=16):
    """Of an LSTM's matrix products over real events; the backward pass takes twice the forward."""
    return n_events * 2 * 4 * units * (units + embedding) * (3 if training else 1)
