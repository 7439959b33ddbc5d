"""Training steps of a network of Keras layers, traced once."""

import numpy as np
import tensorflow as tf

from skbseq._training._accumulation import apply_left_over, check_one_device, inner_of
from skbseq._training._batches import pad_batch
from skbseq._training._compiled import CompiledTraining
from skbseq._training._devices import mirrored, training_on
from skbseq._training._optimizers import release_with_trace
from skbseq._training._predict import predict
from skbseq._training._sparse_adam import SparseAdam, is_large, supports_sparse_adam
from skbseq._training._traced import TracedStep

# The matrices of an adapter, made small, pull towards the pretrained kernel.
_PENALISED = ("kernel", "lora_kernel_a", "lora_kernel_b")


class Trainer:
    """A traced training step of a program with one optimizer.

    Parameters
    ----------
    program : Program
    optimizer : keras.optimizers.Optimizer
        Not built yet.
    loss : Loss
    """

    def __init__(self, program, optimizer, loss):
        self.program, self.model, self.optimizer = program, program.model, optimizer
        self.loss = loss
        optimizer.build(self.model.trainable_variables)
        if mirrored(program.device) is None:
            release_with_trace(optimizer)
        steps = program.steps
        self.compiled = None if steps is None else CompiledTraining(steps, optimizer, loss)
        self.fresh_state = [_without_memory_of_zeros(v.numpy()) for v in optimizer.variables]
        trained = self.model.trainable_variables
        self._penalised = [w for w in trained if w.path.endswith(_PENALISED)]
        self._sparse = self._large_tables()
        self._prepare(program, loss)

    averages_tables = False  # whether large tables take part in an average of the weights
    _n_replicas = 1
    # Losses of the held-out samples in the last epoch and their weights, where each has one.
    held_out = None

    def _prepare(self, program, loss):
        """Make the traced functions."""
        # Numbers are arguments and not constants, so that the candidates of a search share the
        # trace.
        number, targets = tf.TensorSpec((), tf.float32), loss.targets_shape(program.n_outputs)
        columns = tf.TensorSpec(targets, tf.float32), tf.TensorSpec((None,), tf.float32)
        signature = [program.signature, *columns, *[number] * 4]
        self._train = TracedStep(self._train_step, signature)

    def _large_tables(self):
        """Sparse Adam for each variable with so many rows that updating all would be slow."""
        # A GPU's memory is fast enough to update a million rows. Its deterministic scatter copies
        # the whole table to the CPU and back (TensorFlow 2.21; read in the source, not measured).
        if not supports_sparse_adam(self.optimizer) or "/GPU" in self.program.device:
            return {}
        large = [v for v in self.model.trainable_variables if is_large(v)]
        return {v.path: SparseAdam(self.optimizer, v) for v in large}

    def set_seed(self, seed):
        """Reset all random number generators."""
        self.program.set_seed(seed)

    def begin(self, samples, batch_size):
        """Inspect all samples before the first step, if the loss needs it."""

    def held_out_metrics(self, samples):
        """Metrics of held-out samples by name."""
        return {"val_loss": self.held_out_loss(*samples)}

    def held_out_loss(self, data, targets, sample_weight):
        """Mean weighted loss of held-out samples."""
        outputs = predict(self.program, data)
        # Without label smoothing, so the loss is comparable between values of it.
        losses = self.loss(tf.constant(targets), tf.constant(outputs, tf.float32)).numpy()
        self.held_out = losses.astype(np.float64), sample_weight.astype(np.float64)
        return float(np.average(self.held_out[0], weights=self.held_out[1]))

    def state(self):
        """Values of the optimizer's variables."""
        return [variable.numpy() for variable in self.optimizer.variables]

    def start(self, state, learning_rate):
        """Load an optimizer state, and a learning rate unless a schedule sets it."""
        for variable, value in zip(self.optimizer.variables, state, strict=True):
            variable.assign(value)
        if learning_rate is not None:
            self.optimizer.learning_rate = learning_rate
        self.program.loaded = None  # training changes the weights in place

    def n_batches(self):
        """Number of batches that the optimizer has seen; several may have made one update."""
        return int(inner_of(self.optimizer)._iterations.numpy())

    def compile(self):
        """Compile the model with this optimizer, as callbacks expect."""
        self.model.compile(
            optimizer=self.optimizer, loss=self.loss.as_keras(self.program.n_outputs)
        )

    @property
    def optimizer_averages(self):
        """Whether the optimizer keeps a moving average of the weights."""
        return inner_of(self.optimizer).use_ema

    def average_weights(self):
        """Load the moving average of the weights, if the optimizer keeps one.

        Returns
        -------
        list of ndarray or None
            The weights before; None if there is no average.
        """
        if not self.optimizer_averages:
            return None
        weights = self.model.get_weights()
        inner_of(self.optimizer).finalize_variable_values(self.model.trainable_variables)
        return weights

    @property
    def n_accumulated(self):
        """How many batches make one step of the optimizer."""
        return inner_of(self.optimizer).gradient_accumulation_steps or 1

    def end_epoch(self):
        """Update with the gradients of batches that were too few for an accumulated step."""
        with training_on(self.program.device):
            apply_left_over(self.optimizer)

    def train_rows(self, samples, rows, options):
        """One optimizer step on some samples.

        Parameters
        ----------
        samples : tuple of (Sequences, ndarray, ndarray)
            Data, targets and sample weights.
        rows : ndarray of int of shape (batch,)
        options : dict of str to float
            ``l1``, ``l2`` and ``smoothing``.

        Returns
        -------
        tensor of float32
            Mean weighted loss.
        """
        with training_on(self.program.device):
            values = values_of(options, "smoothing", "l1", "l2")
            return self._train(*_columns(samples, rows), np.float32(len(rows)), *values)

    def _train_step(self, batch, targets, sample_weight, count, smoothing, l1, l2):
        with tf.GradientTape() as tape:
            outputs = self.model(batch, training=True)
            losses = self.loss(targets, outputs, smoothing)
            loss = tf.reduce_sum(sample_weight * losses) / count
            objective = self.optimizer.scale_loss(loss + self._penalty(l1, l2))
        self._apply(tape.gradient(objective, self.model.trainable_variables))
        return loss

    def _penalty(self, l1, l2):
        values = [tf.cast(weight, tf.float32) for weight in self._penalised]
        absolute = [l1 * tf.reduce_sum(tf.abs(value)) for value in values]
        squared = [l2 * tf.reduce_sum(value**2) for value in values]
        # Those of a user's own layers: their regularizers, and what `add_loss` was given.
        own = [tf.cast(loss, tf.float32) / self._n_replicas for loss in self.model.losses]
        return tf.add_n([tf.constant(0.0), *absolute, *squared, *own])

    def _apply(self, gradients):
        """Apply one optimizer step."""
        dense = []
        for variable, gradient in zip(self.model.trainable_variables, gradients, strict=True):
            sparse = self._sparse.get(variable.path)
            # Under a full softmax, the gradient of a table tied to the output is dense.
            if sparse is not None and isinstance(gradient, tf.IndexedSlices):
                sparse.apply_slices(gradient)
            elif gradient is not None:  # a user's network may have weights that nothing depends on
                # Made dense: if a sparse gradient contains a row twice, Keras' Adam squares the
                # two parts instead of their sum, and its step is too large.
                dense.append((tf.convert_to_tensor(gradient), variable))
        self.optimizer.apply(*zip(*dense, strict=True))


