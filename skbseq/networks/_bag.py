"""The mean of the events so far: the baseline without order for all other networks."""

from skbseq._parameters import SHARE, Option
from skbseq.networks._network import UNITS, ClassTexts, Network


def bag(events, lengths, *, units, dropout):
    """A layer on the mean of all events so far; the order of the events does not count."""
    import keras

    from skbseq.networks._graph._layers import MeanSoFar

    x = MeanSoFar(dtype="float32", name="mean_so_far")(events)
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    return keras.layers.Dense(units, activation="relu", name="bag")(x)


NETWORK = Network(
    name="bag",
    build=bag,
    reads="the mean of the events, ignoring order",
    options={
        "units": UNITS,
        "dropout": Option(
            0.0,
            SHARE,
            "float",
            "Share of the mean, and of the last vector, set to zero in training.",
        ),
    },
    texts=ClassTexts(
        prefix="Bag",
        title="the mean of their events, ignoring the order",
        description="""
        A baseline for networks that use the order of events. It has the same channels,
        embeddings, context and training, but reads only the mean of the events. If another
        network scores better, the order is informative. Numeric channels may still reveal the
        order, for example the time of each event.
        """,
        notes=r"""
        For events :math:`x_1, ..., x_t`, the vector is

        .. math::

            h_t = \mathrm{relu}\Bigl(W \frac{1}{t} \sum_{s=1}^{t} x_s + b\Bigr)
        """,
        references="""
        Zaheer et al. (2017). Deep sets. NeurIPS.
        """,
        without=("pooling",),
    ),
    least_weights=lambda width, *, units, **_: units * width,
    order_blind=True,
)
