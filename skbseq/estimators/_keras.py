"""scikeras beneath the estimators, and the repairs it needs: the only file that imports it.

scikit-learn never sees the classifier of scikeras. It sees estimators of its own making, whose
tags, clone, labels and shapes are therefore right; they hand their data to :class:`KerasEngine`
when they are fitted. So TensorFlow is loaded by the first fit and not by an import, and what
scikeras 0.13 breaks on the newer scikit-learn stays out of sight. What it serves here: routed
parameters of the optimizer and the callbacks, target encoding, histories, and epochs that go on.
"""

import inspect
import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache

import keras
import numpy as np
import tensorflow as tf
from scikeras.wrappers import KerasClassifier, KerasRegressor

from skbseq import _training
from skbseq._training import (
    AugmentationPlan,
    Loss,
    borrow_program,
    choose_device,
    choose_precision,
    have_room,
    make_loss,
    train,
)
from skbseq.networks import (
    LSTMSteps,
    NetworkSpec,
    build_event_network,
    build_network,
    check_kind,
    initial_weights,
    kind_of_network,
)

__all__ = [
    "FitTask",
    "check_kind",
    "choose_device",
    "choose_precision",
    "fit_network",
    "keras_model",
    "kind_of_network",
    "layer_names",
    "make_loss",
    "network_spec",
    "output_width",
    "predict",
    "weight_names",
]

# `keras.optimizers.get` makes an optimizer of a name, which takes a fifth of a short fit.
_OPTIMIZERS = {
    kind.__name__.lower(): kind
    for kind in (
        keras.optimizers.Adam,
        keras.optimizers.AdamW,
        keras.optimizers.RMSprop,
        keras.optimizers.SGD,
    )
}


@dataclass
class FitTask:
    """What a fit needs beyond the parameters that scikeras knows.

    Parameters
    ----------
    spec : NetworkSpec
    device : str
    seed : int
    loss : Loss, or another that ``make_loss`` makes
    classes : ndarray of shape (n_classes,) or None
        All labels, ascending; None where the targets are numbers.
    one_epoch : bool
        As ``partial_fit``: one epoch more.
    kept : dict or None
        What a fit left behind from which to go on: ``weights``, ``optimizer_state`` (one of
        another optimizer is left aside) and ``history``. None starts anew.
    penalty : tuple of (float, float)
        L1 and L2.
    smoothing : float
        Of labels.
    changes : dict
        Fields of the changes of histories in training; empty: none.
    patience : int or None
        Epochs without a better validation loss before training stops.
    validation : tuple of (Sequences, ndarray of labels, ndarray of sample weights) or None
    watch : tuple of (context, estimator) or None
        The callback context of scikit-learn 1.9, and whose it is.
    start : dict of str to ndarray
        Weights to begin with in the place of random ones, by their names.
    """

    spec: NetworkSpec
    device: str
    seed: int
    loss: object
    classes: np.ndarray | None
    one_epoch: bool
    kept: dict | None
    penalty: tuple
    smoothing: float
    changes: dict
    patience: int | None
    validation: tuple | None
    watch: tuple | None
    start: dict


def _borrow(spec, device, batch_shape=(1, 1)):
    """The program of a network, in steps written out where that serves and has room."""
    steps = None
    # On a GPU cuDNN is faster.
    build = _builder(spec)
    alone = device.startswith("/CPU") and "," not in device
    if alone and build is build_network and LSTMSteps.serve(spec):
        steps = LSTMSteps if have_room(LSTMSteps, spec, *batch_shape) else None
    if steps is not None:
        spec = _without_dropout(spec)  # there it is a value; in layers, a part of the graph
    return borrow_program(spec, device, build, steps)


@lru_cache(maxsize=64)  # or each prediction of one row makes a spec anew
def _without_dropout(spec):
    return replace(spec, dropout=0.0)


def _builder(spec):
    """What makes a spec's network: one that judges sequences, or that looks at each event."""
    return build_event_network if "targets" in dict(spec.options) else build_network


@contextmanager
def _explaining_memory():
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(
            "The device ran out of memory. Take a smaller batch_size, shorter histories "
            "(max_events, max_length), fewer n_jobs, for each worker holds a network on the same "
            "device, or device='cpu'."
        ) from error


