"""Many batches in one call of one XLA program, for networks that have a fused implementation.

A call gets the events of all samples end to end and a plan of batches. The loops over batches and
over steps run inside the program, so a batch costs its real steps only, and there is no overhead
between two batches. Array shapes are part of a compiled program. They are rounded up, so that the
folds of a cross-validation, which differ by a few events, share one program.
"""

import math
from contextlib import contextmanager
from functools import partial

import numpy as np
import tensorflow as tf

from skbseq._sequences import (
    ALIGNMENT,
    FEWEST_EVENTS,
    Sequences,
    aligned_zeros,
    current_room,
    ranges,
    round_up,
)
from skbseq._training._sparse_adam import SparseAdam, is_large, supports_sparse_adam
from skbseq._training._traced import make_traced, without_matching

# Above this, the buffers would need more memory than a laptop can spare (512 MiB), and the
# network's Keras layers are trained instead.
_MOST_NUMBERS_KEPT = 2**27
_COLUMNS = {
    "codes": tf.int32,
    "numbers": tf.float32,
    "context": tf.float32,
    "starts": tf.int32,
    "lengths": tf.int32,
}
_NUMPY = {name: dtype.as_numpy_dtype for name, dtype in _COLUMNS.items()}


def have_room(steps, spec, batch_size, longest):
    """Whether the activations that the backward pass needs of a batch fit into memory."""
    return steps.numbers_kept(spec, batch_size, round_up(longest, 8)) <= _MOST_NUMBERS_KEPT


def pad_rows(array, n_rows):
    """Append zeros to an array up to this many rows."""
    array = np.asarray(array)
    result = np.zeros((n_rows, *array.shape[1:]), array.dtype)
    result[: len(array)] = array
    return result


class FlatData:
    """Samples on the device: events end to end, and the position where each sample begins.

    After the last sample there is an empty one, which fills up incomplete batches.

    Parameters
    ----------
    data : Sequences of n_samples
    targets, sample_weight : ndarray of float32 of shape (n_samples,), default=None
    """

    def __init__(self, data, targets=None, sample_weight=None):
        room = current_room()
        n_events = round_up(max(len(data.codes), room.n_events), FEWEST_EVENTS)
        n_samples = round_up(max(len(data), room.n_samples) + 1, 256)
        columns = {
            "codes": (data.codes, n_events),
            "numbers": (data.numbers, n_events),
            "context": (data.context, n_samples),
            "starts": (data.starts.astype(np.int32), n_samples),
            "lengths": (data.lengths.astype(np.int32), n_samples),
        }
        if targets is not None:
            columns["targets"] = targets, n_samples
            columns["sample_weight"] = sample_weight, n_samples
        self._sizes = {name: size for name, (_, size) in columns.items()}
        self.filler = len(data)
        self.longest = int(data.lengths.max(initial=room.longest))
        self.tensors = {name: _tensor(*column) for name, column in columns.items()}

    def replace(self, **columns):
        """Replace columns by others of the same number of events or samples."""
        for name, column in columns.items():
            column = column.astype(_NUMPY[name], copy=False)
            self.tensors[name] = _tensor(column, self._sizes[name])


