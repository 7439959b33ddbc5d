"""Long short-term memory over embedded events."""

from dataclasses import dataclass

import keras

from skbseq.networks._parts import (
    classify,
    embed_events,
    last_step,
    max_of_steps,
    mean_of_steps,
    reverse_steps,
    sequence_inputs,
)


@dataclass(frozen=True)
class LSTMSpec:
    """Everything that decides the graph of an LSTM network; equal specs share one graph."""

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
        backward = _lstm(spec, f"lstm_{i}_backward")(reverse_steps(x, lengths))
        # Before it is turned round again, the backward state too has seen all at the last step.
        ends = (forward, backward)
        x = keras.layers.Concatenate()([forward, reverse_steps(backward, lengths)])
    if spec.pooling == "last":
        states = [last_step(end, lengths) for end in ends]
        pooled = keras.layers.Concatenate()(states) if len(states) > 1 else states[0]
    else:
        pooled = {"mean": mean_of_steps, "max": max_of_steps}[spec.pooling](x, lengths)
    return keras.Model(inputs, classify(pooled, inputs["context"], spec))


def _lstm(spec, name):
    return keras.layers.LSTM(
        spec.units,
        return_sequences=True,
        recurrent_dropout=spec.recurrent_dropout,
        dtype=spec.policy,
        name=name,
    )
