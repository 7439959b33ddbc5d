"""Gated recurrent units over embedded events."""

import keras

from skbseq.networks._recurrent import read_recurrent


def gru(x, inputs, spec):
    """Stacked GRUs; the vectors are the states after each event.

    Keras' reset gate acts after the product with the recurrent kernel, as cuDNN has it.
    Equations and references stand in :class:`skbseq.GRUBehaviorClassifier`.
    """
    return read_recurrent(keras.layers.GRU, "gru", x, inputs, spec)
