"""Optimizers by name, and what of an optimizer is part of a traced step."""

import inspect
import json
from contextlib import suppress
from functools import partial

import keras
import tensorflow as tf

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


def optimizer_class(optimizer):
    """The class of an optimizer that is a name, a class or an instance.

    Raises
    ------
    ValueError
        If it is none of Keras' optimizers.
    """
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


def optimizer_key(optimizer):
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


def release_with_trace(optimizer):
    """Let TensorFlow release the traced steps of an optimizer that runs on a single device.

    In `apply`, Keras' optimizers add up the gradients of all devices, also of one. That operation
    has a gradient of its own, which TensorFlow 2.21 registers for the rest of the process, and
    with it the graph of the whole step (15 to 25 MB). Where TensorFlow merges the calls of all
    devices, Keras takes the gradients as already added up.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Its ``apply`` is replaced, and that of the optimizer it may wrap.
    """
    # A LossScaleOptimizer must not run merged; it calls `apply` of the optimizer inside.
    while inner := getattr(optimizer, "inner_optimizer", None):
        optimizer = inner
    # A partial and not a closure, so that a deep copy of the optimizer applies its own updates.
    optimizer.apply = partial(_apply_merged, optimizer)


def _apply_merged(optimizer, grads, trainable_variables=None):
    def apply(_strategy):
        type(optimizer).apply(optimizer, grads, trainable_variables)

    if tf.distribute.has_strategy():  # the user's own: Keras must add up
        apply(None)
    else:
        tf.distribute.get_replica_context().merge_call(apply)
