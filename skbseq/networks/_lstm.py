"""Long short-term memory over embedded events."""

from dataclasses import dataclass

import keras

from skbseq.networks._parts import (
    PoolSteps,
    ReverseSteps,
    classify,
    embed_events,
    leaves_random_alone,
    sequence_inputs,
)


@dataclass(frozen=True)
class LSTMSpec:
    """Everything that decides the graph of an LSTM network; equal specs share one graph.

    Fitted estimators keep these fields, also in files: one that is added needs a default.
    """

    vocabulary_sizes: tuple
    embedding_dims: tuple
    n_numbers: int
    n_context: int
    n_outputs: int
    units: int
    n_layers: int
    bidirectional: bool
    dropout: float
    recurrent_dropout: float
    pooling: str
    policy: str


@leaves_random_alone
def build_lstm(spec):
    """Build the network of a spec.

    Embeddings and numbers go through stacked LSTMs without a mask: padding stands at the right,
    so no real step ever sees it, and what comes out of padded steps is never read. That keeps
    cuDNN's kernel eligible on a GPU and spares the mask's cost on a CPU.

    Parameters
    ----------
    spec : LSTMSpec

    Returns
    -------
    keras.Model
        From the inputs of ``sequence_inputs`` to logits of shape (batch, n_outputs).
    """
    inputs = sequence_inputs(spec)
    lengths = inputs["lengths"]
    x = embed_events(inputs, spec)
    for i in range(spec.n_layers):
        if spec.dropout:
            x = keras.layers.Dropout(spec.dropout, dtype=spec.policy)(x)
        forward = _lstm(spec, f"lstm_{i}")(x)
        if not spec.bidirectional:
            x, ends = forward, (forward,)
            continue
        backward = _lstm(spec, f"lstm_{i}_backward")(ReverseSteps()(x, lengths))
        ends = (forward, backward)
        x = keras.layers.Concatenate()([forward, ReverseSteps()(backward, lengths)])
    # Backward states have seen all at the end of the reversed steps, so each direction gives its
    # last; means and maxima are taken over both side by side.
    states = ends if spec.pooling == "last" else (x,)
    pooled = [PoolSteps(spec.pooling)(state, lengths) for state in states]
    pooled = keras.layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0]
    return keras.Model(inputs, classify(pooled, inputs["context"], spec))


def _lstm(spec, name):
    return keras.layers.LSTM(
        spec.units,
        return_sequences=True,
        recurrent_dropout=spec.recurrent_dropout,
        dtype=spec.policy,
        name=name,
    )
