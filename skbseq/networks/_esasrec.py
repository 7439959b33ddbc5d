"""eSASRec: SASRec with the blocks of LiGR, which gate what each part adds."""

from functools import partial

from skbseq._parameters import ONE_OR_MORE, Option
from skbseq.networks._attention import (
    attend,
    attention_weights,
    dense,
    drop,
    embed_positions,
    normalize,
    options_of_blocks,
)
from skbseq.networks._network import Network


def esasrec(
    events,
    lengths,
    *,
    units,
    n_layers,
    n_heads,
    feed_forward_units,
    max_positions,
    dropout,
    checkpoint=False,
):
    """Blocks whose two parts, attention and SwiGLU, are normalised before and gated after."""
    import keras

    from skbseq.networks._graph._checkpoint import run_block

    heads = {"units": units, "n_heads": n_heads, "dropout": dropout, "project": True}

    def add(x, y, name):
        gate = dense(x, name, units, activation="sigmoid")
        return keras.layers.Add()([x, keras.layers.Multiply()([gate, drop(y, dropout)])])

    def swiglu(x, i):
        width = feed_forward_units or 4 * units
        gate = dense(x, f"swiglu_gate_{i}", width, use_bias=False, activation="silu")
        value = dense(x, f"swiglu_value_{i}", width, use_bias=False)
        hidden = drop(keras.layers.Multiply()([gate, value]), dropout)
        return dense(hidden, f"swiglu_output_{i}", units, use_bias=False)

    def block(x, i):
        y = normalize(x, f"norm_{i}_a")
        x = add(x, attend(y, y, i, **heads), f"attention_gate_{i}")
        return add(x, swiglu(normalize(x, f"norm_{i}_b"), i), f"feed_forward_gate_{i}")

    x = embed_positions(events, units=units, max_positions=max_positions, dropout=dropout)
    for i in range(n_layers):
        x = run_block(partial(block, i=i), i, x, checkpoint=checkpoint)
    return x


def _least_weights(width, *, units, n_layers, n_heads, feed_forward_units, max_positions, **_):
    hidden = feed_forward_units or 4 * units
    block = attention_weights(units, n_heads) + units * (3 * units + 3 * hidden)
    return units * (width + max_positions) + n_layers * block


NETWORK = Network(
    name="esasrec",
    title="eSASRec",
    build=esasrec,
    reads="as SASRec does, and gates what each part of a block adds",
    least_weights=_least_weights,
    positions="max_positions",
    options=options_of_blocks(
        n_heads=4,
        feed_forward_units=Option(
            None,
            [*ONE_OR_MORE, None],
            "int",
            "Size of the hidden layer of each block. None: four times ``units``.",
        ),
        max_positions="As of SASRec.",
    ),
)
