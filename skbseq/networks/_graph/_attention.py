"""Keras layers of attention: its weights and values, positions, and elapsed times."""

import math

import keras
from keras import ops

_register = keras.saving.register_keras_serializable

# Elapsed times differ by doublings of a second, up to 2 ** 32 s, which are 136 years.
N_DOUBLINGS = 32
# No gap is longer; float32 and exp hold it.
_LONGEST_LOG = 22.5
# A scaled gap of more would be one whose scale says nothing. The sinh of it is finite.
_LARGEST_SCALED = 20.0


def _seen(x):
    """Which steps a step may see, itself and those before, of shape (steps, steps)."""
    steps = ops.arange(ops.shape(x)[1])
    return steps[:, None] >= steps


def _softmax(scores):
    """Shares along the last axis. Keras' function warns of histories of a single event."""
    powers = ops.exp(scores - ops.max(scores, axis=-1, keepdims=True))
    return powers / ops.sum(powers, axis=-1, keepdims=True)


def _split_heads(x, n_heads):
    return ops.reshape(x, (-1, ops.shape(x)[1], n_heads, x.shape[2] // n_heads))


def _join_heads(x):
    return ops.reshape(x, (-1, ops.shape(x)[1], x.shape[2] * x.shape[3]))


@_register(package="skbseq")
class AddPositionVectors(keras.layers.Layer):
    """Add a learned vector of the position, counted from the first event.

    Later positions than ``n_positions`` share the last vector.

    Parameters
    ----------
    n_positions : int
    """

    def __init__(self, n_positions, **kwargs):
        super().__init__(**kwargs)
        self.n_positions = n_positions

    def get_config(self):
        """Arguments that make the same layer."""
        return {**super().get_config(), "n_positions": self.n_positions}

    def build(self, x_shape):
        """Make the weights."""
        self.vectors = self.add_weight((self.n_positions, x_shape[-1]), name="position_vectors")

    def call(self, x):
        """Add to a tensor of shape (batch, steps, features)."""
        place = ops.minimum(ops.arange(ops.shape(x)[1]), self.n_positions - 1)
        return x + ops.cast(ops.take(self.vectors, place, axis=0), x.dtype)

    def compute_output_shape(self, x_shape):
        """Shape of the input."""
        return x_shape


@_register(package="skbseq")
class CausalWeights(keras.layers.Layer):
    """Weights of causal scaled dot-product attention. Padding on the right is never seen.

    Parameters
    ----------
    n_heads : int
    """

    def __init__(self, n_heads, **kwargs):
        super().__init__(**kwargs)
        self.n_heads = n_heads

    def get_config(self):
        """Arguments that make the same layer."""
        return {**super().get_config(), "n_heads": self.n_heads}

    def call(self, query, key):
        """Weights of shape (batch, heads, steps, steps); the heads stand side by side."""
        parts = (_split_heads(x, self.n_heads) for x in (query, key))
        scores = ops.einsum("bqhd,bkhd->bhqk", *parts)
        # In float32: half precision ends before -1e9, and its sums of many steps are coarse.
        scores = ops.cast(scores, "float32") / math.sqrt(query.shape[2] // self.n_heads)
        return ops.cast(_softmax(ops.where(_seen(query), scores, -1e9)), query.dtype)

    def compute_output_shape(self, query_shape, key_shape):
        """A weight for each head and each pair of steps."""
        return query_shape[0], self.n_heads, query_shape[1], key_shape[1]


@_register(package="skbseq")
class WeightedValues(keras.layers.Layer):
    """Sums of values by the weights of attention, the heads side by side."""

    def call(self, weights, value):
        """Sums of shape (batch, steps, features)."""
        heads = _split_heads(value, weights.shape[1])
        return _join_heads(ops.einsum("bhqk,bkhd->bqhd", weights, heads))

    def compute_output_shape(self, weights_shape, value_shape):
        """Shape of the value."""
        return value_shape


@_register(package="skbseq")
class PointwiseAttention(keras.layers.Layer):
    """Causal attention whose weights are the SiLU of scores, without a softmax.

    The sum is divided by the number of events seen. So a weight says how much an event counts,
    not only its share (Zhai et al. 2024).

    Parameters
    ----------
    n_heads : int
    """

    def __init__(self, n_heads, **kwargs):
        super().__init__(**kwargs)
        self.n_heads = n_heads

    def get_config(self):
        """Arguments that make the same layer."""
        return {**super().get_config(), "n_heads": self.n_heads}

    def call(self, query, key, value, bias):
        """Attend; ``bias`` of shape (batch or 1, steps, steps) is added to the scores."""
        query, key, value = (_split_heads(x, self.n_heads) for x in (query, key, value))
        scores = ops.cast(ops.einsum("bqhd,bkhd->bhqk", query, key), "float32") + bias[:, None]
        seen = _seen(query)
        count = ops.cast(ops.arange(ops.shape(query)[1]) + 1, "float32")[:, None]
        weights = ops.cast(ops.where(seen, ops.silu(scores), 0) / count, value.dtype)
        return _join_heads(ops.einsum("bhqk,bkhd->bqhd", weights, value))

    def compute_output_shape(self, query_shape, key_shape, value_shape, bias_shape):
        """Shape of the value."""
        return value_shape


@_register(package="skbseq")
class PairBias(keras.layers.Layer):
    """A learned bias of each pair of events, by their distance and the time between them.

    Larger distances than ``n_positions - 1`` share the last bias. Between the learned biases of
    two doublings of the time the bias is interpolated, so that it has slopes.

    Parameters
    ----------
    n_positions : int
    """

    def __init__(self, n_positions, **kwargs):
        super().__init__(**kwargs)
        self.n_positions = n_positions

    def get_config(self):
        """Arguments that make the same layer."""
        return {**super().get_config(), "n_positions": self.n_positions}

    def build(self, x_shape, doublings_shape=None):
        """Make the weights."""
        self.by_position = self.add_weight((self.n_positions,), name="position_bias")
        if doublings_shape is not None:
            self.by_time = self.add_weight((N_DOUBLINGS + 1,), name="time_bias")

    def call(self, x, doublings=None):
        """Biases of shape (batch or 1, steps, steps); ``doublings`` are of `ElapsedDoublings`."""
        steps = ops.arange(ops.shape(x)[1])
        distance = ops.clip(steps[:, None] - steps, 0, self.n_positions - 1)
        bias = ops.take(ops.cast(self.by_position, "float32"), distance)[None]
        if doublings is None:
            return bias
        lower = ops.minimum(ops.floor(doublings), N_DOUBLINGS - 1)
        share, place = doublings - lower, ops.cast(lower, "int32")
        by_time = ops.cast(self.by_time, "float32")
        below, above = ops.take(by_time, place), ops.take(by_time, place + 1)
        return bias + below + share * (above - below)

    def compute_output_shape(self, x_shape, doublings_shape=None):
        """A bias for each pair of steps."""
        batch = 1 if doublings_shape is None else x_shape[0]
        return batch, x_shape[1], x_shape[1]


@_register(package="skbseq")
class ElapsedDoublings(keras.layers.Layer):
    """log2(1 + seconds) from each earlier event to each event, 0 for later ones."""

    def call(self, gaps):
        """Doublings of shape (batch, steps, steps), from gaps of shape (batch, steps)."""
        # Seconds since the first event of some years need more digits than float32 has.
        moments = ops.cumsum(ops.cast(gaps, "float64"), axis=1)
        elapsed = ops.maximum(moments[:, :, None] - moments[:, None], 0)
        doublings = ops.log1p(ops.cast(elapsed, "float32")) / math.log(2)
        return ops.minimum(doublings, N_DOUBLINGS)

    def compute_output_spec(self, gaps):
        """A number for each pair of steps."""
        return keras.KerasTensor((gaps.shape[0], gaps.shape[1], gaps.shape[1]), dtype="float32")


@_register(package="skbseq")
class GapSeconds(keras.layers.Layer):
    """Seconds since the previous event, from the encoder's scaled time feature "gap".

    The encoder computes ``x = arsinh((log(1 + seconds) - center) / half_width)``. Both numbers are
    a weight that is not trained: it belongs to the encoder, and the graph serves all encoders.
    """

    def build(self, x_shape):
        """Make the weights."""
        self.scale = self.add_weight((2,), initializer="ones", trainable=False, name="gap_scale")

    def call(self, x):
        """Seconds of the scaled gaps, of any shape."""
        x = ops.clip(x, -_LARGEST_SCALED, _LARGEST_SCALED)
        logarithm = self.scale[0] + self.scale[1] * ops.sinh(x)
        return ops.expm1(ops.clip(logarithm, 0, _LONGEST_LOG))

    def compute_output_shape(self, x_shape):
        """Shape of the input."""
        return x_shape
