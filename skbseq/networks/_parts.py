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
        parts.append(_drop_events(layer(inputs["codes"][:, :, i]), spec))
    if spec.n_numbers:
        parts.append(inputs["numbers"])
    return keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]


def _drop_events(x, spec):
    """In training, zeros for some events in the place of the whole vector of a channel."""
    if not spec.embedding_dropout:
        return x
    drop = keras.layers.Dropout(spec.embedding_dropout, (None, None, 1), dtype=spec.policy)
    return drop(x)


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
    """One vector of all real steps: the last, their mean, their largest values, or "attention".

    That is their mean weighted by the softmax of scores. An empty sequence gives zeros, as the
    state of a recurrence does before its first step.
    """

    def __init__(self, kind, **kwargs):
        super().__init__(**kwargs)
        self.kind = kind

    def get_config(self):
        """Arguments to make the layer anew."""
        return {**super().get_config(), "kind": self.kind}

    def call(self, x, lengths, scores=None):
        """Pool a tensor of shape (batch, steps, features); scores are of (batch, steps, 1)."""
        some = (lengths > 0)[:, None]
        if self.kind == "last":
            index = ops.maximum(lengths - 1, 0)[:, None, None]
            return ops.where(some, ops.take_along_axis(x, index, axis=1)[:, 0], 0)
        real = (_positions(x) < lengths[:, None])[:, :, None]
        if self.kind == "max":
            return ops.where(some, ops.max(ops.where(real, x, -float("inf")), axis=1), 0)
        if self.kind == "mean":
            n_steps = ops.cast(ops.maximum(lengths, 1), x.dtype)[:, None]
            return ops.sum(ops.where(real, x, 0), axis=1) / n_steps
        # Not minus infinity, whose softmax over an empty sequence is not a number.
        weights = ops.where(real, ops.softmax(ops.where(real, scores, -1e9), axis=1), 0)
        return ops.sum(x * weights, axis=1)

    def compute_output_shape(self, x_shape, lengths_shape, scores_shape=None):
        """Shape without the steps."""
        return x_shape[0], x_shape[2]


def pool(x, lengths, spec):
    """One vector per sequence from one per event, by a kind other than "last"."""
    scores = None
    if spec.pooling == "attention":
        hidden = keras.layers.Dense(
            spec.units, activation="tanh", dtype=spec.policy, name="attention_hidden"
        )
        judge_step = keras.layers.Dense(
            1, use_bias=False, dtype=spec.policy, name="attention_score"
        )
        scores = judge_step(hidden(x))
    return PoolSteps(spec.pooling, name="pooling")(x, lengths, scores)


def judge(x, context, spec):
    """Outputs from one vector per sequence, joined by the context."""
    if spec.n_context:
        x = keras.layers.Concatenate()([x, context])
        x = keras.layers.Dense(spec.units, activation="relu", dtype=spec.policy, name="joined")(x)
    if spec.dropout:
        x = keras.layers.Dropout(spec.dropout, dtype=spec.policy)(x)
    return keras.layers.Dense(spec.n_outputs, dtype="float32", name="logits")(x)
