"""Compiled graphs as a shared resource: one per architecture, kept for reuse."""

import logging
import threading
from collections import OrderedDict
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from skbseq._training._batches import pad_batch
from skbseq._training._compiled import CompiledPrediction, CompiledTraining
from skbseq._training._devices import mirrored, placed

# A grid search alternates between few architectures; each holds a model's memory.
_KEEP = 8
_POOL = OrderedDict()
_LOCK = threading.RLock()


def _is_not_about_our_tracing(record):
    # TensorFlow takes the first traces of several networks for one that is traced again and
    # again. Each of ours is traced once: its signature leaves the sizes open.
    message = record.getMessage()
    return "tf.function retracing" not in message or "skbseq" not in message


logging.getLogger("tensorflow").addFilter(_is_not_about_our_tracing)


class Program:
    """A built network with its traced steps of training and prediction.

    Estimators of one architecture share it. Whoever uses it holds its ``lock`` and puts weights
    in first, for between two uses another estimator may have put in its own.

    Parameters
    ----------
    model : keras.Model
        From inputs to logits.
    device : str
        Name of the TensorFlow device, or several, joined by commas.
    steps : LSTMSteps, default=None
        The network's steps, where they are written out; then batches run compiled.
    policy : str, default="float32"
        Keras' dtype policy of the model, to be told.
    """

    def __init__(self, model, device, steps=None, policy="float32"):
        self.lock = threading.RLock()
        self.model, self.device, self.steps = model, device, steps
        self.compiled = None if steps is None else CompiledPrediction(steps)
        self.n_outputs, self.policy = model.output.shape[1], policy
        self.loaded, self.training = None, False
        self.signature = {
            "codes": tf.TensorSpec((None, None, model.input["codes"].shape[2]), tf.int32),
            "numbers": tf.TensorSpec((None, None, model.input["numbers"].shape[2]), tf.float32),
            "context": tf.TensorSpec((None, model.input["context"].shape[1]), tf.float32),
            "lengths": tf.TensorSpec((None,), tf.int32),
        }
        self._predict = tf.function(self._predict_step, input_signature=[self.signature])
        self._seeds = [v for v in model.variables if v.path.endswith("seed_generator_state")]
        self._trainers = OrderedDict()

    def _predict_step(self, batch):
        return self.model(batch, training=False)

    def predict_batch(self, batch):
        """Logits of shape (batch, n_outputs)."""
        with tf.device(self.device.partition(",")[0]):
            return self._predict(batch)

    def load(self, weights):
        """Put weights in, unless this very list of them is in already."""
        if self.loaded is not weights:
            self.loaded = None
            self.model.set_weights(weights)
            self.loaded = weights

    def set_seed(self, seed):
        """Restart the random numbers of dropout."""
        for i, variable in enumerate(self._seeds):
            variable.assign(np.array([seed, i], variable.dtype))

    def trainer(self, key, make_optimizer, loss):
        """The trainer of a loss and an optimizer's key; made with these where there is none."""
        key = key, loss
        if key not in self._trainers:
            kind = Trainer if mirrored(self.device) is None else MirroredTrainer
            with placed(self.device):
                self._trainers[key] = kind(self, make_optimizer(), loss)
            while len(self._trainers) > _KEEP:
                self._trainers.popitem(last=False)
        self._trainers.move_to_end(key)
        return self._trainers[key]


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
        steps = program.steps
        self.compiled = None if steps is None else CompiledTraining(steps, optimizer, loss)
        self.fresh_state = self.state()
        self._penalised = [w for w in self.model.trainable_variables if w.path.endswith("kernel")]
        number, targets = tf.TensorSpec((), tf.float32), loss.targets_shape(program.n_outputs)
        columns = tf.TensorSpec(targets, tf.float32), tf.TensorSpec((None,), tf.float32)
        self._signature = [program.signature, *columns, number, number, number]
        self._train = tf.function(self._train_step, input_signature=self._signature)

    def state(self):
        """Values of the optimizer's variables."""
        return [variable.numpy() for variable in self.optimizer.variables]

    def start(self, state, learning_rate):
        """Put in an optimizer state, and a learning rate unless a schedule sets it."""
        for variable, value in zip(self.optimizer.variables, state, strict=True):
            variable.assign(value)
        if learning_rate is not None:
            self.optimizer.learning_rate = learning_rate
        self.program.loaded = None

    def compile(self):
        """Show callbacks and scikeras a model compiled with this optimizer."""
        self.model.compile(
            optimizer=self.optimizer, loss=self.loss.as_keras(self.program.n_outputs)
        )

    def average_weights(self):
        """Put the moving average of the weights in, where the optimizer keeps one.

        Returns
        -------
        list of ndarray or None
            The weights as they were; None if there is no average.
        """
        inner = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        if not inner.use_ema:
            return None
        weights = self.model.get_weights()
        inner.finalize_variable_values(self.model.trainable_variables)
        return weights

    def train_rows(self, samples, rows, l1, l2):
        """One optimizer step on some samples.

        Parameters
        ----------
        samples : tuple of (Sequences, ndarray, ndarray)
            Data, targets and sample weights.
        rows : ndarray of int of shape (batch,)
        l1, l2 : float32

        Returns
        -------
        tensor of float32
            Mean weighted loss.
        """
        with tf.device(self.program.device):
            return self._train(*_columns(samples, rows), np.float32(len(rows)), l1, l2)

    def _train_step(self, batch, targets, sample_weight, count, l1, l2):
        with tf.GradientTape() as tape:
            outputs = self.model(batch, training=True)
            loss = tf.reduce_sum(sample_weight * self.loss(targets, outputs)) / count
            objective = loss
            for weight in self._penalised:
                value = tf.cast(weight, tf.float32)
                objective += l1 * tf.reduce_sum(tf.abs(value)) + l2 * tf.reduce_sum(value**2)
            objective = self.optimizer.scale_loss(objective)
        variables = self.model.trainable_variables
        # Dense: of a sparse gradient that holds a row twice, Keras' Adam squares the two parts
        # and not their sum, and then takes too large a step.
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(objective, variables)]
        self.optimizer.apply(gradients, variables)
        return loss


