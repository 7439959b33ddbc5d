"""The part of a network above its embeddings, to differentiate by embedded events."""

import keras


def reading_part(model, spec):
    """A model that shares the layers of another, and takes embedded events in place of codes.

    Parameters
    ----------
    model : keras.Model
        Of ``build_network``.
    spec : NetworkSpec

    Returns
    -------
    keras.Model
        Its inputs are those of ``sequence_inputs`` and ``embeddings``, a list with the outputs of
        the embedding layers, of shape (batch, steps, size). Where the network begins with an
        event of zeros they have one step more. All other leaves are the inputs themselves: the
        transformer reads ``numbers`` once more, besides the embedded events.
    """
    n_channels = len(spec.vocabulary_sizes)
    embeddings = [model.get_layer(f"embedding_{i}").output for i in range(n_channels)]
    outputs = model.outputs[0]
    return keras.Model({**model.input, "embeddings": embeddings}, outputs)
