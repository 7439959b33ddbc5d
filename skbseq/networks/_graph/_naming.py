"""Names of a model's layers and weights that are the same each time it is built."""

import re

from keras import Model

from skbseq.networks._graph._checkpoint import inner_layers

# The part of a model that is a user's own function is a model of its own, of this name. So its
# layers may have any names, and are distinguished from ours.
FUNCTION = "network"


def as_head(layer):
    """Mark a layer as part of a head: what reads the network's vectors, and not the events."""
    layer.is_head = True
    return layer


def head_layers(model):
    """Names of the layers with weights that are marked as heads."""
    return {name for name, layer in named_layers(model).items() if is_head(layer)}


def is_head(layer):
    """Whether a layer is marked as part of a head."""
    return getattr(layer, "is_head", False)


def function_part(model):
    """The part of a model that is a user's own function, or None."""
    parts = (layer for layer in model.layers if layer.name == FUNCTION)
    return next((part for part in parts if isinstance(part, Model)), None)


def named_layers(model):
    """Layers with weights by name, those of a user's function as ``network/NAME``."""
    found = {}
    for layer in inner_layers(model):
        if isinstance(layer, Model) and layer.name == FUNCTION:
            found |= _layers_of_function(layer)
        elif layer.weights:
            found[layer.name] = layer
    return found


def is_adapter(weight):
    """Whether a weight is one of the two matrices of an adapter."""
    return weight.path.endswith(("/lora_kernel_a", "/lora_kernel_b"))


def weight_names(model):
    """Names of a model's weights, in the order of ``model.weights``; without adapters."""
    weights = without_adapters(model)
    names = {id(weight): weight.path for weight in weights}
    for name, layer in named_layers(model).items():
        if name.startswith(f"{FUNCTION}/"):
            for i, weight in enumerate(without_adapters(layer)):
                names[id(weight)] = f"{name}/{i}_{weight.path.rpartition('/')[2]}"
    return [names[id(weight)] for weight in weights]


def without_adapters(layer):
    """Weights of a layer or model but those of adapters."""
    return [weight for weight in layer.weights if not is_adapter(weight)]


def weight_names_of_layers(model, layers):
    """Names of the weights of some layers of a model."""
    ours = {id(weight) for name in layers for weight in named_layers(model)[name].weights}
    names = zip(without_adapters(model), weight_names(model), strict=True)
    return {name for weight, name in names if id(weight) in ours}


def _layers_of_function(part):
    """Layers of a user's function, without the numbers that Keras counts on from model to model.

    A second model of the same function has conv1d_1 where the first one has conv1d. Weights move
    from model to model by these names, so both must say conv1d.
    """
    found = {}
    for layer in part.layers:
        if not layer.weights:
            continue
        automatic = _snake_case(type(layer).__name__)
        plain = automatic if re.fullmatch(rf"{automatic}(_\d+)?", layer.name) else layer.name
        name, count = f"{FUNCTION}/{plain}", 0
        while name in found:
            count += 1
            name = f"{FUNCTION}/{plain}_{count}"
        found[name] = layer
    return found


def _snake_case(name):
    """A class name as Keras writes it in automatic layer names."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
