"""Where estimators meet TensorFlow and scikeras: the only file that imports scikeras.

scikit-learn sees estimators of our own, whose tags, clone, labels and shapes are right, and not
the wrappers of scikeras 0.13, which break on newer versions of scikit-learn. What scikeras serves
here is its routing: from ``optimizer__weight_decay``, ``callbacks__0__patience`` and
``network__n_heads`` to the optimizer, the callbacks, and the arguments of a network's function.
"""

from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial

import keras
import numpy as np
import tensorflow as tf
from scikeras._utils import route_params, unflatten_params

from skbseq import _training
from skbseq._checks import shown
from skbseq._training import (
    AugmentationPlan,
    EarlyStopping,
    EpochReporter,
    Loss,
    borrow_program,
    check_callbacks,
    check_function,
    check_optimizer,
    choose_device,
    choose_precision,
    have_room,
    hold_out,
    make_loss,
    optimizer_class,
    optimizer_key,
    train,
    with_mean_weight_one,
)
from skbseq.networks._graph import (
    FusedRecurrence,
    build_network,
    head_layers,
    initial_weights,
    largest_ranks,
    merged_weights,
    named_layers,
    put_in,
    reading_part,
    stepwise_part,
    weight_names_of_layers,
)
from skbseq.networks._graph import weight_names as names_of_weights
from skbseq.networks._network import function_name

__all__ = [
    "Readout",
    "adapter_ranks",
    "choose_device",
    "choose_precision",
    "fit_network",
    "head_weight_names",
    "integrated_gradients",
    "keras_model",
    "layer_names",
    "output_width",
    "predict",
    "predict_each",
    "route_arguments",
    "weight_names",
]

# Losses of networks that may see no later event.
_CAUSAL = ("next_events", "next", "next_or_end")
# The state of an optimizer whose adapters are merged: the moments of their weights say nothing.
_STEPS_ALONE = "steps alone"
# How the outputs of a network become answers.
Readout = _training.Readout

# ------------------------------------------------------------------ programs


def _borrow(spec, device, batch_shape=(1, 1)):
    """The program of a network, fused where this applies and fits into memory."""
    fused = None
    # On a GPU cuDNN is faster.
    alone = device.startswith("/CPU") and "," not in device
    if alone and FusedRecurrence.supports(spec) and have_room(FusedRecurrence, spec, *batch_shape):
        fused = FusedRecurrence
        spec = _without_dropout(spec)  # there it is a value; in layers, a part of the graph
    return borrow_program(spec, device, build_network, fused)


@lru_cache(maxsize=64)  # otherwise each prediction of one row makes another spec
def _without_dropout(spec):
    return replace(spec, dropout=0.0)


def _all_trained(spec):
    return replace(spec, frozen=(), adapters=())


@contextmanager
def _explaining_memory():
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(
            "The device ran out of memory. Use a smaller batch_size, shorter histories "
            "(max_events, max_length), fewer n_jobs, because each worker holds a network on the "
            "same device, or device='cpu'."
        ) from error


def layer_names(spec):
    """Names of the layers with weights of a network, and of those among them that are heads."""
    with _borrow(_all_trained(spec), "/CPU:0") as program:
        return list(named_layers(program.model)), head_layers(program.model)


def adapter_ranks(spec):
    """The largest rank of an adapter in each layer that can have one; see `largest_ranks`."""
    with _borrow(_all_trained(spec), "/CPU:0") as program:
        return largest_ranks(program.model)


def weight_names(spec):
    """Names of the weights of a network, in their order."""
    with _borrow(spec, "/CPU:0") as program:
        return names_of_weights(program.model)


def head_weight_names(spec):
    """Names of the weights of a network's heads."""
    with _borrow(spec, "/CPU:0") as program:
        return weight_names_of_layers(program.model, head_layers(program.model))


def output_width(spec):
    """Numbers that a network gives for each sequence."""
    with _borrow(spec, "/CPU:0") as program:
        return program.n_outputs


