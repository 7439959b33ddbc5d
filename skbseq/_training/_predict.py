"""Prediction: few samples with little latency, many samples in bulk."""

import numpy as np
import tensorflow as tf

from skbseq._sequences import offsets_of
from skbseq._training._batches import batch_plan, pad_batch
from skbseq._training._compiled import compact

# Only a few sizes of batches and event arrays, because each size compiles a program of its own. At
# least eight rows: smaller products use other matrix kernels, whose last digits differ, and a row
# must get the same result alone and among others.
_FEWEST_ROWS, _FEW_ROWS, _FEW_EVENTS = 8, 32, (512, 4096)
_MANY_ROWS, _MANY_EVENTS, _MANY_BATCHES = 256, 2**17, 64
_EVENTS_AT_ONCE, _NUMBERS_PER_EVENT = 2**18, 64


def predict(program, data):
    """Outputs of the network for all samples.

    Parameters
    ----------
    program : Program
        With its weights loaded; the caller holds its lock.
    data : Sequences of n_samples

    Returns
    -------
    ndarray of float64 of shape (n_samples, n_outputs)
    """
    result = np.empty((len(data), program.n_outputs))
    if len(data) and program.compiled is not None:
        _predict_compiled(program, data, result)
    elif len(data):
        _predict_by_layers(program, data, result)
    return result


def _predict_by_layers(program, data, result):
    for rows, batch in _batches(program, data):
        result[rows] = program.predict_batch(batch).numpy()[: len(rows)]


def predict_each(program, data, step, *, begin):
    """Outputs of the network after each event of all samples.

    Parameters
    ----------
    program : Program
        With its weights loaded; the caller holds its lock.
    data : Sequences of n_samples
    step : callable
        Of `Program.stepwise`.
    begin : bool
        Whether there is one step more, before the first event.

    Returns
    -------
    ndarray of float32 of shape (n_steps, n_outputs)
        The steps of all samples end to end.
    """
    lengths = data.lengths + begin
    offsets, result = offsets_of(lengths), None
    for rows, batch in _batches(program, data):
        with tf.device(program.device.partition(",")[0]):
            found = step(batch).numpy()[: len(rows)]
        if result is None:
            result = np.empty((offsets[-1], found.shape[2]), np.float32)
        steps = np.arange(found.shape[1])
        real = steps < lengths[rows, None]
        result[(offsets[rows, None] + steps)[real]] = found[real]
    return result


def _batches(program, data):
    """Rows of each batch, and the batch."""
    # Batches have a power of two of rows, at least 32: there are few shapes, and the result of a
    # row does not depend on the number of other rows.
    longest = max(int(data.lengths.max(initial=1)), 1)
    # Attention needs one number per head and pair of events of a history.
    heads = max(getattr(layer, "n_heads", 0) for layer in program.model.layers)
    per_row = longest * max(1, heads * longest / _NUMBERS_PER_EVENT)
    size = int(np.clip(2 ** int(np.log2(_EVENTS_AT_ONCE / per_row + 1)), _FEW_ROWS, 1024))
    for rows in batch_plan(data.lengths, size):
        n_rows = max(_FEW_ROWS, 1 << (len(rows) - 1).bit_length())
        yield rows, pad_batch(data, rows, n_rows)


def _predict_compiled(program, data, result):
    if len(data) <= _FEW_ROWS and (n_events := data.lengths.sum()) <= _FEW_EVENTS[-1]:
        n_rows = _FEWEST_ROWS if len(data) <= _FEWEST_ROWS else _FEW_ROWS
        capacity = next(n for n in _FEW_EVENTS if n_events <= n)
        result[:] = program.compiled.run_few(data, capacity, n_rows)[: len(data)]
        return
    order = np.argsort(data.lengths, kind="stable")
    before = offsets_of(data.lengths[order])
    plan = np.arange(_MANY_ROWS * _MANY_BATCHES, dtype=np.int32).reshape(_MANY_BATCHES, _MANY_ROWS)
    first = 0
    while first < len(order):
        # As many complete batches as fit into the event array, at least one.
        last = int(np.searchsorted(before, before[first] + _MANY_EVENTS, side="right")) - 1
        n_batches = min(max((last - first) // _MANY_ROWS, 1), _MANY_BATCHES)
        rows = order[first : first + n_batches * _MANY_ROWS]
        n_events = int(before[first + len(rows)] - before[first])
        # One batch of long histories may need more; powers of two keep the shapes few.
        capacity = max(_MANY_EVENTS, 1 << (n_events - 1).bit_length())
        columns = compact(data, rows, capacity, plan.size)
        found = program.compiled.run(columns, plan, -(-len(rows) // _MANY_ROWS))
        result[rows] = found.reshape(plan.size, -1)[: len(rows)]
        first += len(rows)
