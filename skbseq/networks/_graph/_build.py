"""From inputs to outputs: events embedded, read by a network, pooled, and turned into outputs."""

import random
import threading
import weakref
from contextlib import contextmanager

import keras
from keras import ops

from skbseq.networks._graph._adapters import add_adapters
from skbseq.networks._graph._attention import GapSeconds
from skbseq.networks._graph._described import DescribedEmbedding, embed_described
from skbseq.networks._graph._layers import OutputEmbedding, PoolSteps, StepMask
from skbseq.networks._graph._naming import FUNCTION, as_head, named_layers
from skbseq.networks._table import find_network

_RANDOM = threading.RLock()
# Layers of users' functions in all models that exist.
_LAYERS = weakref.WeakSet()


def build_network(spec, seed=None):
    """Build the network of a spec.

    Parameters
    ----------
    spec : NetworkSpec
    seed : int, default=None
        Seeds the initializers of a user's own function. None: its weights are random.

    Returns
    -------
    keras.Model
        From the inputs of ``sequence_inputs`` to outputs of shape (batch, n_outputs). With a
        head at each event to a list: the vector of each history, of shape (batch, width), and for
        each target the queries of its events, of shape (batch, steps, size of a code's vector).
        Those of numbers, waits and ends follow. If the head begins with an event of zeros there is
        one step more, and the vector of a history is the last query of the first target.
    """
    with _own_random_state(seed):
        inputs = sequence_inputs(spec)
        build = _outputs_of_history if spec.head is None else _outputs_of_events
        model = keras.Model(inputs, build(inputs, spec))
        _freeze(model, spec)
    return model


def _freeze(model, spec):
    """Freeze layers, and add the adapters that are trained in their place."""
    if not spec.frozen:
        return
    # By our names: Keras numbers the layers of a user's function differently each time.
    layers, ranks = named_layers(model), dict(spec.adapters)
    for name in spec.frozen:
        if name in ranks:
            add_adapters(layers[name], ranks[name])
        else:
            layers[name].trainable = False


@contextmanager
def _own_random_state(seed):
    """Keras draws the seeds of initializers and of dropout from Python's ``random``.

    The estimators leave global random state alone, and a user's initializers must give
    the same weights for the same seed.
    """
    with _RANDOM:  # another thread's build would draw from the same generator
        state = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(state)


@contextmanager
def _dtype_policy(policy):
    """Layers made here get a policy unless they name one. Keras keeps it by thread."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


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
    """One vector per event: an embedding of each categorical channel, and the numbers."""
    parts = []
    for i, (size, dim) in enumerate(zip(spec.vocabulary_sizes, spec.embedding_dims, strict=True)):
        layer = keras.layers.Embedding(size, dim, dtype=spec.policy, name=f"embedding_{i}")
        codes = inputs["codes"][:, :, i]
        described = spec.has_features(i)
        embedded = embed_described(codes, layer, i, spec) if described else layer(codes)
        parts.append(_drop_events(embedded, spec))
    if spec.n_numbers:
        parts.append(inputs["numbers"])
    # Concatenated in float32 also in half precision: numbers such as times need its digits.
    return keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]


def _drop_events(x, spec):
    """In training, zeros in place of the whole vector of a channel for some events."""
    if not spec.embedding_dropout:
        return x
    # One draw for all numbers of an embedding: whole events are hidden, as in word dropout.
    drop = keras.layers.Dropout(spec.embedding_dropout, (None, None, 1), dtype=spec.policy)
    return drop(x)


def read_events(embedded, inputs, spec):
    """Vectors of the events, or None, and of the histories.

    Returns
    -------
    events : KerasTensor of shape (batch, steps, width) or None
    last : KerasTensor of shape (batch, width)
    """
    arguments = spec.arguments()
    network = find_network(spec.network)
    # A user's layers name no policy, so they get it from here, as those of our networks do.
    with _dtype_policy(spec.policy):
        if network.is_function:
            found = _call_function(network, embedded, inputs, arguments, spec)
        else:
            arguments |= _given(network, embedded, inputs)
            arguments |= _given_gaps(network, inputs, spec)
            found = network.build(embedded, inputs["lengths"], **arguments)
    found = found if isinstance(found, tuple) else (found,)
    events, last = found if len(found) == 2 else (found[0], None)
    if len(events.shape) == 2:
        return None, events
    if spec.pooling != "last":
        last = _pool(events, inputs["lengths"], spec)
    elif last is None:
        last = PoolSteps("last", dtype="float32")(events, inputs["lengths"])
    return events, last


def _call_function(network, embedded, inputs, arguments, spec):
    """Outputs of a user's function, made a model of its own: see ``FUNCTION``."""
    # A mean over an empty history would be 0 / 0, whose gradient spoils all weights even if the
    # mean itself is replaced. So an empty history comes as one event of padding.
    lengths = inputs["lengths"]
    given = {"events": embedded, **inputs, "lengths": ops.maximum(lengths, 1)}
    gaps = _given_gaps(network, inputs, spec)
    given |= {name: x for name, x in gaps.items() if x is not None}
    own = {name: keras.Input(x.shape[1:], dtype=x.dtype, name=name) for name, x in given.items()}
    arguments |= _given(network, own["events"], {name: own[name] for name in inputs})
    arguments |= {name: own.get(name) for name in gaps}
    with keras.name_scope(FUNCTION):
        found = _run_function(network, own, arguments)
        _check_outputs(found, network.name, spec)
        part = keras.Model(own, found, name=FUNCTION)
    _check_steps(part, network.name)
    _check_layers(part, network.name)
    outputs = keras.tree.flatten(part(given))
    # As of every network, the vector of an empty history is zero.
    some = ops.expand_dims(lengths > 0, 1)
    return tuple(x if len(x.shape) == 3 else ops.where(some, x, 0) for x in outputs)


