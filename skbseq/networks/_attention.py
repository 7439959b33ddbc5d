"""Parts that the networks of recommendation share: causal attention with a softmax, positions."""

from skbseq._parameters import LAYERS, ONE_OR_MORE, SHARE, Option
from skbseq.networks._network import UNITS

N_HEADS = Option(
    1,
    ONE_OR_MORE,
    "int",
    "Number of attention heads per block, each of size ``units / n_heads``, rounded up.",
)


CHECKPOINT = Option(
    False,
    ["boolean"],
    "bool",
    """
    Whether the activations inside a block are computed again in the backward pass, and not kept
    (gradient checkpointing). Training takes far less memory and computes a third more. The
    result is the same.
    """,
)


def options_of_blocks(*, n_heads, max_positions, **more):
    """Options of a stack of blocks of attention, in the order of the documentation."""
    return {
        "units": UNITS,
        "n_layers": Option(2, LAYERS, "int", "Number of blocks."),
        "n_heads": Option(n_heads, *(getattr(N_HEADS, n) for n in ("constraint", "kind", "text"))),
        **more,
        "max_positions": Option(200, ONE_OR_MORE, "int", max_positions),
        "dropout": Option(
            0.2,
            SHARE,
            "float",
            "Share of the embedded events, of inner vectors of each block and of the last vector "
            "set to zero in training.",
        ),
        "checkpoint": CHECKPOINT,
    }


def head_width(units, n_heads):
    """Size of the vectors of all heads: each head has one size, whatever the units."""
    return -(-units // n_heads) * n_heads


def normalize(x, name, epsilon=1e-6):
    """Layer normalization."""
    import keras

    return keras.layers.LayerNormalization(epsilon=epsilon, name=name)(x)


def dense(x, name, width, **options):
    """A linear layer."""
    import keras

    return keras.layers.Dense(width, name=name, **options)(x)


def drop(x, share):
    """Dropout, where there is any."""
    import keras

    return keras.layers.Dropout(share)(x) if share else x


def embed_positions(events, *, units, max_positions, dropout):
    """Events of the size of the blocks, with a learned vector of their position added."""
    from skbseq.networks._graph._attention import AddPositionVectors

    x = dense(events, "input_projection", units)
    return drop(AddPositionVectors(max_positions, name="positions")(x), dropout)


def attend(query, source, i, *, units, n_heads, dropout, project):
    """Causal attention of one block, with dropout of its weights.

    Parameters
    ----------
    query, source : KerasTensor of shape (batch, steps, size)
        Queries are made of the first, keys and values of the second.
    i : int
        Number of the block.
    project : bool
        Whether a linear layer mixes the heads.
    """
    from skbseq.networks._graph._attention import CausalWeights, WeightedValues

    width = head_width(units, n_heads)
    weights = CausalWeights(n_heads, name=f"attention_{i}")(
        dense(query, f"query_{i}", width), dense(source, f"key_{i}", width)
    )
    value = dense(source, f"value_{i}", width)
    result = WeightedValues(name=f"attention_values_{i}")(drop(weights, dropout), value)
    return dense(result, f"attention_output_{i}", units) if project else result


def attention_weights(units, n_heads):
    """A lower bound of the number of weights of the attention of one block."""
    return 3 * units * head_width(units, n_heads)