def keras_model(spec, weights):
    """A Keras model of its own with these weights."""
    model = build_network(replace(spec, checkpoint=False))  # its layers are easier to look at
    model.set_weights(weights)
    return model


def predict(spec, device, weights, data):
    """Outputs of the network for all samples under these weights."""
    with _explaining_memory(), _borrow(spec, device) as program:
        program.load(weights)
        return _training.predict(program, data)


def predict_each(spec, device, weights, data):
    """Outputs of the network after each event of all samples; see ``_training.predict_each``.

    Returns
    -------
    ndarray of float32 or None
        None if the network gives one vector per history only.
    """
    begin = spec.head is not None and spec.head.begin
    with _explaining_memory(), _borrow(spec, device) as program:
        step = program.stepwise(partial(stepwise_part, spec=spec))
        if step is None:
            return None
        program.load(weights)
        return _training.predict_each(program, data, step, begin=begin)


def integrated_gradients(spec, device, weights, data, background, targets, readout):
    """Contributions of embedded events; see ``_training.integrated_gradients``."""
    begin = spec.head is not None and spec.head.begin
    with _explaining_memory(), _borrow(spec, device) as program:
        program.load(weights)
        tables = [
            program.model.get_layer(f"embedding_{i}").get_weights()[0]
            for i in range(len(spec.vocabulary_sizes))
        ]
        attribution = program.attribution(
            readout, lambda model: reading_part(model, spec), begin=begin
        )
        return _training.integrated_gradients(
            attribution, tables, data, background, targets, readout
        )


# ------------------------------------------------------------------ training


def fit_network(model, samples, objective, regime, start):
    """Train a network.

    Parameters
    ----------
    model : SequenceModel
        Its schema is kept.
    samples : tuple of (Sequences, ndarray, ndarray)
        Data, targets (labels, or numbers) and sample weights.
    objective : Objective
    regime : Regime
    start : Start

    Returns
    -------
    SequenceModel
    held_out : ndarray of int
        The samples that were held out.
    """
    check_parameters(regime.parameters)
    rng = np.random.default_rng([regime.seed, 1])
    stratified = objective.classes is not None
    samples, held_out, others = hold_out(
        samples, regime.validation_split, rng, stratified=stratified
    )
    if not regime.one_epoch:
        # The mean of a partial fit's few samples would say nothing of the others.
        samples, held_out = with_mean_weight_one(samples, held_out)
    device, loss = choose_device(regime.device), make_loss(objective.loss)
    if not loss.spreads:
        device = device.partition(",")[0]
    policy = choose_precision(regime.precision, device, objective.spec.units)
    spec = replace(objective.spec, policy=policy)
    shape = regime.setting("batch_size"), samples[0].lengths.max(initial=1)
    with _explaining_memory(), _borrow(spec, device, shape) as program:
        names = names_of_weights(program.model)
        model = replace(model, spec=spec, weights=None, weight_names=names, device=program.device)
        run = _Run(program, loss, regime, start, model)
        parts = (_with_targets(part, objective.classes) for part in (samples, held_out))
        return run(*parts), others


def _with_targets(samples, classes):
    """Samples whose targets are what the loss takes: classes as their numbers."""
    if samples is None:
        return None
    data, y, sample_weight = samples
    y = np.asarray(y if classes is None else np.searchsorted(classes, y), np.float32)
    # A single label of several is a column; the losses of one output take it flat.
    return data, y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y, sample_weight


