"""Causal dilated convolutions over embedded events."""

import keras

from skbseq.networks._parts import PoolSteps


def cnn(x, inputs, spec):
    """Residual blocks of two causal convolutions, whose reach doubles from block to block.

    Equations and references stand in :class:`skbseq.CNNBehaviorClassifier`. Padding stands at the
    right and a convolution looks to the left alone, so no real step ever sees it.
    """
    size = spec.option("kernel_size")
    # A sum needs both of one size.
    x = keras.layers.Dense(spec.units, dtype=spec.policy, name="enter")(x)
    for i in range(spec.n_layers):
        y = _convolve(x, size, 2**i, f"convolution_{i}_a", spec)
        y = _convolve(y, size, 2**i, f"convolution_{i}_b", spec)
        x = keras.layers.Add(dtype=spec.policy)([x, y])
    return x, PoolSteps("last")(x, inputs["lengths"])


def _convolve(x, size, distance, name, spec):
    if spec.dropout:
        x = keras.layers.Dropout(spec.dropout, dtype=spec.policy)(x)
    return keras.layers.Conv1D(
        spec.units,
        size,
        padding="causal",
        dilation_rate=distance,
        activation="relu",
        dtype=spec.policy,
        name=name,
    )(x)
