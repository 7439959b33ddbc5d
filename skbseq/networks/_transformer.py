"""Self-attention over embedded events."""

import math

import keras
from keras import ops

from skbseq.networks._parts import PoolSteps


def transformer(x, inputs, spec):
    """Blocks of attention and a feed-forward layer, each normalised before and added after.

    An event attends to itself and what came before; to all real events where bidirectional.
    Equations and references stand in :class:`skbseq.TransformerBehaviorClassifier`.
    """
    lengths = inputs["lengths"]
    if spec.n_numbers:
        waves = LearnedWaves(spec.units, dtype=spec.policy, name="waves")(inputs["numbers"])
        x = keras.layers.Concatenate(dtype=spec.policy)([x, waves])
    x = AddPositions(dtype=spec.policy, name="positions")(_dense(spec, "enter", spec.units)(x))
    for i in range(spec.n_layers):
        x = _add(x, _attention(_norm(x, spec, f"norm_{i}_a"), lengths, spec, i), spec)
        x = _add(x, _feed_forward(_norm(x, spec, f"norm_{i}_b"), spec, i), spec)
    x = _norm(x, spec, "norm")
    return x, PoolSteps("last")(x, lengths)


def _dense(spec, name, width, **options):
    return keras.layers.Dense(width, dtype=spec.policy, name=name, **options)


def _norm(x, spec, name):
    return keras.layers.LayerNormalization(epsilon=1e-6, dtype=spec.policy, name=name)(x)


def _add(x, y, spec):
    if spec.dropout:
        y = keras.layers.Dropout(spec.dropout, dtype=spec.policy)(y)
    return keras.layers.Add(dtype=spec.policy)([x, y])


def _attention(x, lengths, spec, i):
    heads = spec.option("n_heads")
    width = -(-spec.units // heads) * heads  # every head of one size, whatever the units
    parts = [_dense(spec, f"{name}_{i}", width)(x) for name in ("query", "key", "value")]
    attend = Attend(heads, not spec.bidirectional, dtype=spec.policy, name=f"attend_{i}")
    return _dense(spec, f"joined_heads_{i}", spec.units)(attend(*parts, lengths))


def _feed_forward(x, spec, i):
    width = spec.option("feed_forward_units") or 2 * spec.units
    x = _dense(spec, f"feed_forward_{i}", width, activation="relu")(x)
    return _dense(spec, f"back_{i}", spec.units)(x)


@keras.saving.register_keras_serializable(package="skbseq")
class LearnedWaves(keras.layers.Layer):
    """Sines of sums of numbers, of learned frequencies and phases (Time2Vec).

    Parameters
    ----------
    n_waves : int
    """

    def __init__(self, n_waves, **kwargs):
        super().__init__(**kwargs)
        self.n_waves = n_waves

    def get_config(self):
        """Arguments to make the layer anew."""
        return {**super().get_config(), "n_waves": self.n_waves}

    def build(self, x_shape):
        """Make the weights."""
        self.frequency = self.add_weight(shape=(x_shape[-1], self.n_waves), name="frequency")
        self.phase = self.add_weight(shape=(self.n_waves,), name="phase")

    def call(self, x):
        """Waves of a tensor of shape (batch, steps, numbers)."""
        return ops.sin(ops.matmul(x, self.frequency) + self.phase)

    def compute_output_shape(self, x_shape):
        """Shape with waves in the place of numbers."""
        return *x_shape[:-1], self.n_waves


@keras.saving.register_keras_serializable(package="skbseq")
class AddPositions(keras.layers.Layer):
    """Add sines and cosines of the place, counted from the first event on."""

    def call(self, x):
        """Add to a tensor of shape (batch, steps, features)."""
        width = x.shape[2]
        place = ops.cast(ops.arange(ops.shape(x)[1]), "float32")[:, None]
        pace = ops.exp(-math.log(10_000) * ops.arange(0, width, 2, dtype="float32") / width)
        angles = place * pace
        waves = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=1)
        return x + ops.cast(waves[:, :width], x.dtype)

    def compute_output_shape(self, x_shape):
        """Shape of the input."""
        return x_shape


@keras.saving.register_keras_serializable(package="skbseq")
class Attend(keras.layers.Layer):
    """Attention of several heads by scaled products; padding is not attended to.

    What is far away counts less, by a slope that differs from head to head (ALiBi). On the
    generated shop that gained 0.01 of AUC, for there the latest events decide.

    Parameters
    ----------
    n_heads : int
    causal : bool
        Whether a step attends to no later one.
    """

    def __init__(self, n_heads, causal, **kwargs):
        super().__init__(**kwargs)
        self.n_heads, self.causal = n_heads, causal

    def get_config(self):
        """Arguments to make the layer anew."""
        return {**super().get_config(), "n_heads": self.n_heads, "causal": self.causal}

    def call(self, query, key, value, lengths):
        """Attend by tensors of shape (batch, steps, features), the heads side by side."""
        shape = (-1, ops.shape(query)[1], self.n_heads, query.shape[2] // self.n_heads)
        query, key, value = (ops.reshape(x, shape) for x in (query, key, value))
        scores = ops.einsum("bqhd,bkhd->bhqk", query, key) / math.sqrt(shape[3])
        steps = ops.arange(shape[1])
        back = steps[:, None] - steps
        seen = back[None] >= 0 if self.causal else (steps < lengths[:, None])[:, None]
        # In float32: half precision ends before -1e9, and its sums of many steps are coarse.
        scores = ops.cast(scores, "float32") - self._fade() * ops.cast(ops.abs(back), "float32")
        weights = ops.softmax(ops.where(seen[:, None], scores, -1e9), axis=-1)
        result = ops.einsum("bhqk,bkhd->bqhd", ops.cast(weights, value.dtype), value)
        return ops.reshape(result, (-1, shape[1], shape[2] * shape[3]))

    def _fade(self):
        """What each head takes off a score for each step of distance, of shape (heads, 1, 1)."""
        slopes = [2 ** (-8 * (head + 1) / self.n_heads) for head in range(self.n_heads)]
        return ops.reshape(ops.convert_to_tensor(slopes, "float32"), (-1, 1, 1))

    def compute_output_shape(self, query_shape, key_shape, value_shape, lengths_shape):
        """Shape of the value."""
        return value_shape
