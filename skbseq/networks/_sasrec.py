"""SASRec: self-attention for recommendation, as published in 2018."""

from functools import partial

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


def sasrec(events, lengths, *, units, n_layers, n_heads, max_positions, dropout, checkpoint=False):
    """Blocks of attention and a pointwise feed-forward layer, over learned positions.

    As in the authors' program, the queries of a block are normalised and its keys and values are
    not, and what is added to the output of a part is its normalised input.
    """
    import keras

    from skbseq.networks._graph._checkpoint import run_block

    # A single head needs no output projection: a product of two matrices is one.
    heads = {"n_heads": n_heads, "project": n_heads > 1}

    def block(x, i):
        y = normalize(x, f"norm_{i}_a")
        x = keras.layers.Add()([y, attend(y, x, i, units=units, dropout=dropout, **heads)])
        y = normalize(x, f"norm_{i}_b")
        hidden = drop(dense(y, f"feed_forward_{i}", units, activation="relu"), dropout)
        x = drop(dense(hidden, f"feed_forward_output_{i}", units), dropout)
        return keras.layers.Add()([y, x])

    x = embed_positions(events, units=units, max_positions=max_positions, dropout=dropout)
    for i in range(n_layers):
        x = run_block(partial(block, i=i), i, x, checkpoint=checkpoint)
    return normalize(x, "norm")


def _least_weights(width, *, units, n_layers, n_heads, max_positions, **_):
    blocks = n_layers * (attention_weights(units, n_heads) + 2 * units**2)
    return units * (width + max_positions) + blocks


NETWORK = Network(
    name="sasrec",
    title="SASRec",
    build=sasrec,
    reads="all events in parallel, each with all before it, and its position",
    least_weights=_least_weights,
    positions="max_positions",
    options=options_of_blocks(
        n_heads=1,
        max_positions="""
        Number of positions with a vector of their own, counted from the first event. Later
        events share the last vector. The vector of a position that no training history reaches
        stays zero.
        """,
    ),
)
