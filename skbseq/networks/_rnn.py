"""A simple recurrent network over embedded events."""

from functools import partial

from skbseq.networks._network import ClassTexts, Network
from skbseq.networks._recurrent import RECURRENT_OPTIONS, recurrent_weights, stack_recurrent


def rnn(events, lengths, **options):
    """Stacked recurrences of a tanh; the vectors are the states after each event."""
    import keras

    return stack_recurrent(keras.layers.SimpleRNN, "rnn", events, lengths, **options)


NETWORK = Network(
    name="rnn",
    build=rnn,
    reads="event by event, without gates",
    options=RECURRENT_OPTIONS,
    least_weights=partial(recurrent_weights, 1),
    texts=ClassTexts(
        prefix="RNN",
        title="a simple recurrent network",
        description="""
        Like the LSTM, but without gates and with a quarter of the weights. It soon forgets events
        that lie about ten steps back. Use it as a baseline that shows the value of gates.
        """,
        notes=r"""
        With input :math:`x_t` the state is

        .. math::

            h_t = \tanh(W x_t + U h_{t-1} + b)
        """,
        references="""
        Elman (1990). Finding structure in time. Cognitive Science 14(2).

        Bengio, Simard, Frasconi (1994). Learning long-term dependencies with gradient descent is
        difficult. IEEE Transactions on Neural Networks 5(2).
        """,
    ),
)