class _Run:
    """One fit of a program whose lock is held.

    Parameters
    ----------
    program : Program
    loss : Loss, or another that ``make_loss`` makes
    regime : Regime
    start : Start
    model : SequenceModel
        Without weights.
    """

    def __init__(self, program, loss, regime, start, model):
        self._program, self._loss, self._regime = program, loss, regime
        self._start, self._model = start, model
        parameters = regime.parameters
        optimizer = _make_optimizer(parameters)
        self._callbacks = _make_callbacks(parameters)
        key, self._learning_rate = optimizer_key(optimizer)
        policy = model.spec.policy
        # A state is only of use to an optimizer of the same class and precision.
        self._kind = f"{key.partition(' ')[0]} {policy}"

        def copy_optimizer():
            # A user's instance stays untouched. An optimizer belongs to the devices in whose
            # scope it is made.
            copy = type(optimizer).from_config(optimizer.get_config())
            scaled = policy == "mixed_float16"
            return keras.optimizers.LossScaleOptimizer(copy) if scaled else copy

        self._trainer = program.trainer(key, copy_optimizer, loss)
        self._trainer.compile()

    def __call__(self, samples, held_out):
        """Train; the model with its weights."""
        self._put_weights_in()
        self._check_function(samples)
        before = self._history_before()
        plan = self._plan(len(before.get("loss", ())))
        self._trainer.begin(samples, plan["batch_size"])
        callbacks = [*self._own_callbacks(held_out), *self._callbacks]
        self._program.training = True
        try:
            history, padding = train(
                self._trainer,
                *samples,
                held_out,
                plan=plan,
                callbacks=callbacks,
                options=self._options(),
                verbose=int(self._regime.setting("verbose")),
            )
        finally:
            self._program.training = False
            for callback in callbacks:  # otherwise a parameter would keep the model alive
                callback.set_model(None)
        # Once more with trained weights: those that begin at zero show nothing before.
        self._check_function(samples)
        history = {n: [*before.get(n, ()), *values] for n, values in history.items()}
        return replace(
            self._with(self._program.model.get_weights()),
            optimizer_state=self._state_to_keep(),
            history=history,
            best_epoch=_epoch_kept(callbacks) or len(history["loss"]),
            padding=padding,
        )

    def _with(self, weights):
        """The model with weights of the program, where products of adapters are merged."""
        spec = self._model.spec
        if spec.adapters:  # nothing is frozen any more, so predictions share the plain graph
            spec, weights = _all_trained(spec), merged_weights(self._program.model, weights)
        return replace(self._model, spec=spec, weights=weights)

    def _put_weights_in(self):
        model, earlier = self._program.model, self._start.model
        state, self._n_merged = self._trainer.fresh_state, 0
        if earlier is None:
            weights = self._first_weights()
        else:
            weights, kept = earlier.weights, earlier.optimizer_state
            if self._fits(kept, state):
                state = kept["values"]
            elif kept is not None and kept["kind"] == _STEPS_ALONE:
                self._n_merged = int(kept["values"][0])
            if self._model.spec.adapters:  # those of the last fit are merged: these are new
                weights = put_in(model, self._first_weights(self._n_merged), weights)
        self._program.loaded = None
        model.set_weights(weights)
        self._trainer.start(state, self._learning_rate)
        # A fit that continues must not repeat the dropout and the batches of the one before.
        self._n_steps_before = self._n_steps()
        self._trainer.set_seed(self._regime.seed + self._n_steps_before)

    def _n_steps(self):
        """Batches so far, those before adapters were merged included."""
        return self._n_merged + self._trainer.n_batches()

    def _first_weights(self, *n_steps):
        """Initial weights of the program, and those that are taken over."""
        spec, model, seed = self._model.spec, self._program.model, self._regime.seed
        own = None
        if spec.is_function:
            own = build_network(spec, seed + sum(n_steps)).get_weights()
        weights = initial_weights(model, np.random.default_rng([seed, 0, *n_steps]), own)
        names = zip(self._model.weight_names, merged_weights(model, weights), strict=True)
        values = [self._start.weights.get(name, weight) for name, weight in names]
        return put_in(model, weights, values)

    def _fits(self, kept, fresh):
        """Whether a kept optimizer state is of the optimizer at hand."""
        if kept is None:
            return False
        shapes = [[np.shape(value) for value in state] for state in (kept["values"], fresh)]
        return kept["kind"] == self._kind and shapes[0] == shapes[1]

    def _check_function(self, samples):
        spec = self._model.spec
        if spec.is_function:
            # Masked events may be seen from both sides, and parts of histories as a whole.
            causal = spec.head is not None and self._loss.kind in _CAUSAL
            begin = causal and spec.head.begin
            check_function(
                self._program.model,
                samples[0],
                name=function_name(spec.network),
                causal=causal,
                begin=begin,
                half=spec.policy != "float32",
            )

    def _history_before(self):
        earlier = self._start.model
        return earlier.history if earlier is not None and self._regime.one_epoch else {}

    def _state_to_keep(self):
        # The state of other losses is large, and mostly nothing continues from it.
        if not (isinstance(self._loss, Loss) or self._regime.keeps_state):
            return None
        if self._model.spec.adapters:
            return {"kind": _STEPS_ALONE, "values": [np.array(self._n_steps())]}
        return {"kind": self._kind, "values": self._trainer.state()}

    def _options(self):
        regime = self._regime
        return {
            "l1": regime.l1,
            "l2": regime.l2,
            "dropout": self._model.spec.dropout,
            "smoothing": regime.smoothing,
            "seed": regime.seed,
            "begun": self._n_steps_before,
        }

    def _plan(self, n_epochs_before):
        regime = self._regime
        n_epochs = 1 if regime.one_epoch else regime.setting("epochs")
        return {
            "epochs": n_epochs_before + n_epochs,
            "initial_epoch": n_epochs_before,
            "batch_size": regime.setting("batch_size"),
            "averaging": regime.averaging,
            "rng": np.random.default_rng([regime.seed, 2, self._n_steps_before]),
            "augmentation": AugmentationPlan(**regime.augmentation),
            "augmentation_rng": np.random.default_rng([regime.seed, 3, self._n_steps_before]),
        }

    def _own_callbacks(self, held_out):
        if self._regime.watch is not None:
            yield EpochReporter(
                *self._regime.watch,
                lambda weights: {"_sequence_model": self._with(weights)},
            )
        if self._regime.patience is not None and held_out is not None:
            monitor = getattr(self._loss, "monitor", "loss")
            yield EarlyStopping(monitor, self._regime.patience, lambda: self._trainer.held_out)


