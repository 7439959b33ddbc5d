"""Transformer (self-attention) over embedded events."""

from functools import partial

from skbseq._parameters import LAYERS, ONE_OR_MORE, SHARE, Option
from skbseq.networks._attention import CHECKPOINT
from skbseq.networks._network import UNITS, ClassTexts, Network


def transformer(
    events,
    lengths,
    *,
    inputs,
    units,
    n_layers,
    n_heads,
    feed_forward_units,
    bidirectional,
    dropout,
    checkpoint=False,
    history_token=False,
    predicts_events=False,
):
    """Blocks of attention and a feed-forward layer, each normalised before and added after.

    An event attends to itself and to those before it, or to all real events if bidirectional.
    With a history token the vector of a history is that of the token. In each block the token is
    computed first, so that the events after it read what the same block has made of it.
    """
    import keras

    from skbseq.networks._graph._checkpoint import run_block
    from skbseq.networks._graph._history_token import DistanceAttention, HistoryToken, TokenState
    from skbseq.networks._graph._layers import AddPositions, Attention, Time2Vec

    layers = {}

    def once(make, name, *arguments, **options):
        # The token and the events of a block have the same layers.
        if name not in layers:
            layers[name] = make(*arguments, name=name, **options)
        return layers[name]

    def dense(x, name, width, **options):
        return once(keras.layers.Dense, name, width, **options)(x)

    # Each part is normalised before, not after: deep stacks then train without a warm-up.
    def norm(x, name):
        return once(keras.layers.LayerNormalization, name, epsilon=1e-6)(x)

    def add(x, y):
        y = keras.layers.Dropout(dropout)(y) if dropout else y
        return keras.layers.Add()([x, y])

    def parts(x, i, *names):
        width = -(-units // n_heads) * n_heads  # every head of one size, whatever the units
        x = norm(x, f"norm_{i}_a")
        return [dense(x, f"{name}_{i}", width) for name in names]

    def feed_forward(x, i):
        width = feed_forward_units or 2 * units
        x = dense(x, f"feed_forward_{i}", width, activation="relu")
        return dense(x, f"feed_forward_output_{i}", units)

    def finish(x, attended, i):
        x = add(x, dense(attended, f"attention_output_{i}", units))
        return add(x, feed_forward(norm(x, f"norm_{i}_b"), i))

    def block(x, lengths, i):
        attention = Attention(n_heads, not bidirectional, name=f"attention_{i}")
        return finish(x, attention(*parts(x, i, "query", "key", "value"), lengths), i)

    def block_with_token(x, distance, i):
        attention = DistanceAttention(n_heads, name=f"attention_{i}")
        join = keras.layers.Concatenate(axis=1)
        query, *read = parts(x, i, "query", "key", "value")
        attended = attention(query[:, -1:], *read, distance[:, -1:])
        token = finish(x[:, -1:], attended, i)
        of_token = parts(token, i, "key", "value")
        read = [join([y[:, :-1], z]) for y, z in zip(read, of_token, strict=True)]
        attended = attention(query[:, :-1], *read, distance[:, :-1])
        return join([finish(x[:, :-1], attended, i), token])

    x = events
    # The numbers enter twice: as they are among the events, and by learned periods.
    if inputs["numbers"].shape[2]:
        times = Time2Vec(units, name="time2vec")(inputs["numbers"])
        x = keras.layers.Concatenate()([x, times])
    x, given = AddPositions(name="positions")(dense(x, "input_projection", units)), lengths
    if history_token:
        x, given = HistoryToken(predicts_events, name="history_token")(x, lengths)
    block = block_with_token if history_token else block
    for i in range(n_layers):
        x = run_block(partial(block, i=i), i, x, given, checkpoint=checkpoint)
    x = norm(x, "norm")
    if not history_token:
        return x
    return x[:, :-1], TokenState(dtype="float32", name="token_state")(x, lengths)


def _least_weights(width, *, units, n_layers, n_heads, feed_forward_units, **_):
    # Queries, keys, values and their sum: every head has at least one number.
    attention = 4 * max(units, n_heads)
    return units * (width + n_layers * (attention + 2 * (feed_forward_units or 2 * units)))


def _check_token(arguments, pooling):
    """Refuse what a history token rules out."""
    if not arguments["history_token"]:
        return
    if arguments["bidirectional"]:
        raise ValueError(
            "history_token=True needs bidirectional=False: the token learns to sum up earlier "
            "events for later ones. Set bidirectional=False, and of an embedder "
            "objective='next', or leave history_token out."
        )
    if pooling != "last":
        raise ValueError(
            f"history_token=True makes the token's state the vector of a history, so "
            f"pooling={pooling!r} would leave it unused. Set pooling='last', or leave "
            "history_token out."
        )


NETWORK = Network(
    name="transformer",
    build=transformer,
    reads="all events in parallel, each with all before it",
    least_weights=_least_weights,
    options={
        "units": UNITS,
        "n_layers": Option(
            2, LAYERS, "int", "Number of blocks of attention and a feed-forward layer."
        ),
        "n_heads": Option(
            4,
            ONE_OR_MORE,
            "int",
            """
            Number of attention heads per block, each of size ``units / n_heads``, rounded up.
            """,
        ),
        "feed_forward_units": Option(
            None,
            [*ONE_OR_MORE, None],
            "int",
            "Size of the hidden layer of each block. None: twice ``units``.",
        ),
        "bidirectional": Option(
            False,
            ["boolean"],
            "bool",
            """
            Whether an event attends to all events, or only to itself and earlier ones. With a
            single block and ``pooling="last"`` this makes no difference.
            """,
        ),
        "dropout": Option(
            0.1,
            SHARE,
            "float",
            """
            Share of the output of each part of a block, and of the last vector, set to zero in
            training.
            """,
        ),
        "checkpoint": CHECKPOINT,
        "history_token": Option(
            False,
            ["boolean"],
            "bool",
            """
            Whether the vector of a history is the state of a learned token after its last event
            (a history token), and not the vector of that event. Where the network learns to
            predict events, the events after a random one see those before it through the token
            alone. Needs ``bidirectional=False`` and ``pooling="last"``.
            """,
        ),
    },
    check=_check_token,
    texts=ClassTexts(
        prefix="Transformer",
        title="a transformer (self-attention)",
        description="""
        Blocks of multi-head attention and a feed-forward layer. Sinusoidal position encodings,
        counted from the first event, are added to each event. Numeric channels, such as the time
        since the previous event, also enter through learned sinusoids (Time2Vec). Attention
        decreases with distance, at a different rate in each head (ALiBi). Time and memory grow
        with the square of the length of a history.
        """,
        notes=r"""
        With queries, keys and values :math:`q = W_q x, k = W_k x, v = W_v x` of size :math:`d`,
        head :math:`i` of :math:`H` gives

        .. math::

            e_{ts} &= q_t \cdot k_s / \sqrt d - 2^{-8 i / H} |t - s| \\
            a_t &= \sum_{s \le t} v_s \frac{\exp e_{ts}}{\sum_{r \le t} \exp e_{tr}}

        and a block, in which each part is normalised first, is

        .. math::

            y &= x + W_o\,\mathrm{heads}(\mathrm{norm}(x)) \\
            z &= y + V\,\mathrm{relu}(U\,\mathrm{norm}(y) + b) + c
        """,
        references="""
        Vaswani et al. (2017). Attention is all you need. NeurIPS.

        Xiong et al. (2020). On layer normalization in the transformer architecture. ICML.

        Press, Smith, Lewis (2022). Train short, test long: attention with linear biases enables
        input length extrapolation. ICLR.

        Kazemi et al. (2019). Time2Vec: learning a vector representation of time.
        arXiv:1907.05321.
        """,
    ),
)
