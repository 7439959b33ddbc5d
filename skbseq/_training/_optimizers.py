"""Optimizers by name, and what of an optimizer is part of a traced step."""

import inspect
import json
from contextlib import suppress
from functools import partial
from numbers import Integral, Real

import keras
import tensorflow as tf

from skbseq._checks import Interval, shown, validate_parameter_constraints

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

_FINITE = Interval(Real, None, None, closed="neither")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_SHARE = Interval(Real, 0, 1, closed="left")
_UP_TO_ONE = Interval(Real, 0, 1, closed="both")
# Keras checks few of them itself. A schedule may be an instance, or a class with parameters.
_CONSTRAINTS = {
    "learning_rate": [_POSITIVE, keras.optimizers.schedules.LearningRateSchedule, type, dict],
    **dict.fromkeys(("weight_decay", "adam_weight_decay"), (_NOT_NEGATIVE, None)),
    **dict.fromkeys(("clipnorm", "clipvalue", "global_clipnorm"), (_POSITIVE, None)),
    **dict.fromkeys(("beta_1", "beta_2", "adam_beta_1", "adam_beta_2", "rho"), (_SHARE,)),
    **dict.fromkeys(("momentum", "ema_momentum"), (_UP_TO_ONE,)),
    **dict.fromkeys(("epsilon", "epsilon_1", "epsilon_2"), (_NOT_NEGATIVE,)),
    "loss_scale_factor": [_POSITIVE, None],
    "ema_overwrite_frequency": [Interval(Integral, 1, None, closed="left"), None],
    "gradient_accumulation_steps": [Interval(Integral, 2, None, closed="left"), None],
    "name": [str, None],
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
            f"optimizer={shown(optimizer)} is not an optimizer of Keras. Use 'adam', 'adamw', "
            "'rmsprop', 'sgd', or a class or instance."
        )
    return kind


def check_optimizer(optimizer, routed):
    """Refuse parameters of an optimizer that Keras takes and that only fail within a step.

    Parameters
    ----------
    optimizer : str, class or keras.optimizers.Optimizer
    routed : dict
        Parameters that are routed to it, by name.

    Raises
    ------
    ValueError
        If it is not an optimizer, does not have a parameter, or a value is not valid.
    """
    kind, is_instance = optimizer_class(optimizer), isinstance(optimizer, keras.Optimizer)
    if routed and is_instance:
        raise ValueError(
            f"optimizer__{next(iter(routed))} cannot act on an optimizer instance. Give the "
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
    if kind.__module__.partition(".")[0] != "keras":
        return  # what a user's own parameters mean is not known
    given = optimizer.get_config() if is_instance else routed
    constraints = {name: _constraint(name, known[name].default) for name in given if name in known}
    wanted = {name: value for name, value in given.items() if constraints.get(name)}
    prefix = "" if is_instance else "optimizer__"
    validate_parameter_constraints(
        {f"{prefix}{name}": constraints[name] for name in wanted},
        {f"{prefix}{name}": value for name, value in wanted.items()},
        caller_name=kind.__name__,
    )


def _constraint(name, default):
    """What is valid for a parameter of Keras' optimizers; None: not known."""
    if name in _CONSTRAINTS:
        return _CONSTRAINTS[name]
    if isinstance(default, bool):
        return ["boolean"]
    return [_FINITE] if isinstance(default, (int, float)) else None


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
    with it the graph of the whole step (8 MB of a small GRU). Where TensorFlow merges the calls of
    all devices, Keras takes the gradients as already added up.

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
