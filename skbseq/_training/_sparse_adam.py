"""Sparse (lazy) Adam: updates only the rows of a large embedding table that a batch uses."""

import keras
import numpy as np
import tensorflow as tf

from skbseq._sequences import ranges, round_up

# For smaller tables, updating every row costs less than finding the rows of each batch.
_LARGE = 2**13


def is_large(variable):
    """Whether a table has so many rows that updating all of them would be slow."""
    return variable.shape[0] > _LARGE


def supports_sparse_adam(optimizer):
    """Whether an optimizer is Adam without options that change rows without a gradient."""
    plain = ("amsgrad", "use_ema", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm")
    return (
        # Not isinstance: a subclass such as AdamW may update rows without a gradient.
        type(optimizer) is keras.optimizers.Adam
        and not any(getattr(optimizer, name) for name in plain)
        and optimizer.gradient_accumulation_steps is None
    )


def local_rows(codes, data, batches, n_rows, least=0):
    """The distinct codes of each batch, and the index of each event's code among them.

    This needs no sort. A table with one entry per code records the last event of the batch with
    that code; the events that find themselves in the table are the distinct ones.

    Parameters
    ----------
    codes : ndarray of int32 of shape (n_events,)
    data : Sequences
    batches : list of ndarray of int
    n_rows : int
        Rows of the table.
    least : int, default=0
        Minimum number of columns of ``rows``, which is part of a compiled program.

    Returns
    -------
    local : ndarray of int32 of shape (n_events,)
        Zero for events that are in no batch.
    rows : ndarray of int32 of shape (n_batches, most distinct codes, rounded up)
        Filled up with ``n_rows``, which is not a row of the table.
    """
    samples = np.concatenate(batches)
    at, offsets = ranges(data.starts[samples], data.starts[samples] + data.lengths[samples])
    ends = offsets[np.cumsum([len(batch) for batch in batches])]
    # `last` stays uninitialised: each batch reads only entries that it has written before.
    local, last, found = np.zeros(len(codes), np.int32), np.empty(n_rows, np.int32), []
    for events in np.split(at, ends[:-1]):
        seen, order = codes[events], np.arange(len(events), dtype=np.int32)
        last[seen] = order
        distinct = seen[last[seen] == order]
        last[distinct] = order[: len(distinct)]
        local[events] = last[seen]
        found.append(distinct)
    width = max(round_up(max(map(len, found), default=1)), least)
    rows = np.full((len(batches), width), n_rows, np.int32)
    for row, distinct in zip(rows, found, strict=True):
        row[: len(distinct)] = distinct
    return local, rows


class SparseAdam:
    """Adam on some rows of a table (LazyAdam).

    The moments of a row change only in steps whose batch contains the row. The bias correction
    counts all steps, as in Adam itself. So the moments of a rare row do not decay between its
    steps. If every batch contains every row, the result is that of Adam.

    Parameters
    ----------
    optimizer : keras.optimizers.Adam
        Owns the moments.
    table : keras.Variable
    """

    def __init__(self, optimizer, table):
        self._optimizer, self._table = optimizer, table.value
        self.n = table.shape[0]
        at = next(i for i, v in enumerate(optimizer._trainable_variables) if v is table)
        self._momentum = optimizer._momentums[at].value
        self._velocity = optimizer._velocities[at].value

    def take(self, rows):
        """Gather rows of the table; indices beyond the table give arbitrary values."""
        return self._take(self._table, rows)

    @staticmethod
    def _take(table, rows):
        return tf.gather(table, tf.minimum(rows, table.shape[0] - 1))

    def apply_slices(self, slices):
        """One step with a sparse gradient that may contain a row more than once."""
        rows, places = tf.unique(tf.cast(slices.indices, tf.int32))
        values = tf.cast(slices.values, tf.float32)
        self.apply(rows, tf.math.unsorted_segment_sum(values, places, tf.size(rows)))

    def apply(self, rows, gradient):
        """One step on these rows, before the optimizer's own step on the other variables."""
        adam = self._optimizer
        # The optimizer counts this step only afterwards, in its own `apply`.
        step = tf.cast(adam.iterations.value + 1, tf.float32)
        rate = adam.learning_rate * tf.sqrt(1 - adam.beta_2**step) / (1 - adam.beta_1**step)
        momentum, velocity = self._take(self._momentum, rows), self._take(self._velocity, rows)
        momentum += (gradient - momentum) * (1 - adam.beta_1)
        velocity += (gradient**2 - velocity) * (1 - adam.beta_2)
        moved = self.take(rows) - rate * momentum / (tf.sqrt(velocity) + adam.epsilon)
        # XLA ignores writes beyond the table, so the rows that only fill up `rows` do nothing.
        for table, values in (
            (self._momentum, momentum),
            (self._velocity, velocity),
            (self._table, moved),
        ):
            table.scatter_nd_update(rows[:, None], values)
