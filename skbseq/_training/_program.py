"""Compiled graphs as a shared resource: one per architecture, kept for reuse."""

import logging
import threading
from collections import OrderedDict
from contextlib import contextmanager, nullcontext

import numpy as np
import tensorflow as tf

from skbseq._training._compiled import CompiledPrediction
from skbseq._training._devices import mirrored, placed
from skbseq._training._kinds import trainer_class
from skbseq._training._traced import TracedStep, way_of_steps

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
        # A network that looks at each event for what follows has further outputs, for training.
        self.n_outputs, self.policy = model.outputs[0].shape[1], policy
        self.loaded, self.training = None, False
        self.signature = {
            "codes": tf.TensorSpec((None, None, model.input["codes"].shape[2]), tf.int32),
            "numbers": tf.TensorSpec((None, None, model.input["numbers"].shape[2]), tf.float32),
            "context": tf.TensorSpec((None, model.input["context"].shape[1]), tf.float32),
            "lengths": tf.TensorSpec((None,), tf.int32),
        }
        self._predict = TracedStep(self._predict_step, [self.signature])
        self._seeds = [v for v in model.variables if v.path.endswith("seed_generator_state")]
        self._trainers = OrderedDict()

    def _predict_step(self, batch):
        outputs = self.model(batch, training=False)
        return outputs[0] if isinstance(outputs, list) else outputs

    def predict_batch(self, batch):
        """Outputs of shape (batch, n_outputs)."""
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
            kind = trainer_class(loss, mirrored(self.device) is not None)
            with placed(self.device):
                self._trainers[key] = kind(self, make_optimizer(), loss)
            while len(self._trainers) > _KEEP:
                self._trainers.popitem(last=False)
        self._trainers.move_to_end(key)
        return self._trainers[key]


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
        if program.training:
            program = _make_program(spec, device, build, steps)
        # What is compiled must be called from the device of its weights. Layers see to it
        # themselves, for several devices too.
        with nullcontext() if program.compiled is None else tf.device(device):
            yield program


def _shared_program(spec, device, build, steps):
    key = (build, steps, spec, device, way_of_steps())
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