def _tensor(array, n_rows):
    """A tensor of this many rows; missing rows are zeros.

    An aligned array that already has this many rows is not copied: the tensor shares its memory.
    This is safe because nothing writes to the samples during training.
    """
    if len(array) < n_rows:
        padded = aligned_zeros((n_rows, *array.shape[1:]), array.dtype)
        padded[: len(array)] = array
        array = padded
    if not array.size or array.ctypes.data % ALIGNMENT or not array.flags.carray:
        return tf.constant(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def compact(data, rows, n_events, n_samples):
    """Columns of some samples and of their events only, in arrays of given lengths.

    Parameters
    ----------
    data : Sequences
    rows : ndarray of int
    n_events, n_samples : int

    Returns
    -------
    dict of str to ndarray
    """
    data = _gather(data.take(rows))
    return {
        "codes": pad_rows(data.codes, n_events),
        "numbers": pad_rows(data.numbers, n_events),
        "context": pad_rows(data.context, n_samples),
        "starts": pad_rows(data.starts.astype(np.int32), n_samples),
        "lengths": pad_rows(data.lengths.astype(np.int32), n_samples),
    }


def _gather(data):
    """The same samples with no other events between theirs."""
    at, offsets = ranges(data.starts, data.starts + data.lengths)
    return Sequences(data.codes[at], data.numbers[at], data.context, offsets[:-1], data.lengths)


def plan_array(batches, batch_size, filler):
    """Batches as one array of rows; incomplete batches are filled up.

    Returns
    -------
    rows : ndarray of int32 of shape (n_batches, batch_size)
        ``n_batches`` is rounded up; the additional batches are empty.
    counts : ndarray of float32 of shape (n_batches,)
        Number of rows of each batch.
    """
    n = round_up(max(len(batches), -(-current_room().n_samples // batch_size)), 16)
    rows = np.full((n, batch_size), filler, np.int32)
    counts = np.ones(n, np.float32)
    for i, batch in enumerate(batches):
        rows[i, : len(batch)] = batch
        counts[i] = len(batch)
    return rows, counts


class CompiledTraining:
    """Training steps of a fused network with one optimizer, many per call.

    Parameters
    ----------
    steps : FusedRecurrence
        The fused network.
    optimizer : keras.optimizers.Optimizer
        Built for the variables of the fused network's model.
    loss : Loss
    """

    def __init__(self, steps, optimizer, loss):
        self._steps, self._optimizer, self._loss = steps, optimizer, loss
        self._variables = steps.model.trainable_variables
        tables = steps.embeddings if supports_sparse_adam(optimizer) else []
        trained = {v.path for v in self._variables}  # a frozen table is not among them
        self.sparse = {
            i: SparseAdam(optimizer, table)
            for i, table in enumerate(tables)
            if is_large(table) and table.path in trained
        }
        large = {steps.embeddings[i].path for i in self.sparse}
        self._dense = [v for v in self._variables if v.path not in large]
        self._by_path = {v.path: v for v in self._variables}
        self._penalised = [path for path in self._by_path if path.endswith("kernel")]
        self._run = make_traced(self._batches, by_xla=True)

    @contextmanager
    def buffers(self, flat, batch_size):
        """Memory for what the backward pass needs of a batch, reused by all calls of a fit.

        These are variables because a program fills arrays of its own with zeros in each call. For
        the sessions of a web page (2 to 200 events, 39 MB) that took as long as 80 steps.

        Parameters
        ----------
        flat : FlatData
        batch_size : int

        Yields
        ------
        list of tf.Variable
        """
        empty = self._steps.buffers(batch_size, round_up(flat.longest, 8))
        made = [tf.Variable(buffer, trainable=False) for buffer in empty]
        del empty  # the variables hold the only reference to this memory
        try:
            yield made
        finally:
            # A trace keeps the variables it was made with alive (TensorFlow 2.21), and with them
            # their memory. Assigning an empty value releases the memory.
            for buffer in made:
                tf.raw_ops.AssignVariableOp(
                    resource=buffer.handle, value=tf.zeros(()), validate_shape=False
                )

    def run(self, flat, buffers, plan, first, last, options):
        """Train on some batches of a plan.

        Parameters
        ----------
        flat : FlatData
        buffers : list of tf.Variable
            Made by :meth:`buffers` for these samples and this batch size; they are overwritten.
        plan : tuple of tensor
            Rows and counts from :func:`plan_array`, and for each table of ``sparse`` the rows
            that each batch uses.
        first, last : int
            Range of batches to run, without ``last``.
        options : dict of str to float or int
            ``l1``, ``l2``, ``dropout``, ``smoothing``, ``seed``, and ``begun``, the number of
            batches run before this plan.

        Returns
        -------
        ndarray of float32 of shape (last - first,)
            Mean weighted loss of each batch.
        """
        # Tensors, not Python numbers, which would be part of the program: each candidate of a
        # search would compile another one.
        values = {
            name: tf.constant(value, tf.int32 if name in ("seed", "begun") else tf.float32)
            for name, value in options.items()
        }
        bounds = tf.constant([first, last], tf.int32)
        noisy = options["dropout"] > 0  # a program without dropout draws no random numbers
        losses = self._run(flat.tensors, buffers, *plan, bounds, values, noisy=noisy)
        return losses.numpy()[first:last]

    def _batches(self, data, buffers, rows, counts, touched, bounds, options, *, noisy):
        def batch(k, losses, *buffers):
            touches = {i: places[k] for i, places in touched.items()}
            sample = rows[k], counts[k], touches
            loss, buffers = self._batch(data, sample, k, options, noisy, buffers)
            return k + 1, tf.tensor_scatter_nd_update(losses, [[k]], [loss]), *buffers

        start = (bounds[0], tf.zeros(rows.shape[0]), *(buffer.value() for buffer in buffers))
        _, losses, *kept = tf.while_loop(lambda k, *_: k < bounds[1], batch, start)
        for buffer, value in zip(buffers, kept, strict=True):
            buffer.assign(value)
        return losses

    def _batch(self, data, sample, k, options, noisy, buffers):
        rows, count, touches = sample
        starts, lengths = tf.gather(data["starts"], rows), tf.gather(data["lengths"], rows)
        targets, weight = tf.gather(data["targets"], rows), tf.gather(data["sample_weight"], rows)
        noise = None
        if noisy:
            # Depends on the batch number, so the result is the same however many batches a call
            # runs.
            seed = tf.stack([options["seed"], options["begun"] + k])
            noise = self._steps.noise(options["dropout"], seed)

        def loss_of(logits):
            losses = self._loss(targets, logits, options["smoothing"])
            return tf.reduce_sum(weight * losses) / count

        # Codes of large tables index the rows of the batch, so that their gradients are small.
        tables = list(self._steps.embeddings)
        for i, places in touches.items():
            tables[i] = self.sparse[i].take(places)
        context = tf.gather(data["context"], rows)
        loss, gradients, buffers = self._steps.gradients(
            data, starts, lengths, context, loss_of, buffers, noise, tables
        )
        found = dict(zip((v.path for v in self._variables), gradients, strict=True))
        for path in self._penalised:
            variable = self._by_path[path]
            found[path] += options["l1"] * tf.sign(variable) + 2 * options["l2"] * variable
        for i, places in touches.items():
            self.sparse[i].apply(places, found[self._steps.embeddings[i].path])
        # Last, for it counts the step; SparseAdam expects a step that is not counted yet.
        self._optimizer.apply([found[v.path] for v in self._dense], self._dense)
        return loss, buffers


class CompiledPrediction:
    """Logits of many batches in one call, and of a few rows with little latency.

    Parameters
    ----------
    steps : FusedRecurrence
        The fused network.
    """

    def __init__(self, steps):
        self._steps = steps
        self._many = make_traced(self._batches, by_xla=True)
        self._few = {}

    def run(self, columns, rows, n_batches):
        """Logits in the row order of a plan.

        Parameters
        ----------
        columns : dict of str to ndarray
            Made by :func:`compact`.
        rows : ndarray of int32 of shape (n_batches_rounded_up, batch_size)
        n_batches : int

        Returns
        -------
        ndarray of float32 of shape (n_batches_rounded_up, batch_size, n_outputs)
        """
        return self._many(columns, rows, tf.constant(n_batches)).numpy()

    def run_few(self, data, n_events, n_samples):
        """Logits of a few samples, in a single batch.

        Parameters
        ----------
        data : Sequences
        n_events, n_samples : int
            Capacity of the compiled program; ``data`` may hold fewer.

        Returns
        -------
        ndarray of float32 of shape (n_samples, n_outputs)
        """
        size = n_events, n_samples
        if size not in self._few:
            self._few[size] = self._compile_few(data, n_events, n_samples)
        shapes, call = self._few[size]
        return call(tf.constant(_pack(data, shapes))).numpy()

    def _compile_few(self, data, n_events, n_samples):
        shapes = {
            "codes": (n_events, data.codes.shape[1]),
            "numbers": (n_events, data.numbers.shape[1]),
            "context": (n_samples, data.context.shape[1]),
            "starts": (n_samples,),
            "lengths": (n_samples,),
        }
        signature = tf.TensorSpec(sum(map(math.prod, shapes.values())), tf.int32)
        function = partial(self._packed, shapes)
        traced = make_traced(function, by_xla=True)
        if traced is function:  # steps run eagerly
            return shapes, function
        return shapes, without_matching(traced.get_concrete_function(signature))

    def _packed(self, shapes, packed):
        parts = tf.split(packed, list(map(math.prod, shapes.values())))
        columns = {
            name: tf.bitcast(tf.reshape(part, shape), _COLUMNS[name])
            for part, (name, shape) in zip(parts, shapes.items(), strict=True)
        }
        rows = (columns.pop(name) for name in ("context", "starts", "lengths"))
        return self._batch(columns, *rows)

    def _batch(self, data, context, starts, lengths):
        return self._steps.predict(data, starts, lengths, context)

    def _batches(self, data, rows, n_batches):
        n_outputs = self._steps.spec.n_outputs

        def batch(k, logits):
            columns = (tf.gather(data[name], rows[k]) for name in ("context", "starts", "lengths"))
            found = self._batch(data, *columns)
            return k + 1, tf.tensor_scatter_nd_update(logits, [[k]], found[None])

        start = (0, tf.zeros((*rows.shape, n_outputs)))
        return tf.while_loop(lambda k, _: k < n_batches, batch, start)[1]


def _pack(data, shapes):
    """All columns of some samples in one array of int32, each padded with zeros to its shape.

    Passing five arguments to TensorFlow takes longer than running the network; this makes one.
    """
    if len(data.codes) > shapes["codes"][0]:  # it holds events of other samples, or of none
        data = _gather(data)
    packed = np.zeros(sum(map(math.prod, shapes.values())), np.int32)
    first = 0
    for name, shape in shapes.items():
        column = getattr(data, name)
        packed[first : first + column.size].view(_NUMPY[name])[:] = column.ravel()
        first += math.prod(shape)
    return packed
