"""Logits of few samples quickly, and of many in bulk."""

import numpy as np

from skbseq._sequences import offsets_of
from skbseq._training._batches import batch_plan, pad_batch
from skbseq._training._compiled import FlatData

# Batches of few sizes and events of few lengths, for each makes a program of its own.
_FEW_ROWS, _FEW_EVENTS = 32, (512, 4096)
_MANY_ROWS, _MANY_EVENTS, _MANY_BATCHES = 256, 2**17, 64
_EVENTS_AT_ONCE = 2**18


def predict(program, data):
    """Logits of all samples.

    Parameters
    ----------
    program : Program
        With the weights loaded, its lock held.
    data : Sequences of n_samples

    Returns
    -------
    ndarray of float64 of shape (n_samples, n_outputs)
    """
    result = np.empty((len(data), program.model.output.shape[1]))
    if len(data) and program.compiled is not None:
        _predict_compiled(program, data, result)
    elif len(data):
        _predict_plainly(program, data, result)
    return result


def _predict_plainly(program, data, result):
    # The rows of a batch are a power of two, at least 32: few shapes, and a row's result does
    # not depend on how many others come with it.
    longest = max(int(data.lengths.max(initial=1)), 1)
    size = int(np.clip(2 ** int(np.log2(_EVENTS_AT_ONCE / longest + 1)), _FEW_ROWS, 1024))
    for rows in batch_plan(data.lengths, size):
        n_rows = max(_FEW_ROWS, 1 << (len(rows) - 1).bit_length())
        batch = pad_batch(data, rows, n_rows)
        result[rows] = program.predict_batch(batch).numpy()[: len(rows)]


def _predict_compiled(program, data, result):
    order = np.argsort(data.lengths, kind="stable")
    few = len(order) <= _FEW_ROWS
    size, n_batches = (_FEW_ROWS, 1) if few else (_MANY_ROWS, _MANY_BATCHES)
    before = offsets_of(data.lengths[order])
    first = 0
    while first < len(order):
        # As many whole batches as have room among the events, at least one.
        room = int(np.searchsorted(before, before[first] + _MANY_EVENTS, side="right")) - 1
        last = first + min(max((room - first) // size, 1), n_batches) * size
        rows = order[first : min(last, len(order))]
        flat = FlatData.compact(data, rows, _n_events(before, first, rows, few), n_batches * size)
        plan = np.arange(n_batches * size, dtype=np.int32).reshape(n_batches, size)
        found = program.compiled.run(flat, plan, -(-len(rows) // size))
        result[rows] = found.reshape(n_batches * size, -1)[: len(rows)]
        first += len(rows)


def _n_events(before, first, rows, few):
    """Events that the arrays hold, a length of few."""
    n = int(before[first + len(rows)] - before[first])
    lengths = (*_FEW_EVENTS, _MANY_EVENTS) if few else (_MANY_EVENTS,)
    return next((length for length in lengths if n <= length), 1 << (n - 1).bit_length())
