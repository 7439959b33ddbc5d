"""Vectors and biases of all codes, as the losses of events read them."""

from dataclasses import dataclass

import tensorflow as tf

from skbseq._sequences import UNKNOWN


@dataclass(frozen=True)
class Described:
    """Rows that are the sum of an own part and of what the features of the code give.

    The sum is not formed for all codes unless all are needed: of a million, a batch compares with
    some thousands.

    Parameters
    ----------
    own : tensor of shape (n_codes, ...)
    features : tensor of shape (n_codes, n_features)
    kernel : tensor of shape (n_features, ...)
    hidden : tensor of bool of shape (n_codes,) or None
        Codes that have the own part of the unknown code in this step. None: there are none.
    """

    own: tf.Tensor
    features: tf.Tensor
    kernel: tf.Tensor
    hidden: tf.Tensor | None

    def rows(self, codes=None):
        """The rows of some codes, or of all."""
        codes = tf.range(tf.shape(self.own)[0]) if codes is None else codes
        features, own = tf.gather(self.features, codes), codes
        if self.hidden is not None:  # codes without features have nothing else to be found by
            hidden = tf.gather(self.hidden, codes) & tf.reduce_any(features != 0, axis=-1)
            own = tf.where(hidden, UNKNOWN, codes)
        return tf.gather(self.own, own) + tf.tensordot(features, self.kernel, 1)


def rows_of(table, codes):
    """Rows of a table, a tensor or :class:`Described`."""
    return table.rows(codes) if isinstance(table, Described) else tf.gather(table, codes)


def whole(table):
    """All rows of a table, a tensor or :class:`Described`."""
    return table.rows() if isinstance(table, Described) else table


def size_of(table):
    """Number of rows of a table."""
    return (table.own if isinstance(table, Described) else table).shape[0]


class CodeTables:
    """The output embedding of a channel's codes, and their biases.

    Parameters
    ----------
    model : keras.Model
        Of a spec with heads at its events.
    channel : int
    """

    def __init__(self, model, channel):
        self._head = model.get_layer(f"output_embedding_{channel}")
        own = self._head.own
        self._vectors = (
            self._head.vectors if own else model.get_layer(f"embedding_{channel}").embeddings
        )
        self._features = self._kernel = None
        if hasattr(self._head, "n_features"):
            self._features = model.get_layer("item_features").features
            projection = model.get_layer(f"feature_projection_{channel}")
            self._kernel = self._head.kernel if own else projection.kernel

    def read(self, training=False):
        """Vectors and biases; in training, some codes without their own part."""
        vectors, bias = self._vectors.value, self._head.bias.value
        if self._features is None:
            return vectors, bias
        hidden = self._head.draw_hidden(training)
        # In float32, as the comparison with the codes always is.
        features = tf.cast(self._features.value, tf.float32)
        return (
            Described(vectors, features, tf.cast(self._kernel.value, tf.float32), hidden),
            Described(bias, features, self._head.feature_bias.value, hidden),
        )
