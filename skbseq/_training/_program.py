"""Compiled graphs as a shared resource: one per architecture, kept for reuse."""

import logging
import threading
from collections import OrderedDict
from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
import tensorflow as tf

from skbseq._processes import claim_process
from skbseq._training._attribution import Attribution
from skbseq._training._compiled import CompiledPrediction
from skbseq._training._devices import mirrored, placed
from skbseq._training._losses_table import trainer_class
from skbseq._training._traced import TracedStep, way_of_steps

# Most programs to keep. A grid search alternates between few architectures, and each program
# holds a model in memory.
_KEEP = 8
_POOL = OrderedDict()
_LOCK = threading.RLock()


def _is_not_about_our_tracing(record):
    # TensorFlow mistakes the first traces of several networks for repeated traces of one. Each of
    # ours is traced once, because its signature leaves the sizes open.
    message = record.getMessage()
    return "tf.function retracing" not in message or "skbseq" not in message


logging.getLogger("tensorflow").addFilter(_is_not_about_our_tracing)


class Program:
    """A built network with its traced training and prediction steps.

    Estimators of the same architecture share a program. A user must hold its ``lock`` and load
    weights first, because another estimator may have loaded its own in the meantime.

    Parameters
    ----------
    model : keras.Model
        From inputs to logits.
    device : str
        Name of the TensorFlow device, or several, separated by commas.
    steps : FusedRecurrence, default=None
        The fused network, which runs compiled batches. None: the model's layers run.
    policy : str, default="float32"
        Keras' dtype policy of the model, only for messages.
    """

    def __init__(self, model, device, steps=None, policy="float32"):
        self.lock = threading.RLock()
        self.model, self.device, self.steps = model, device, steps
        self.compiled = None if steps is None else CompiledPrediction(steps)
        # Event networks have further outputs, for training only.
        self.n_outputs, self.policy = model.outputs[0].shape[1], policy
        self.loaded, self.training = None, False
        self.signature = {
            "codes": tf.TensorSpec((None, None, model.input["codes"].shape[2]), tf.int32),
            "numbers": tf.TensorSpec((None, None, model.input["numbers"].shape[2]), tf.float32),
            "context": tf.TensorSpec((None, model.input["context"].shape[1]), tf.float32),
            "lengths": tf.TensorSpec((None,), tf.int32),
        }
        # One trace for all batches: the sizes of batches and steps are None above.
        self._predict = TracedStep(self._predict_step, [self.signature])
        self._seeds = [v for v in model.variables if v.path.endswith("seed_generator_state")]
        self._trainers, self._attributions, self._each = OrderedDict(), {}, []

    def _predict_step(self, batch):
        outputs = self.model(batch, training=False)
        return outputs[0] if isinstance(outputs, list) else outputs

    def predict_batch(self, batch):
        """Outputs of shape (batch, n_outputs)."""
        with tf.device(self.device.partition(",")[0]):
            return self._predict(batch)

    def stepwise(self, make_part):
        """The traced step that gives the outputs after each event; made on first use.

        Parameters
        ----------
        make_part : callable
            Makes a model of these outputs from the model, or None if it has none.

        Returns
        -------
        callable or None
            From a batch to a tensor of shape (batch, steps, width).
        """
        if not self._each:
            part = make_part(self.model)
            step = None if part is None else partial(part, training=False)
            self._each.append(step and TracedStep(step, [self.signature]))
        return self._each[0]

    def load(self, weights):
        """Load weights, unless this very list is already loaded."""
        if self.loaded is not weights:
            self.loaded = None  # if `set_weights` fails, nothing valid is loaded
            self.model.set_weights(weights)
            self.loaded = weights

    def set_seed(self, seed):
        """Reset the random number generators of dropout."""
        for i, variable in enumerate(self._seeds):
            variable.assign(np.array([seed, i], variable.dtype))

    def trainer(self, key, make_optimizer, loss):
        """The trainer of an optimizer's key and a loss; made on first use."""
        key = key, loss
        if key not in self._trainers:
            make_trainer = trainer_class(loss, mirrored(self.device) is not None)
            with placed(self.device):
                self._trainers[key] = make_trainer(self, make_optimizer(), loss)
            while len(self._trainers) > _KEEP:
                self._trainers.popitem(last=False)
        self._trainers.move_to_end(key)
        return self._trainers[key]

    def attribution(self, readout, make_part, *, begin):
        """The traced gradients for a readout; made on first use.

        Parameters
        ----------
        readout : Readout
        make_part : callable
            Makes the part above the embeddings from the model.
        begin : bool
            As of `Attribution`.
        """
        key = readout.kind, readout.link
        if key not in self._attributions:
            self._attributions[key] = Attribution(make_part(self.model), *key, begin=begin)
        return self._attributions[key]


@contextmanager
def borrow_program(spec, device, build, steps=None):
    """The program of an architecture, locked; built on first use.

    A callback may fit or predict with the architecture that its own thread is training. It gets a
    separate program, because it must not overwrite the weights in training.

    Parameters
    ----------
    spec : hashable
        Everything that determines the network that ``build`` makes.
    device : str
        Name of the TensorFlow device.
    build : callable
        Makes a model from the spec.
    steps : type, default=None
        Makes the fused network from the spec and the model. None: the model's layers run.

    Yields
    ------
    Program

    Raises
    ------
    RuntimeError
        If this process was forked from one in which TensorFlow had run.
    """
    claim_process()  # first, because a lock of the parent's threads would stay locked
    program = _shared_program(spec, device, build, steps)
    with program.lock:
        if program.training:  # by this thread; another thread would hold the lock
            program = _make_program(spec, device, build, steps)
        # A compiled program must be called on the device of its weights. Layers place their
        # operations themselves, also on several devices.
        with nullcontext() if program.compiled is None else tf.device(device):
            yield program


def _shared_program(spec, device, build, steps):
    key = (build, steps, spec, device, way_of_steps())
    with _LOCK:
        if key not in _POOL:
            _POOL[key] = _make_program(spec, device, build, steps)
            while len(_POOL) > _KEEP:  # drop the least recently used
                _POOL.popitem(last=False)
        _POOL.move_to_end(key)
        return _POOL[key]


def _make_program(spec, device, build, steps):
    with placed(device):
        model = build(spec)
        steps = None if steps is None else steps(spec, model)
        return Program(model, device, steps, spec.policy)
