"""What every network shares: its inputs, the reversal of right-padded steps, pooling, the head."""

import keras
from keras import ops


def sequence_inputs(spec):
    """Inputs of a network, right-padded.

    Returns
    -------
    dict of str to KerasTensor
        ``codes`` of shape (batch, steps, categorical channels), ``numbers`` of shape
        (batch, steps, numeric channels), ``context`` of shape (batch, context columns) and
        ``lengths`` of shape (batch,).
    """
    return {
        "codes": keras.Input((None, len(spec.vocabulary_sizes)), dtype="int32", name="codes"),
        "numbers": keras.Input((None, spec.n_numbers), name="numbers"),
        "context": keras.Input((spec.n_context,), name="context"),
        "lengths": keras.Input((), dtype="int32", name="lengths"),
    }


def embed_events(inputs, spec):
    """One vector per event: an embedding of each categorical channel beside the numbers."""
    parts = []
    for i, (size, dim) in enumerate(zip(spec.vocabulary_sizes, spec.embedding_dims, strict=True)):
        layer = keras.layers.Embedding(size, dim, dtype=spec.policy, name=f"embedding_{i}")
        parts.append(layer(inputs["codes"][:, :, i]))
    if spec.n_numbers:
        parts.append(inputs["numbers"])
    return keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]


def reverse_steps(x, lengths):
    """Real steps in reverse order; padding stays at the end."""
    steps = ops.arange(ops.shape(x)[1])[None, :]
    lengths = lengths[:, None]
    order = ops.where(steps < lengths, lengths - 1 - steps, steps)
    return ops.take_along_axis(x, order[:, :, None], axis=1)


def step_mask(x, lengths):
    """1 for real steps, 0 for padding, of shape (batch, steps, 1)."""
    mask = ops.arange(ops.shape(x)[1])[None, :] < lengths[:, None]
    return ops.cast(mask, x.dtype)[:, :, None]


def last_step(x, lengths):
    """Vector of the last real step; zeros for an empty sequence."""
    index = ops.maximum(lengths - 1, 0)[:, None, None]
    last = ops.take_along_axis(x, index, axis=1)[:, 0]
    return last * ops.cast(lengths > 0, x.dtype)[:, None]


def mean_of_steps(x, lengths):
    """Mean over real steps; zeros for an empty sequence."""
    count = ops.cast(ops.maximum(lengths, 1), x.dtype)[:, None]
    return ops.sum(x * step_mask(x, lengths), axis=1) / count


def max_of_steps(x, lengths):
    """Largest value over real steps; zeros for an empty sequence."""
    mask = step_mask(x, lengths)
    # -1e4 is below every state and still a float16.
    top = ops.max(x * mask - 1e4 * (1 - mask), axis=1)
    return top * ops.cast(lengths > 0, x.dtype)[:, None]


def classify(x, context, spec):
    """Logits from one vector per sequence, joined by the context."""
    if spec.n_context:
        x = keras.layers.Concatenate()([x, context])
        x = keras.layers.Dense(spec.units, activation="relu", dtype=spec.policy, name="joined")(x)
    if spec.dropout:
        x = keras.layers.Dropout(spec.dropout, dtype=spec.policy)(x)
    return keras.layers.Dense(spec.n_outputs, dtype="float32", name="logits")(x)
