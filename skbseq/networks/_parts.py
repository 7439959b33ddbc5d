"""What every network shares: its inputs, the reversal of right-padded steps, pooling, the head."""

import functools
import random

import keras
from keras import ops


def leaves_random_alone(build):
    """Decorate a builder: Keras draws seeds from Python's ``random`` that are never used."""

    @functools.wraps(build)
    def wrapped(spec):
        state = random.getstate()
        try:
            return build(spec)
        finally:
            random.setstate(state)

    return wrapped


def sequence_inputs(spec):
    """Inputs of a network, right-padded.

    Returns
    -------
    dict of str to KerasTensor
        ``codes`` of shape (batch, steps, categorical channels), ``numbers`` of shape
        (batch, steps, numeric channels), ``context`` of shape (batch, context columns) and
        ``lengths`` of shape (batch,).
    """
    return {
        "codes": keras.Input((None, len(spec.vocabulary_sizes)), dtype="int32", name="codes"),
        "numbers": keras.Input((None, spec.n_numbers), name="numbers"),
        "context": keras.Input((spec.n_context,), name="context"),
        "lengths": keras.Input((), dtype="int32", name="lengths"),
    }


def embed_events(inputs, spec):
    """One vector per event: an embedding of each categorical channel beside the numbers."""
    parts = []
    for i, (size, dim) in enumerate(zip(spec.vocabulary_sizes, spec.embedding_dims, strict=True)):
        layer = keras.layers.Embedding(size, dim, dtype=spec.policy, name=f"embedding_{i}")
        parts.append(layer(inputs["codes"][:, :, i]))
    if spec.n_numbers:
        parts.append(inputs["numbers"])
    return keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]


def _positions(x):
    return ops.arange(ops.shape(x)[1])[None, :]


@keras.saving.register_keras_serializable(package="skbseq")
class ReverseSteps(keras.layers.Layer):
    """Real steps in reverse order; padding stays at the end."""

    def call(self, x, lengths):
        """Reverse a tensor of shape (batch, steps, features)."""
        steps, lengths = _positions(x), lengths[:, None]
        order = ops.where(steps < lengths, lengths - 1 - steps, steps)
        return ops.take_along_axis(x, order[:, :, None], axis=1)

    def compute_output_shape(self, x_shape, lengths_shape):
        """Shape of the first input."""
        return x_shape


@keras.saving.register_keras_serializable(package="skbseq")
class PoolSteps(keras.layers.Layer):
    """One vector of all real steps: the last, their mean, or their largest values.

    An empty sequence gives zeros, as the state of a recurrence does before its first step.
    """

    def __init__(self, kind, **kwargs):
        super().__init__(**kwargs)
        self.kind = kind

    def get_config(self):
        """Arguments to make the layer anew."""
        return {**super().get_config(), "kind": self.kind}

    def call(self, x, lengths):
        """Pool a tensor of shape (batch, steps, features)."""
        some = ops.cast(lengths > 0, x.dtype)[:, None]
        if self.kind == "last":
            index = ops.maximum(lengths - 1, 0)[:, None, None]
            return ops.take_along_axis(x, index, axis=1)[:, 0] * some
        mask = ops.cast(_positions(x) < lengths[:, None], x.dtype)[:, :, None]
        if self.kind == "mean":
            return ops.sum(x * mask, axis=1) / ops.cast(ops.maximum(lengths, 1), x.dtype)[:, None]
        # -1e4 lies below every state and is still a float16.
        return ops.max(x * mask - 1e4 * (1 - mask), axis=1) * some

    def compute_output_shape(self, x_shape, lengths_shape):
        """Shape without the steps."""
        return x_shape[0], x_shape[2]


def judge(x, context, spec):
    """Outputs from one vector per sequence, joined by the context."""
    if spec.n_context:
        x = keras.layers.Concatenate()([x, context])
        x = keras.layers.Dense(spec.units, activation="relu", dtype=spec.policy, name="joined")(x)
    if spec.dropout:
        x = keras.layers.Dropout(spec.dropout, dtype=spec.policy)(x)
    return keras.layers.Dense(spec.n_outputs, dtype="float32", name="logits")(x)
