"""Networks of the page "Custom networks": plain Keras functions of events and lengths."""

import keras
from keras import ops


def gated_convolution(events, lengths, *, units, n_layers=1, kernel_size=3):
    """Causal convolutions, each multiplied by a gate (Dauphin et al. 2017)."""
    x = events
    for _ in range(n_layers):
        new = keras.layers.Conv1D(units, kernel_size, padding="causal")(x)
        gate = keras.layers.Conv1D(units, kernel_size, padding="causal", activation="sigmoid")(x)
        x = keras.layers.Multiply()([new, gate])
    return x


def recent_mean(events, lengths, mask, *, units, half_life=5.0):
    """A mean of the events in which the weight of an event halves every `half_life` events."""
    x = keras.layers.Dense(units, activation="relu")(events)
    n_later = ops.cast(lengths[:, None] - ops.cumsum(ops.cast(mask, "int32"), axis=1), x.dtype)
    weights = ops.where(mask, 0.5 ** (n_later / half_life), 0.0)
    total = ops.sum(weights, axis=1, keepdims=True)
    return ops.sum(x * (weights / total)[:, :, None], axis=1)


def normalized_convolution(events, lengths, *, units, dropout=0.1):
    """A convolution with batch normalization and dropout."""
    x = keras.layers.Conv1D(units, 3, padding="causal", use_bias=False)(events)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    x = keras.layers.Activation("relu")(x)
    return keras.layers.Dropout(dropout)(x)


@keras.saving.register_keras_serializable(package="shop")
class MinimalGatedCell(keras.layers.Layer):
    """A step of a recurrent layer with one gate (Zhou et al. 2016).

    Parameters
    ----------
    units : int
        Size of the state.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, shape):
        n_inputs = shape[-1] + self.units
        self.gate_kernel = self.add_weight(shape=(n_inputs, self.units), name="gate_kernel")
        self.gate_bias = self.add_weight(shape=(self.units,), name="gate_bias")
        self.new_kernel = self.add_weight(shape=(n_inputs, self.units), name="new_kernel")
        self.new_bias = self.add_weight(shape=(self.units,), name="new_bias")

    def call(self, x, states):
        state = states[0]
        both = ops.concatenate([x, state], axis=1)
        gate = ops.sigmoid(ops.matmul(both, self.gate_kernel) + self.gate_bias)
        both = ops.concatenate([x, gate * state], axis=1)
        new = ops.tanh(ops.matmul(both, self.new_kernel) + self.new_bias)
        state = (1 - gate) * state + gate * new
        return state, [state]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def minimal_gated(events, lengths, *, units):
    """A recurrent layer of `MinimalGatedCell`."""
    return keras.layers.RNN(MinimalGatedCell(units), return_sequences=True)(events)
