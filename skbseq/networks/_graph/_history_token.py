"""A learned token that sums up the events before it, and the attention that reads it.

Karpukhin and Savchenko (2025). HT-Transformer: event sequences classification by accumulating
prefix information with history tokens. arXiv:2508.01474.
"""

import keras
from keras import ops

from skbseq.networks._graph._layers import attend_by_distance

_register = keras.saving.register_keras_serializable

# Share of the histories of a training step in which later events read the token.
_SHARE = 0.5


@_register(package="skbseq")
class HistoryToken(keras.layers.Layer):
    """A learned vector as the last step of each history, and the distances of all steps.

    The token has the place of the last event that it reads. Without ``draws`` and outside of
    training this is the last event of the history, and no event reads the token.

    Parameters
    ----------
    draws : bool
        Whether in training, for half of the histories, the token has the place of a random event,
        and later events read it and not the events before it.
    """

    def __init__(self, draws, **kwargs):
        super().__init__(**kwargs)
        self.draws = draws
        self.random = keras.random.SeedGenerator()

    def get_config(self):
        """Arguments that make the same layer."""
        return {**super().get_config(), "draws": self.draws}

    def build(self, x_shape, lengths_shape):
        """Make the weights."""
        self.vector = self.add_weight((x_shape[-1],), name="token")

    def call(self, x, lengths, training=False):
        """Events of shape (batch, steps, features) with the token, and distances for attention.

        Returns
        -------
        x : tensor of shape (batch, steps + 1, features)
            The token comes after the padding.
        distance : tensor of int32 of shape (batch, steps + 1, steps + 1)
            From each step to those that it reads; -1 to the others.
        """
        read = self._draw(lengths) if training and self.draws else lengths
        steps = ops.arange(ops.shape(x)[1])
        read, of_query, of_key = read[:, None, None], steps[None, :, None], steps[None, None]
        after, back = of_query >= read, of_query - of_key
        of_events = ops.where((back < 0) | (after & (of_key < read)), -1, back)
        to_token = ops.where(after, of_query - read + 1, -1)
        of_token = ops.where(of_key < read, read - 1 - of_key, -1)
        rows = [
            ops.concatenate([of_events, to_token], axis=2),
            ops.concatenate([of_token, ops.zeros_like(read)], axis=2),
        ]
        token = ops.cast(self.vector, x.dtype) + ops.zeros_like(x[:, :1])
        return ops.concatenate([x, token], axis=1), ops.concatenate(rows, axis=1)

    def _draw(self, lengths):
        """How many events each token reads."""
        shape = ops.shape(lengths)
        chosen = keras.random.uniform(shape, seed=self.random) < _SHARE
        # Two events are left at least: the first of them predicts the other.
        most = ops.maximum(lengths - 2, 1)
        share = keras.random.uniform(shape, seed=self.random)
        found = 1 + ops.cast(ops.floor(share * ops.cast(most, "float32")), "int32")
        return ops.where(chosen, ops.minimum(found, lengths), lengths)

    def compute_output_spec(self, x, lengths, training=False):
        """Shapes and types of the outputs."""
        n_steps = None if x.shape[1] is None else x.shape[1] + 1
        return (
            keras.KerasTensor((x.shape[0], n_steps, x.shape[2]), dtype=self.compute_dtype),
            keras.KerasTensor((x.shape[0], n_steps, n_steps), dtype="int32"),
        )


@_register(package="skbseq")
class DistanceAttention(keras.layers.Layer):
    """Attention of several heads between steps of given distances.

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

    def call(self, query, key, value, distance):
        """Attend; see `attend_by_distance`."""
        return attend_by_distance(query, key, value, distance, self.n_heads)

    def compute_output_shape(self, query_shape, key_shape, value_shape, distance_shape):
        """Shape of the query."""
        return query_shape


@_register(package="skbseq")
class TokenState(keras.layers.Layer):
    """The vector of the token, which is the last step; zeros for an empty history."""

    def call(self, x, lengths):
        """From a tensor of shape (batch, steps, features) to one of shape (batch, features)."""
        return ops.where((lengths > 0)[:, None], x[:, -1], 0)

    def compute_output_shape(self, x_shape, lengths_shape):
        """Shape without the steps."""
        return x_shape[0], x_shape[2]