class MirroredTrainer(Trainer):
    """A traced training step on several devices, each with its part of a batch.

    Keras' optimizers add up the gradients of all devices. So each device divides its loss by the
    size of the whole batch and applies its share of the penalties.
    """

    def __init__(self, program, optimizer, loss):
        check_one_device(optimizer, program.device)
        super().__init__(program, optimizer, loss)
        self._strategy = mirrored(program.device)
        self._n_replicas = self._strategy.num_replicas_in_sync
        self._train = tf.function(self._train_parts, reduce_retracing=True)

    def train_rows(self, samples, rows, options):
        """One optimizer step on some samples; returns the mean weighted loss as a tensor."""
        n = self._strategy.num_replicas_in_sync
        parts = [_columns(samples, rows[i::n]) for i in range(n)]
        spread = self._strategy.experimental_distribute_values_from_function
        columns = [spread(lambda c, k=k: parts[c.replica_id_in_sync_group][k]) for k in range(3)]
        smoothing, l1, l2 = values_of(options, "smoothing", "l1", "l2")
        with training_on(self.program.device):
            return self._train(*columns, np.float32(len(rows)), smoothing, l1 / n, l2 / n)

    def _train_parts(self, *arguments):
        losses = self._strategy.run(self._train_step, arguments)
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)


def values_of(options, *names):
    """Selected options as arguments of a traced step."""
    return [np.float32(options[name]) for name in names]


def _columns(samples, rows):
    data, targets, sample_weight = samples
    return pad_batch(data, rows), targets[rows], sample_weight[rows]


def _without_memory_of_zeros(value):
    """The same values; an array of zeros takes no memory, which large tables need much of."""
    return value if value.any() else np.broadcast_to(value.dtype.type(0), value.shape)
