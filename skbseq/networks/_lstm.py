"""Long short-term memory over embedded events."""

import keras

from skbseq.networks._recurrent import read_recurrent


def lstm(x, inputs, spec):
    """Stacked LSTMs; the vectors are the states after each event.

    Equations and references stand in :class:`skbseq.LSTMBehaviorClassifier`.
    """
    return read_recurrent(keras.layers.LSTM, "lstm", x, inputs, spec)
