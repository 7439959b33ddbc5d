"""Gated recurrent units over embedded events."""

from functools import partial

from skbseq.networks._network import ClassTexts, Network
from skbseq.networks._recurrent import RECURRENT_OPTIONS, recurrent_weights, stack_recurrent


def gru(events, lengths, **options):
    """Stacked GRUs; the vectors are the states after each event.

    Keras' reset gate acts after the product with the recurrent kernel, as cuDNN has it.
    """
    import keras

    return stack_recurrent(keras.layers.GRU, "gru", events, lengths, **options)


NETWORK = Network(
    name="gru",
    build=gru,
    reads="event by event, with two gates",
    options=RECURRENT_OPTIONS,
    least_weights=partial(recurrent_weights, 3),
    texts=ClassTexts(
        prefix="GRU",
        title="a network of gated recurrent units",
        description="""
        Like the LSTM, but with two gates instead of three and without a separate cell, and so
        with a quarter fewer weights. Which of the two is better depends on the log.
        """,
        notes=r"""
        With input :math:`x_t` and state :math:`h_{t-1}` the two gates and the state are

        .. math::

            z, r &= \sigma(W_{z,r} x_t + U_{z,r} h_{t-1} + b_{z,r}) \\
            n &= \tanh(W_n x_t + b_n + r \odot (U_n h_{t-1} + d_n)) \\
            h_t &= z \odot h_{t-1} + (1 - z) \odot n

        The reset gate is applied after the product with :math:`U_n`, as in cuDNN.
        """,
        references="""
        Cho et al. (2014). Learning phrase representations using RNN encoder-decoder for
        statistical machine translation. EMNLP.
        """,
    ),
)
