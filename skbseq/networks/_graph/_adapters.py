"""Low-rank adapters: a frozen kernel, to which a trained product of two small matrices is added.

Hu et al. (2021). LoRA: low-rank adaptation of large language models. arXiv:2106.09685.

Keras' own layers hold the matrices. Once trained, the product is added to the kernel, so only
training knows of adapters: weights and their names are those of the network without them.
"""

import math

import keras

from skbseq.networks._graph._naming import is_adapter, named_layers


def largest_ranks(model):
    """The largest rank of an adapter in each layer that can have one.

    Parameters
    ----------
    model : keras.Model
        Of ``build_network``, without adapters.

    Returns
    -------
    dict of str to int
        By the names of `named_layers`. 0: a constraint of a kernel rules adapters out.
    """
    parts = {name: _parts_with_kernels(layer) for name, layer in named_layers(model).items()}
    return {name: min(map(_largest_rank, found)) for name, found in parts.items() if found}


def add_adapters(layer, rank):
    """Freeze a layer, and train a product of two matrices in place of each of its kernels.

    The second matrix begins at zero, and with it the product.
    """
    layer.trainable = True
    adapted = _parts_with_kernels(layer)
    for part in layer._flatten_layers():
        # Only as a whole does a layer such as batch normalization stop to learn.
        if not list(part._flatten_layers(include_self=False)) and part not in adapted:
            part.trainable = False
    for weight in layer.weights:
        weight.trainable = False
    for part in adapted:
        part.enable_lora(rank)


def merged_weights(model, weights):
    """Weights of the same network without adapters: each product is added to its kernel.

    Parameters
    ----------
    model : keras.Model
    weights : list of ndarray
        In the order of ``model.weights``.

    Returns
    -------
    list of ndarray
    """
    places, merged = {id(weight): i for i, weight in enumerate(model.weights)}, list(weights)
    for part in model._flatten_layers():
        if getattr(part, "lora_enabled", False):
            kernel, a, b = (
                places[id(weight)]
                for weight in (part._kernel, part.lora_kernel_a, part.lora_kernel_b)
            )
            merged[kernel] = merged[kernel] + merged[a] @ merged[b]
    pairs = zip(model.weights, merged, strict=True)
    return [value for weight, value in pairs if not is_adapter(weight)]


def put_in(model, weights, values):
    """Weights of a model with adapters, where those of the network without them are replaced.

    Parameters
    ----------
    model : keras.Model
    weights : list of ndarray
        In the order of ``model.weights``.
    values : list of ndarray
        In the same order, without adapters.

    Returns
    -------
    list of ndarray
    """
    rest = iter(values)
    pairs = zip(model.weights, weights, strict=True)
    return [value if is_adapter(weight) else next(rest) for weight, value in pairs]


def _parts_with_kernels(layer):
    """The layer itself, or those within it, whose kernels can have adapters."""
    found = {id(part): part for part in layer._flatten_layers() if _has_kernel(part)}
    return list(found.values())


def _has_kernel(layer):
    # Embeddings of codes have adapters in Keras too, but no kernel.
    adaptable = hasattr(layer, "enable_lora") and not isinstance(layer, keras.layers.Embedding)
    return adaptable and layer.built


def _largest_rank(layer):
    if layer.kernel_constraint is not None:  # a sum of two kernels may break it
        return 0
    *inputs, outputs = layer._kernel.shape
    return min(math.prod(inputs), outputs)
