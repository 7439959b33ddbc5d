"""What happened so far, in no order: the control beside the networks that read in order."""

import keras
from keras import ops

from skbseq.networks._parts import PoolSteps


def bag(x, inputs, spec):
    """A layer on the mean of all events so far; the order of the events does not count.

    Equations stand in :class:`skbseq.BagBehaviorClassifier`.
    """
    x = MeanSoFar(name="mean_so_far")(x)
    if spec.dropout:
        x = keras.layers.Dropout(spec.dropout, dtype=spec.policy)(x)
    x = keras.layers.Dense(spec.units, activation="relu", dtype=spec.policy, name="bag")(x)
    return x, PoolSteps("last")(x, inputs["lengths"])


@keras.saving.register_keras_serializable(package="skbseq")
class MeanSoFar(keras.layers.Layer):
    """Mean of each step and all before it."""

    def call(self, x):
        """Means of a tensor of shape (batch, steps, features)."""
        count = ops.cast(ops.arange(ops.shape(x)[1]) + 1, x.dtype)
        return ops.cumsum(x, axis=1) / count[:, None]

    def compute_output_shape(self, x_shape):
        """Shape of the input."""
        return x_shape