def _run_function(network, own, arguments):
    try:
        return network.build(own["events"], own["lengths"], **arguments)
    except MemoryError:
        raise
    except Exception as error:  # whatever Keras or the user's code raises
        raise ValueError(
            f"network={network.name} failed with {type(error).__name__} when it was called with "
            f"events of shape {tuple(own['events'].shape)} and lengths of shape "
            f"{tuple(own['lengths'].shape)}: {error}"
        ) from error


def _given(network, events, inputs):
    """Arguments that a network asks for by their names."""
    given = {"inputs": inputs} if network.wants("inputs") else {}
    if network.wants("mask"):
        given["mask"] = StepMask()(events, inputs["lengths"])
    return given


def _given_gaps(network, inputs, spec):
    """Seconds since the previous event for a network that asks for them; None: not known."""
    if not network.wants("gaps"):
        return {}
    if spec.gap is None:
        return {"gaps": None}
    # In float32 also in half precision, whose largest number is less than a day.
    seconds = GapSeconds(dtype="float32", name="gaps")
    return {"gaps": seconds(inputs["numbers"][:, :, spec.gap])}


def _check_layers(part, name):
    """Refuse layers of another model: fits would start from, and change, each other's weights."""
    layers = [layer for layer in part.layers if layer.weights]
    for layer in layers:
        if layer in _LAYERS:
            raise ValueError(
                f"network={name} uses the layer {layer.name!r} of an earlier call. Make all "
                "layers inside the function, so that each model has weights of its own."
            )
    _LAYERS.update(layers)


def _check_outputs(found, name, spec):
    """Refuse what a user's function must not return."""
    outputs = list(found) if isinstance(found, (list, tuple)) else [found]
    shapes = [tuple(getattr(output, "shape", ())) for output in outputs]
    ranks = [len(shape) for shape in shapes]
    got = ", ".join(
        str(shape) if isinstance(output, keras.KerasTensor) else type(output).__name__
        for output, shape in zip(outputs, shapes, strict=True)
    )
    good = all(isinstance(output, keras.KerasTensor) for output in outputs)
    if not good or ranks not in ([3], [2], [3, 2]) or any(s[-1] is None for s in shapes):
        raise ValueError(
            f"network={name} must return one vector per event, of shape (batch, steps, width), or "
            "one per history, of shape (batch, width), or a tuple of both; it returned "
            f"{got or 'nothing'}."
        )
    if any(shape[-1] == 0 for shape in shapes):
        raise ValueError(
            f"network={name} returned vectors of width 0: {got}. Return at least one number per "
            "event or history."
        )
    if ranks == [2] and spec.head is not None and (spec.head.targets or spec.head.numeric):
        raise ValueError(
            f"network={name} returned one vector per history, of shape {shapes[0]}. Predicting "
            "each event needs one vector per event, of shape (batch, steps, width)."
        )
    if ranks == [2] and spec.pooling != "last":
        raise ValueError(
            f"network={name} returned one vector per history, of shape {shapes[0]}, so "
            f"pooling={spec.pooling!r} would change nothing. Leave it at 'last', or return one "
            "vector per event."
        )


def _check_steps(part, name):
    """Refuse a network that returns more or fewer vectors than there are events."""
    n_steps = 11  # any number: Keras cannot tell the length of what it does not know
    shapes = {
        key: tuple(n_steps if i == 1 and size is None else size for i, size in enumerate(x.shape))
        for key, x in part.input.items()
    }
    outputs = keras.tree.flatten(part.output)
    events = next((i for i, output in enumerate(outputs) if len(output.shape) == 3), None)
    if events is None:
        return
    symbolic = {
        key: keras.KerasTensor((2, *shape[1:]), dtype=part.input[key].dtype)
        for key, shape in shapes.items()
    }
    found = keras.tree.flatten(part.compute_output_spec(symbolic))[events].shape[1]
    if found not in (None, n_steps):
        raise ValueError(
            f"network={name} returned {found} vectors for {n_steps} events; it must return one "
            "per event. Set padding='causal' in convolutions, and strides=1."
        )


