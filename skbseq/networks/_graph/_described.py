"""Layers of ids that have features: a vector is the id's own part, plus what its features give."""

import keras
from keras import ops

from skbseq._sequences import UNKNOWN
from skbseq.networks._graph._layers import OutputEmbedding

_register = keras.saving.register_keras_serializable


@_register(package="skbseq")
class CodeFeatures(keras.layers.Layer):
    """The features of each code; they are given, and not trained.

    Parameters
    ----------
    n_codes, n_features : int
    """

    def __init__(self, n_codes, n_features, **kwargs):
        super().__init__(**kwargs)
        self.n_codes, self.n_features = n_codes, n_features

    def get_config(self):
        """Arguments that make the same layer."""
        return {**super().get_config(), "n_codes": self.n_codes, "n_features": self.n_features}

    def build(self, shape):
        """Make the weight."""
        shape = self.n_codes, self.n_features
        self.features = self.add_weight(shape, name="features", trainable=False)

    def call(self, codes):
        """Features of a tensor of codes, of shape (batch, steps, n_features)."""
        return ops.cast(ops.take(self.features, codes, axis=0), self.compute_dtype)

    def compute_output_spec(self, codes):
        """Its shape and type."""
        return keras.KerasTensor((*codes.shape, self.n_features), dtype=self.compute_dtype)


@_register(package="skbseq")
class HideCodes(keras.layers.Layer):
    """In training, the unknown code in place of some codes that have features.

    Parameters
    ----------
    rate : float
        Share of the events.
    """

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator(0)

    def get_config(self):
        """Arguments that make the same layer."""
        return {**super().get_config(), "rate": self.rate}

    def call(self, codes, features, training=False):
        """Codes of shape (batch, steps); their features have one axis more."""
        if not training or not self.rate:
            return codes
        drawn = keras.random.uniform(ops.shape(codes), seed=self.seed_generator)
        hidden = ops.logical_and(drawn < self.rate, ops.any(features != 0, axis=-1))
        return ops.where(hidden, UNKNOWN, codes)

    def compute_output_spec(self, codes, features, training=False):
        """Its shape and type."""
        return keras.KerasTensor(codes.shape, dtype=codes.dtype)


@_register(package="skbseq")
class DescribedEmbedding(OutputEmbedding):
    """An output embedding of codes that have features.

    The vector of code :math:`i` is :math:`e_i + W f_i` and its bias :math:`b_i + w f_i`. A code
    that is hidden has :math:`e_1` and :math:`b_1` of the unknown code in place of its own.

    Parameters
    ----------
    n_codes : int
    own : bool
        Whether the vectors are its own. If not, :math:`e_i` and :math:`W` are those of the input.
    n_features : int
    rate : float
        Share of the codes that are hidden in each step of training.
    temperature : float, default=None
        As of `OutputEmbedding`.
    """

    def __init__(self, n_codes, own, n_features, rate, temperature=None, **kwargs):
        super().__init__(n_codes, own, temperature, **kwargs)
        self.n_features, self.rate = n_features, rate
        self.seed_generator = keras.random.SeedGenerator(0)

    def get_config(self):
        """Arguments that make the same layer."""
        return {**super().get_config(), "n_features": self.n_features, "rate": self.rate}

    def build(self, shape):
        """Make the weights."""
        super().build(shape)
        if self.own:
            self.kernel = self.add_weight((self.n_features, shape[-1]), name="kernel")
        self.feature_bias = self.add_weight((self.n_features,), name="feature_bias")

    def draw_hidden(self, training):
        """Whether each code is hidden in this step; None: none is."""
        if not training or not self.rate:
            return None
        return keras.random.uniform((self.n_codes,), seed=self.seed_generator) < self.rate


def embed_described(codes, embed, channel, spec):
    """Embedded events of ids with features: their own part, and what their features give.

    Parameters
    ----------
    codes : KerasTensor of shape (batch, steps)
    embed : keras.layers.Embedding
        Of the own parts.
    channel : int
    spec : NetworkSpec
    """
    head, size, policy = spec.head, spec.vocabulary_sizes[channel], spec.policy
    features = CodeFeatures(size, head.n_features, dtype=policy, name="item_features")(codes)
    own = embed(HideCodes(head.own_dropout, name="hide_codes")(codes, features))
    width, name = spec.embedding_dims[channel], f"feature_projection_{channel}"
    project = keras.layers.Dense(width, use_bias=False, dtype=policy, name=name)
    return keras.layers.Add(dtype=policy)([own, project(features)])
