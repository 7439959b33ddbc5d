"""Large embedding tables: which of their rows a batch touches, and Adam for those rows alone."""

import keras
import numpy as np
import tensorflow as tf

from skbseq._sequences import ranges, round_up

# Below so many rows a sweep of the whole table costs less than to find the rows of each batch.
_LARGE = 2**13


def is_large(variable):
    """Whether a table has so many rows that to sweep them all would cost."""
    return variable.shape[0] > _LARGE


def serves_rows(optimizer):
    """Whether an optimizer is Adam with nothing that changes rows without a gradient."""
    plain = ("amsgrad", "use_ema", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm")
    return (
        type(optimizer) is keras.optimizers.Adam
        and not any(getattr(optimizer, name) for name in plain)
        and optimizer.gradient_accumulation_steps is None
    )


def local_rows(codes, data, batches, n_rows, least=0):
    """The distinct codes of each batch, and each event's place among those of its batch.

    Without sorting: a table of all codes tells where in a batch each was seen last, and the event
    that finds itself there stands for its code.

    Parameters
    ----------
    codes : ndarray of int32 of shape (n_events,)
    data : Sequences
    batches : list of ndarray of int
    n_rows : int
        Rows of the table.
    least : int, default=0
        Columns of ``rows`` at least; their number is part of a compiled program.

    Returns
    -------
    local : ndarray of int32 of shape (n_events,)
        Zero for events of no batch.
    rows : ndarray of int32 of shape (n_batches, most distinct codes, rounded up)
        Filled up with ``n_rows``, which is no row.
    """
    samples = np.concatenate(batches)
    at, offsets = ranges(data.starts[samples], data.starts[samples] + data.lengths[samples])
    ends = offsets[np.cumsum([len(batch) for batch in batches])]
    local, place, found = np.zeros(len(codes), np.int32), np.empty(n_rows, np.int32), []
    for events in np.split(at, ends[:-1]):
        seen, order = codes[events], np.arange(len(events), dtype=np.int32)
        place[seen] = order
        distinct = seen[place[seen] == order]
        place[distinct] = order[: len(distinct)]
        local[events] = place[seen]
        found.append(distinct)
    width = max(round_up(max(map(len, found), default=1)), least)
    rows = np.full((len(batches), width), n_rows, np.int32)
    for row, distinct in zip(rows, found, strict=True):
        row[: len(distinct)] = distinct
    return local, rows


class RowAdam:
    """Adam on some rows of a table.

    The moments of a row change only when a batch holds it; the bias of their start is corrected
    by the number of all steps, as in Adam itself. So a rare row's moments are those of its own
    last steps and do not fade in between (LazyAdam). With every row in every batch it is Adam.

    Parameters
    ----------
    optimizer : keras.optimizers.Adam
        Whose moments these are.
    table : keras.Variable
    """

    def __init__(self, optimizer, table):
        self._optimizer, self._table = optimizer, table.value
        self.n = table.shape[0]
        at = next(i for i, v in enumerate(optimizer._trainable_variables) if v is table)
        self._momentum = optimizer._momentums[at].value
        self._velocity = optimizer._velocities[at].value

    def take(self, rows):
        """The rows, whatever stands in those that are none."""
        return self._take(self._table, rows)

    @staticmethod
    def _take(table, rows):
        return tf.gather(table, tf.minimum(rows, table.shape[0] - 1))

    def apply_slices(self, slices):
        """One step on the rows of a gradient that may hold a row more than once."""
        rows, places = tf.unique(tf.cast(slices.indices, tf.int32))
        values = tf.cast(slices.values, tf.float32)
        self.apply(rows, tf.math.unsorted_segment_sum(values, places, tf.size(rows)))

    def apply(self, rows, gradient):
        """One step on the rows, before the optimizer's own step on everything else."""
        adam = self._optimizer
        step = tf.cast(adam.iterations.value + 1, tf.float32)
        rate = adam.learning_rate * tf.sqrt(1 - adam.beta_2**step) / (1 - adam.beta_1**step)
        momentum, velocity = self._take(self._momentum, rows), self._take(self._velocity, rows)
        momentum += (gradient - momentum) * (1 - adam.beta_1)
        velocity += (gradient**2 - velocity) * (1 - adam.beta_2)
        moved = self.take(rows) - rate * momentum / (tf.sqrt(velocity) + adam.epsilon)
        # XLA leaves out what lies beyond the table, which the rows that are none do.
        for table, values in (
            (self._momentum, momentum),
            (self._velocity, velocity),
            (self._table, moved),
        ):
            table.scatter_nd_update(rows[:, None], values)
