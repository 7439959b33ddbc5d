"""Long short-term memory over embedded events."""

from functools import partial

from skbseq.networks._network import Network
from skbseq.networks._recurrent import RECURRENT_OPTIONS, recurrent_weights, stack_recurrent


def lstm(events, lengths, **options):
    """Stacked LSTMs; the vectors are the states after each event.

    :class:`skbseq.LSTMBehaviorClassifier` has the equations and references.
    """
    import keras

    return stack_recurrent(keras.layers.LSTM, "lstm", events, lengths, **options)


# The two classes named after the LSTM are written by hand, so there are no texts for them here.
NETWORK = Network(
    name="lstm",
    build=lstm,
    reads="event by event, with three gates and a cell",
    options=RECURRENT_OPTIONS,
    least_weights=partial(recurrent_weights, 4),
)
