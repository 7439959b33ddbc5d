"""Stacks of recurrent layers, in one direction or both."""

import keras

from skbseq.networks._parts import PoolSteps, ReverseSteps


def read_recurrent(layer, name, x, inputs, spec):
    """Read events by a stack of a Keras recurrence.

    There is no mask: padding stands at the right, so no real step ever sees it, and what comes
    out of padded steps is never read. That keeps cuDNN's kernels eligible on a GPU and spares
    the mask's cost on a CPU.

    Parameters
    ----------
    layer : type
        Such as ``keras.layers.LSTM``.
    name : str
        First part of the layers' names.
    x, inputs, spec
        As for every network.

    Returns
    -------
    events : KerasTensor of shape (batch, steps, units), twice as wide where bidirectional
    last : KerasTensor of shape (batch, units), twice as wide where bidirectional
    """
    lengths = inputs["lengths"]

    def run(x, label):
        return layer(
            spec.units,
            return_sequences=True,
            recurrent_dropout=spec.recurrent_dropout,
            dtype=spec.policy,
            name=label,
        )(x)

    for i in range(spec.n_layers):
        if spec.dropout:
            x = keras.layers.Dropout(spec.dropout, dtype=spec.policy)(x)
        forward = run(x, f"{name}_{i}")
        if not spec.bidirectional:
            x, ends = forward, (forward,)
            continue
        backward = run(ReverseSteps()(x, lengths), f"{name}_{i}_backward")
        ends = (forward, backward)
        x = keras.layers.Concatenate()([forward, ReverseSteps()(backward, lengths)])
    # Backward states have seen all at the end of the reversed steps, so each direction gives its
    # last.
    last = [PoolSteps("last")(end, lengths) for end in ends]
    return x, keras.layers.Concatenate()(last) if len(last) > 1 else last[0]
