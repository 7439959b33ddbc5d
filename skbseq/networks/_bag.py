"""The mean of the events so far, in no order: the control for networks that read in order."""

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
    reads="the mean of the events, in no order",
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
        title="the mean of their events, blind to their order",
        description="""
        The control for networks that read in order: the same channels, embeddings, context and
        training, but only the mean of the events. What another network gains over this one, it
        gains from the order. (Numeric channels may still reveal the order: the time of each event
        does.)
        """,
        notes=r"""
        Of the events :math:`x_1, ..., x_t` the vector is

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
