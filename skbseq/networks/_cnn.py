"""Causal dilated convolutions over embedded events."""

from numbers import Integral

from skbseq._checks import Interval
from skbseq._parameters import ONE_OR_MORE, SHARE, Option
from skbseq.networks._network import UNITS, ClassTexts, Network


def cnn(events, lengths, *, units, n_layers, kernel_size, dropout):
    """Residual blocks of two causal convolutions, whose reach doubles from block to block.

    Padding is on the right and a convolution only looks left, so no real step ever sees it.
    """
    import keras

    def convolve(x, distance, name):
        if dropout:
            x = keras.layers.Dropout(dropout)(x)
        layer = keras.layers.Conv1D(
            units,
            kernel_size,
            padding="causal",
            dilation_rate=distance,
            activation="relu",
            name=name,
        )
        return layer(x)

    # The sum in each block needs both parts of one size.
    x = keras.layers.Dense(units, name="input_projection")(events)
    for i in range(n_layers):
        # Distances that double reach exponentially far with few layers.
        y = convolve(x, 2**i, f"convolution_{i}_a")
        y = convolve(y, 2**i, f"convolution_{i}_b")
        x = keras.layers.Add()([x, y])
    return x


NETWORK = Network(
    name="cnn",
    build=cnn,
    reads="all events in parallel, each with some before it",
    least_weights=lambda width, *, units, n_layers, kernel_size, **_: (
        units * (width + 2 * n_layers * kernel_size * units)
    ),
    options={
        "units": UNITS,
        "n_layers": Option(
            4,
            # The distances of more blocks exceed any history.
            [Interval(Integral, 1, 20, closed="both")],
            "int",
            "Number of residual blocks of two convolutions. Each doubles the dilation.",
        ),
        "kernel_size": Option(
            3,
            ONE_OR_MORE,
            "int",
            """
            Number of events in the kernel of a convolution. With kernel size k and n blocks, the
            receptive field is ``1 + 2 (k - 1) (2 ** n - 1)`` events.
            """,
        ),
        "dropout": Option(
            0.1,
            SHARE,
            "float",
            "Share of the inputs of each layer, and of the last vector, set to zero in training.",
        ),
    },
    texts=ClassTexts(
        prefix="CNN",
        title="causal dilated convolutions",
        description="""
        A temporal convolutional network: residual blocks of two causal convolutions, whose
        dilation doubles from block to block. All events are computed in parallel, so long
        histories take less time than with a recurrent network. With ``pooling="last"``, events
        outside the receptive field have no influence.
        """,
        notes=r"""
        With :math:`k` kernels :math:`W_j`, a convolution in block :math:`i` is

        .. math::

            (W * x)_t = \sum_{j=0}^{k-1} W_j x_{t - 2^i j} + b

        where :math:`x_t = 0` before the first event, and a block is
        :math:`x + \mathrm{relu}(V * \mathrm{relu}(W * x))`.
        """,
        references="""
        Bai, Kolter, Koltun (2018). An empirical evaluation of generic convolutional and recurrent
        networks for sequence modeling. arXiv:1803.01271.

        van den Oord et al. (2016). WaveNet: a generative model for raw audio. arXiv:1609.03499.
        """,
    ),
)