def fit_network(task, data, y, sample_weight, *, parameters):
    """Train a network as a task says.

    Parameters
    ----------
    task : FitTask
    data : Sequences of n_samples
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Labels, or numbers.
    sample_weight : ndarray of float32 of shape (n_samples,)
    parameters : dict
        Of scikeras, routed ones among them.

    Returns
    -------
    SequenceEngine
        With ``weights_``, ``weight_names_``, ``optimizer_state_``, ``history_``, ``padding_``.
    """
    kind = NumberEngine if task.classes is None else ClassEngine
    engine = kind(task, **parameters)
    batch_size = parameters.get("fit__batch_size", parameters["batch_size"])
    shape = batch_size, data.lengths.max(initial=1)
    with _explaining_memory(), _borrow(task.spec, task.device, shape) as program:
        engine.train_on(program, data, y, sample_weight)
    return engine


class SequenceEngine:
    """scikeras over :class:`Sequences`, trained in batches of like length.

    Stands before a class of scikeras.

    Parameters
    ----------
    task : FitTask
    optimizer : str or class or keras.optimizers.Optimizer
    **parameters : dict
        Further parameters of scikeras, routed ones among them.
    """

    def __init__(self, task, *, optimizer, **parameters):
        kind = _check_optimizer(optimizer, parameters)
        _check_callbacks(parameters.get("callbacks"), parameters)
        # Of a name scikeras would make one optimizer only to learn its class.
        named = isinstance(optimizer, str)
        super().__init__(optimizer=kind if named else optimizer, **parameters)
        self._task = task

    def train_on(self, program, data, y, sample_weight):
        """Train with a program whose lock is held."""
        self._program = program
        task = self._task
        if task.kept is not None:
            self.classes_ = task.classes
            self.history_ = {name: list(v) for name, v in task.kept["history"].items()}
            self._initialize(None, y if task.classes is None else task.classes)
        if not task.one_epoch:
            self.fit(data, y, sample_weight)
        elif task.classes is None:
            self.partial_fit(data, y, sample_weight)
        else:
            self.partial_fit(data, y, task.classes, sample_weight)

    @property
    def feature_encoder(self):
        """Nothing: sequences are encoded before they come here."""
        return _Identity()

    def _validate_data(self, X=None, y=None, reset=False, y_numeric=False):
        # The estimator above has checked both; scikeras only wants the kind of the target.
        if reset:
            self.target_type_ = self._type_of_target(y)
        return X, y

    @staticmethod
    def _validate_sample_weight(X, y, sample_weight):
        return X, y, sample_weight

    def _keras_build_fn(self, compile_kwargs):
        # An instance is the user's own; a copy is trained, and it stays as it was.
        optimizer = compile_kwargs["optimizer"]
        key, self._learning_rate = _optimizer_key(optimizer)
        self._kind = f"{key.partition(' ')[0]} {self._task.spec.policy}"
        scaled = self._task.spec.policy == "mixed_float16"

        def make_optimizer():
            # An optimizer belongs to the devices in whose scope it is made.
            copy = type(optimizer).from_config(optimizer.get_config())
            return keras.optimizers.LossScaleOptimizer(copy) if scaled else copy

        self._trainer = self._program.trainer(key, make_optimizer, self._task.loss)
        self._trainer.compile()
        return self._program.model

    def _fit_keras_model(self, X, y, sample_weight, warm_start, epochs, initial_epoch, **kwargs):
        self._start()
        plan, targets = self._plan(epochs, initial_epoch), _as_targets(y)
        self._trainer.begin((X, targets, sample_weight), plan["batch_size"])
        callbacks = [*self._own_callbacks(), *keras.tree.flatten(self._fit_callbacks)]
        self._program.training = True
        try:
            history, self.padding_ = train(
                self._trainer,
                X,
                targets,
                sample_weight,
                self._validation(),
                plan=plan,
                callbacks=callbacks,
                options=self._options(),
                verbose=getattr(self, "fit__verbose", self.verbose),
            )
        finally:
            self._program.training = False
            for callback in callbacks:  # else a parameter would go on holding a model
                callback.set_model(None)
        model = self._program.model
        self.weights_ = model.get_weights()
        self.weight_names_ = [weight.path for weight in model.weights]
        self.optimizer_state_ = None
        if isinstance(self._task.loss, Loss):  # nothing goes on from others, and theirs is large
            self.optimizer_state_ = {"kind": self._kind, "values": self._trainer.state()}
        if initial_epoch == 0:
            self.history_ = {}
        for name, values in history.items():
            self.history_.setdefault(name, []).extend(values)

    def _start(self):
        task, model, state = self._task, self._program.model, self._trainer.fresh_state
        if task.kept is None:
            weights = initial_weights(model, np.random.default_rng([task.seed, 0]))
            for i, weight in enumerate(model.weights):
                weights[i] = task.start.get(weight.path, weights[i])
        else:
            weights, left = task.kept["weights"], task.kept["optimizer_state"]
            if self._fits(left, state):
                state = left["values"]
        self._program.loaded = None
        model.set_weights(weights)
        self._trainer.start(state, self._learning_rate)
        # A fit that goes on must not repeat the dropout and the batches of the one before.
        self._n_steps_before = int(self._trainer.optimizer.iterations.numpy())
        self._trainer.set_seed(task.seed + self._n_steps_before)

    def _fits(self, kept, fresh):
        """Whether a kept optimizer state is of the optimizer at hand."""
        if kept is None:
            return False
        shapes = [[np.shape(value) for value in state] for state in (kept["values"], fresh)]
        return kept["kind"] == self._kind and shapes[0] == shapes[1]

    def _options(self):
        l1, l2 = self._task.penalty
        return {
            "l1": l1,
            "l2": l2,
            "dropout": self._task.spec.dropout,
            "smoothing": self._task.smoothing,
            "seed": self._task.seed,
            "begun": self._n_steps_before,
        }

    def _plan(self, epochs, initial_epoch):
        return {
            "epochs": initial_epoch + epochs,
            "initial_epoch": initial_epoch,
            "batch_size": getattr(self, "fit__batch_size", self.batch_size),
            "rng": np.random.default_rng([self._task.seed, 2, self._n_steps_before]),
            "augmentation": AugmentationPlan(**self._task.changes),
            "augmentation_rng": np.random.default_rng([self._task.seed, 3, self._n_steps_before]),
        }

    def _validation(self):
        if self._task.validation is None:
            return None
        data, labels, sample_weight = self._task.validation
        return data, _as_targets(self.target_encoder_.transform(labels)), sample_weight

    def _own_callbacks(self):
        if self._task.watch is not None:
            yield _EpochReporter(*self._task.watch)
        if self._task.patience is not None:
            yield keras.callbacks.EarlyStopping(
                monitor="val_loss", patience=self._task.patience, restore_best_weights=True
            )


