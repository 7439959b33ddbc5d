"""Transformer (self-attention) over embedded events."""

from dataclasses import dataclass, field
from functools import partial

from skbseq._parameters import LAYERS, ONE_OR_MORE, SHARE, Option
from skbseq.networks._attention import CHECKPOINT, drop, head_width
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
    With a history token the vector of a history is that of the token. If the network predicts
    events, later events read the token in training: see `HistoryToken`.
    """
    import keras

    from skbseq.networks._graph._checkpoint import run_block
    from skbseq.networks._graph._history_token import HistoryToken, TokenState
    from skbseq.networks._graph._layers import AddPositions, Time2Vec

    blocks = _Blocks(units, n_heads, feed_forward_units or 2 * units, bidirectional, dropout)
    # The numbers enter twice: as they are among the events, and by learned periods.
    if inputs["numbers"].shape[2]:
        times = Time2Vec(units, name="time2vec")(inputs["numbers"])
        events = keras.layers.Concatenate()([events, times])
    x = AddPositions(name="positions")(blocks.dense(events, "input_projection", units))
    block, given = blocks.block, lengths
    if history_token:
        x, given = HistoryToken(predicts_events, name="history_token")(x, lengths)
        block = blocks.block_with_token
    for i in range(n_layers):
        x = run_block(partial(block, i=i), i, x, given, checkpoint=checkpoint)
    x = blocks.norm(x, "norm")
    if not history_token:
        return x
    return x[:, :-1], TokenState(dtype="float32", name="token_state")(x, lengths)


@dataclass
class _Blocks:
    """Blocks of attention and a feed-forward layer, whose events and token have the same layers.

    Parameters
    ----------
    units, n_heads, hidden : int
    bidirectional : bool
    dropout : float
    layers : dict of str to Layer
        Those made so far.
    """

    units: int
    n_heads: int
    hidden: int
    bidirectional: bool
    dropout: float
    layers: dict = field(default_factory=dict)

    def block(self, x, lengths, i):
        """Events of shape (batch, steps, units) after block ``i``."""
        from skbseq.networks._graph._layers import Attention

        attention = Attention(self.n_heads, not self.bidirectional, name=f"attention_{i}")
        attended = attention(*self._parts(x, i, "query", "key", "value"), lengths)
        return self._finish(x, attended, i)

    def block_with_token(self, x, distance, i):
        """Events and a token, the last step, after block ``i``.

        The token is computed first, so that events read what this block has made of it.
        """
        import keras

        from skbseq.networks._graph._history_token import DistanceAttention

        attention = DistanceAttention(self.n_heads, name=f"attention_{i}")
        join = keras.layers.Concatenate(axis=1)
        query, *read = self._parts(x, i, "query", "key", "value")
        attended = attention(query[:, -1:], *read, distance[:, -1:])
        token = self._finish(x[:, -1:], attended, i)
        of_token = self._parts(token, i, "key", "value")
        read = [join([y[:, :-1], z]) for y, z in zip(read, of_token, strict=True)]
        attended = attention(query[:, :-1], *read, distance[:, :-1])
        return join([self._finish(x[:, :-1], attended, i), token])

    def dense(self, x, name, width, **options):
        """The linear layer of this name."""
        import keras

        return self._layer(keras.layers.Dense, name, units=width, **options)(x)

    def norm(self, x, name):
        """The layer normalization of this name."""
        import keras

        return self._layer(keras.layers.LayerNormalization, name, epsilon=1e-6)(x)

    def _layer(self, make, name, **options):
        if name not in self.layers:
            self.layers[name] = make(name=name, **options)
        return self.layers[name]

    def _parts(self, x, i, *names):
        # Each part is normalised before, not after: deep stacks then train without a warm-up.
        x = self.norm(x, f"norm_{i}_a")
        width = head_width(self.units, self.n_heads)
        return [self.dense(x, f"{name}_{i}", width) for name in names]

    def _finish(self, x, attended, i):
        """The rest of block ``i`` after attention."""
        x = self._add(x, self.dense(attended, f"attention_output_{i}", self.units))
        y = self.norm(x, f"norm_{i}_b")
        y = self.dense(y, f"feed_forward_{i}", self.hidden, activation="relu")
        return self._add(x, self.dense(y, f"feed_forward_output_{i}", self.units))

    def _add(self, x, y):
        import keras

        return keras.layers.Add()([x, drop(y, self.dropout)])


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
            "events for later ones. Set bidirectional=False (an embedder also needs another "
            "objective than 'masked'), or leave history_token out."
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
            predict events, the token of half of the histories of a step comes after a random
            event, and later events see those before it through the token alone. Needs
            ``bidirectional=False`` and ``pooling="last"``.
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

        Karpukhin, Savchenko (2025). HT-Transformer: event sequences classification by
        accumulating prefix information with history tokens. arXiv:2508.01474.
        """,
    ),
)
