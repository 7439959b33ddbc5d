"""The simplest recurrence over embedded events."""

import keras

from skbseq.networks._recurrent import read_recurrent


def rnn(x, inputs, spec):
    """Stacked recurrences of a tanh; the vectors are the states after each event.

    Equations and references stand in :class:`skbseq.RNNBehaviorClassifier`.
    """
    return read_recurrent(keras.layers.SimpleRNN, "rnn", x, inputs, spec)