class MirroredTrainer(Trainer):
    """A traced training step on several devices, each with its part of a batch.

    Keras' optimizers add up the gradients of all devices; so each divides its loss by the whole
    batch's size, and takes its share of the penalties.
    """

    def __init__(self, program, optimizer, loss):
        super().__init__(program, optimizer, loss)
        self._strategy = mirrored(program.device)
        self._train = tf.function(self._train_parts, reduce_retracing=True)

    def train_rows(self, samples, rows, l1, l2):
        """One optimizer step on some samples; the mean weighted loss as a tensor."""
        n = self._strategy.num_replicas_in_sync
        parts = [_columns(samples, rows[i::n]) for i in range(n)]
        spread = self._strategy.experimental_distribute_values_from_function
        columns = [spread(lambda c, k=k: parts[c.replica_id_in_sync_group][k]) for k in range(3)]
        return self._train(*columns, np.float32(len(rows)), l1 / n, l2 / n)

    def _train_parts(self, *arguments):
        losses = self._strategy.run(self._train_step, arguments)
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)


def _columns(samples, rows):
    data, targets, sample_weight = samples
    return pad_batch(data, rows), targets[rows], sample_weight[rows]


@contextmanager
def borrow_program(spec, device, build, steps=None):
    """The program of an architecture, locked; built where there is none.

    A callback that fits or predicts with an architecture that its own thread is training gets a
    program of its own, for it must not touch the weights in training.

    Parameters
    ----------
    spec : hashable
        All that decides the network of a family.
    device : str
        Name of the TensorFlow device.
    build : callable
        Makes a model of the spec; stands for the family.
    steps : type, default=None
        Makes the network's written-out steps of spec and model. None: its layers are run.

    Yields
    ------
    Program
    """
    program = _shared_program(spec, device, build, steps)
    with program.lock:
        private = program.training
        yield _make_program(spec, device, build, steps) if private else program


def _shared_program(spec, device, build, steps):
    key = (build, steps, spec, device)
    with _LOCK:
        if key not in _POOL:
            _POOL[key] = _make_program(spec, device, build, steps)
            while len(_POOL) > _KEEP:  # the one unused for longest goes
                _POOL.popitem(last=False)
        _POOL.move_to_end(key)
        return _POOL[key]


def _make_program(spec, device, build, steps):
    with placed(device):
        model = build(spec)
        steps = None if steps is None else steps(spec, model)
        return Program(model, device, steps, spec.policy)