def _epoch_kept(callbacks):
    """Epoch, from 1, whose weights early stopping restored; None if it was off."""
    stops = [each for each in callbacks if isinstance(each, EarlyStopping)]
    return stops[0].best_epoch + 1 if stops else None


# ------------------------------------------------------------------ routed parameters


def route_arguments(routed):
    """Arguments of the network among routed parameters, ``network__n_heads`` as ``n_heads``."""
    return route_params(routed, destination="network", pass_filter=set(), strict=False)


def _make_optimizer(parameters):
    """The optimizer of the parameters, routed ones among them.

    Raises
    ------
    ValueError
        If Keras cannot make it.
    """
    optimizer = parameters["optimizer"]
    kind, routed = optimizer_class(optimizer), _routed_to("optimizer", parameters)
    # scikeras would make one optimizer of a name only to learn its class.
    try:
        return unflatten_params(kind if isinstance(optimizer, str) else optimizer, routed)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"optimizer={shown(optimizer)} cannot be made with its parameters "
            f"{shown(routed)}: {error}"
        ) from error


def check_parameters(parameters):
    """Refuse parameters of the optimizer and of callbacks, before any network is built.

    Raises
    ------
    TypeError
        If something is not a callback of Keras.
    ValueError
        If the optimizer is unknown, or a parameter is routed nowhere or not valid.
    """
    check_optimizer(parameters["optimizer"], _routed_to("optimizer", parameters))
    check_callbacks(parameters.get("callbacks"), _routed_to("callbacks", parameters))


def _routed_to(prefix, parameters):
    return route_params(parameters, destination=prefix, pass_filter=set(), strict=False)


def _make_callbacks(parameters):
    """Callbacks of the parameters, instances of classes with their routed parameters."""
    callbacks = parameters.get("callbacks")
    if callbacks is None:
        return []
    routed = _routed_to("callbacks", parameters)
    try:
        made = unflatten_params(callbacks, routed)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"callbacks={shown(callbacks)} cannot be made with their parameters "
            f"{shown(routed)}: {error}"
        ) from error
    made = list(made.values()) if isinstance(made, dict) else made
    return keras.tree.flatten(made if isinstance(made, list) else [made])