def _pool(x, lengths, spec):
    """One vector per history from one per event, other than the last."""
    scores = None
    if spec.pooling == "attention":
        hidden = keras.layers.Dense(
            spec.units, activation="tanh", dtype=spec.policy, name="attention_hidden"
        )
        score = keras.layers.Dense(1, use_bias=False, dtype=spec.policy, name="attention_score")
        scores = score(hidden(x))
    return PoolSteps(spec.pooling, name="pooling")(x, lengths, scores)


def _dense_head(name, width, spec, **options):
    return as_head(keras.layers.Dense(width, name=name, **{"dtype": spec.policy, **options}))


def _outputs_of_history(inputs, spec):
    """One vector of outputs per history, from its vector and its context."""
    _, x = read_events(embed_events(inputs, spec), inputs, spec)
    if spec.n_context:
        x = keras.layers.Concatenate()([x, inputs["context"]])
        x = _dense_head("context_dense", spec.units, spec, activation="relu")(x)
    if spec.dropout:
        x = keras.layers.Dropout(spec.dropout, dtype=spec.policy)(x)
    # In float32: a loss in half precision overflows.
    return _dense_head("logits", spec.n_outputs, spec, dtype="float32")(x)


def _outputs_of_events(inputs, spec):
    """The vector of each history, and the queries of its events for each target."""
    head = spec.head
    shifted = _begin(inputs) if head.begin else inputs
    embedded = embed_events(shifted, spec)
    events, last = read_events(embedded, shifted, spec)
    if not (head.targets or head.numeric):
        return [ops.cast(last, "float32")]
    if spec.n_context:
        # Broadcast along the steps, not by a sum, of which Keras 3.15 may take a term for a bias.
        context = ops.expand_dims(inputs["context"], 1) * ops.ones_like(events[:, :, :1])
        events = keras.layers.Concatenate()([events, context])
        events = _dense_head("context_dense", spec.units, spec, activation="relu")(events)
    if head.bypass:  # what one event says of the next needs no recurrence to learn
        events = keras.layers.Concatenate()([events, embedded])
    if spec.dropout:
        events = keras.layers.Dropout(spec.dropout, dtype=spec.policy)(events)
    queries = [_query(events, channel, spec) for channel in head.targets]
    if spec.n_numbers and head.numeric:
        queries.append(_dense_head("numeric_head", spec.n_numbers, spec, dtype="float32")(events))
    if head.waits:
        queries.append(_waits(events, spec))
    if head.end:
        queries.append(_dense_head("end_head", 1, spec, dtype="float32")(events))
    if head.begin:
        last = PoolSteps("last")(queries[0], shifted["lengths"])
    return [ops.cast(last, "float32"), *queries]


def _waits(events, spec):
    """Logarithms of the weights, means, and logarithms of the scales of normal distributions."""
    n_parts = spec.head.waits
    x = _dense_head("wait_head", 3 * n_parts, spec, dtype="float32")(events)
    weights, means, scales = ops.split(x, 3, axis=-1)
    # Means begin apart, so that the parts differ; scales stay between exp(-3) and exp(3).
    means += ops.linspace(-2.0, 2.0, n_parts)
    return ops.concatenate([ops.log_softmax(weights), means, 3 * ops.tanh(scales / 3)], axis=-1)


def _begin(inputs):
    """The same sequences after an event of zeros; no real event has the code 0."""

    def shift(x):
        return ops.pad(x, [[0, 0], [1, 0], [0, 0]])

    return inputs | {
        "codes": shift(inputs["codes"]),
        "numbers": shift(inputs["numbers"]),
        "lengths": inputs["lengths"] + 1,
    }


def _query(events, channel, spec):
    """What is compared with the output embeddings of a channel's codes."""
    size, dim = spec.vocabulary_sizes[channel], spec.embedding_dims[channel]
    if spec.head.tied or spec.head.compact:
        events = _dense_head(f"query_projection_{channel}", dim, spec)(events)
    if spec.head.tied and spec.head.scaled:
        # Embeddings begin with a deviation of 1; divided like this, so do their products.
        events = ops.cast(events, "float32") / dim**0.5
    name, own, head = f"output_embedding_{channel}", not spec.head.tied, spec.head
    if spec.has_features(channel):
        layer = DescribedEmbedding(
            size, own, head.n_features, head.own_dropout, temperature=head.temperature, name=name
        )
        return as_head(layer)(events)
    return as_head(OutputEmbedding(size, own, head.temperature, name=name))(events)