class ClassEngine(SequenceEngine, KerasClassifier):
    """Of labels, which scikeras numbers."""


class NumberEngine(SequenceEngine, KerasRegressor):
    """Of targets that are numbers already."""

    @staticmethod
    def _type_of_target(y):
        return "continuous"  # unknown labels among them are NaN, which scikit-learn refuses

    @property
    def target_encoder(self):
        """Nothing."""
        return _Identity()


class _Identity:
    def fit(self, X):
        return self

    def transform(self, X):
        return X


class _EpochReporter(keras.callbacks.Callback):
    """Tell scikit-learn's callbacks of each epoch, and stop where one of them asks for it."""

    def __init__(self, context, estimator):
        super().__init__()
        self._context, self._estimator = context, estimator

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(estimator=self._estimator)

    def on_epoch_end(self, epoch, logs=None):
        stop = self._epoch.call_on_fit_task_end(
            estimator=self._estimator,
            metadata=dict(logs or {}),
            reconstruction_attributes=lambda: {"weights_": self.model.get_weights()},
        )
        if stop:
            self.model.stop_training = True


def _as_targets(encoded):
    """One number per sample, or several; a column of scikeras becomes one number."""
    encoded = np.asarray(encoded, np.float32)
    return encoded.reshape(-1) if encoded.ndim == 2 and encoded.shape[1] == 1 else encoded


