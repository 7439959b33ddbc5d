"""HSTU: pointwise attention with biases of distance and elapsed time."""

from functools import partial

from skbseq.networks._attention import dense, drop, head_width, normalize, options_of_blocks
from skbseq.networks._network import Network

# Added to the variance of what attention returns. Its weights may be negative, and with 1e-6 the
# normalised vector of a single event would jump to its opposite where its weight passes zero.
_EPSILON = 1e-3


def hstu(
    events,
    lengths,
    *,
    gaps,
    units,
    n_layers,
    n_heads,
    max_positions,
    dropout,
    checkpoint=False,
):
    """Blocks of pointwise attention, whose output is normalised and gated.

    Without times, ``gaps`` is None, and only the distance of two events gives a bias.
    """
    import keras

    from skbseq.networks._graph._attention import ElapsedDoublings, PairBias, PointwiseAttention
    from skbseq.networks._graph._checkpoint import run_block

    width = head_width(units, n_heads)

    def block(x, *times, i):
        y = normalize(x, f"norm_{i}_a")
        gate, value, query, key = (
            dense(y, f"{name}_{i}", width, activation="silu")
            for name in ("gate", "value", "query", "key")
        )
        # In float32 also in half precision: a difference of years needs its digits.
        bias = PairBias(max_positions, dtype="float32", name=f"bias_{i}")(y, *times)
        seen = PointwiseAttention(n_heads, name=f"attention_{i}", autocast=False)(
            query, key, value, bias
        )
        seen = keras.layers.Multiply()([normalize(seen, f"norm_{i}_b", _EPSILON), gate])
        y = dense(drop(seen, dropout), f"attention_output_{i}", units)
        return keras.layers.Add()([x, y])

    times = [] if gaps is None else [ElapsedDoublings(dtype="float32", name="elapsed")(gaps)]
    x = drop(dense(events, "input_projection", units), dropout)
    for i in range(n_layers):
        x = run_block(partial(block, i=i), i, x, *times, checkpoint=checkpoint)
    return normalize(x, "norm")


def _least_weights(width, *, units, n_layers, n_heads, max_positions, **_):
    return units * width + n_layers * (5 * units * head_width(units, n_heads) + max_positions)


NETWORK = Network(
    name="hstu",
    title="HSTU",
    build=hstu,
    reads="all events in parallel, each with all before it, their distance and elapsed time",
    least_weights=_least_weights,
    positions="max_positions",
    options=options_of_blocks(
        n_heads=1,
        max_positions="""
        Number of distances between two events with a bias of their own. Larger distances share
        the last bias.
        """,
    ),
)