def _optimizer_key(optimizer):
    """What decides the traced step of an optimizer, and the learning rate, which does not.

    A number is a value of the graph; a schedule is a part of it, and None stands for it.
    """
    config = optimizer.get_config()
    config.pop("name")  # Keras counts: adam, adam_1, adam_2
    rate = config.get("learning_rate")
    if not isinstance(rate, dict):
        rate = float(config.pop("learning_rate"))
    kind = f"{type(optimizer).__module__}.{type(optimizer).__qualname__}"
    key = f"{kind} {json.dumps(config, sort_keys=True, default=str)}"
    return key, None if isinstance(rate, dict) else rate


def _check_optimizer(optimizer, parameters):
    """Class of an optimizer; an unknown one is refused, as are parameters it does not take."""
    kind = _optimizer_class(optimizer)
    routed = _routed_to("optimizer", parameters)
    if routed and isinstance(optimizer, keras.optimizers.Optimizer):
        raise ValueError(
            f"optimizer__{routed[0]} cannot act on an optimizer instance. Give the "
            "optimizer by name or class, or set the parameter in the instance."
        )
    known = inspect.signature(kind.__init__).parameters
    takes = [name for name in known if name not in ("self", "kwargs", "args")]
    for name in routed:
        if name.split("__")[0] not in takes:
            raise ValueError(
                f"optimizer__{name} is not a parameter of {kind.__name__}, which takes "
                f"{', '.join(takes)}."
            )
    return kind


def _optimizer_class(optimizer):
    found = optimizer
    if isinstance(optimizer, str):
        found = _OPTIMIZERS.get(optimizer.lower(), optimizer)
    if isinstance(found, str):
        with suppress(ValueError):
            found = keras.optimizers.get(optimizer)
    kind = found if inspect.isclass(found) else type(found)
    if not issubclass(kind, keras.optimizers.Optimizer):
        raise ValueError(
            f"optimizer={optimizer!r} is not an optimizer of Keras. Use 'adam', 'adamw', "
            "'rmsprop', 'sgd', or a class or instance."
        )
    return kind


def _check_callbacks(callbacks, parameters):
    """Refuse what are no callbacks, and routed parameters of one that is not there."""
    if isinstance(callbacks, dict):
        places = callbacks
    elif isinstance(callbacks, list) or callbacks is None:
        places = dict(enumerate(callbacks or ()))
    else:
        places = {"": callbacks}
    for given in places.values():
        for callback in given if isinstance(given, list) else [given]:
            kind = callback if inspect.isclass(callback) else type(callback)
            if not issubclass(kind, keras.callbacks.Callback):
                raise TypeError(
                    f"callbacks holds {callback!r}, which is not a callback of Keras. Give a list "
                    "of instances or classes of keras.callbacks.Callback."
                )
    if "" in places:
        return
    known = {str(place) for place in places}
    for name in _routed_to("callbacks", parameters):
        # A name without a place is of all callbacks.
        if not known or ("__" in name and name.partition("__")[0] not in known):
            raise ValueError(f"callbacks__{name} has nothing to act on: callbacks={callbacks!r}.")


def _routed_to(room, parameters):
    prefix = f"{room}__"
    return [name.removeprefix(prefix) for name in parameters if name.startswith(prefix)]


def network_spec(fields):
    """The spec of a network from its fields."""
    return NetworkSpec(**fields)


def layer_names(spec):
    """Names of the layers of a network that have weights, in their order."""
    with _borrow(replace(spec, frozen=()), "/CPU:0") as program:
        return [layer.name for layer in program.model.layers if layer.weights]


def weight_names(spec):
    """Names of the weights of a network, in their order."""
    with _borrow(spec, "/CPU:0") as program:
        return [weight.path for weight in program.model.weights]


def output_width(spec):
    """Numbers that a network gives for each sequence."""
    with _borrow(spec, "/CPU:0") as program:
        return program.n_outputs


def keras_model(spec, weights):
    """A Keras model of its own with these weights."""
    model = _builder(spec)(spec)
    model.set_weights(weights)
    return model


def predict(spec, device, weights, data):
    """Outputs of the network for all samples under these weights."""
    with _explaining_memory(), _borrow(spec, device) as program:
        program.load(weights)
        return _training.predict(program, data)
