"""The part of a network that gives its outputs after each event, and not of the whole alone."""

import keras
from keras import ops

from skbseq.networks._graph._layers import PoolSteps

_LEAST = -1e9  # of scores: half precision and sums of many steps stay finite


def stepwise_part(model, spec):
    """A model that shares the layers of a causal one and gives the outputs of all steps.

    Parameters
    ----------
    model : keras.Model
        Of ``build_network``.
    spec : NetworkSpec

    Returns
    -------
    keras.Model or None
        From the inputs of ``sequence_inputs`` to outputs of shape (batch, steps, n_outputs): after
        step t, those for the first t events, as if no others followed. With a head at each event:
        the queries of the first target, with one step more if an event of zeros comes first. Waits
        and the logit of the end stand in the last columns, if there are such heads. None if the
        network has no vectors of events.
    """
    if spec.head is not None:
        steps = model.outputs[1]
        if spec.head.n_extras:
            steps = keras.layers.Concatenate(dtype="float32")(model.outputs[1:])
        return keras.Model(model.input, steps)
    pools = [layer for layer in model.layers if isinstance(layer, PoolSteps)]
    if len(pools) != 1:
        return None
    events, _, *scores = keras.tree.flatten(pools[0].input)
    x = events
    if pools[0].kind != "last":
        x = PoolSoFar(pools[0].kind, dtype=pools[0].dtype_policy)(events, *scores)
    if spec.n_context:
        context = ops.expand_dims(model.input["context"], 1) + 0 * ops.cast(x[:, :, :1], "float32")
        x = keras.layers.Concatenate()([x, context])
        x = model.get_layer("context_dense")(x)
    return keras.Model(model.input, model.get_layer("logits")(x))


class PoolSoFar(keras.layers.Layer):
    """What `PoolSteps` makes of each step and all before it.

    Each round joins ranges of steps that are twice as long (Hillis and Steele 1986), so n steps
    take log2(n) rounds, and no sum or softmax is the difference of two larger ones.
    """

    def __init__(self, kind, **kwargs):
        super().__init__(**kwargs)
        self.kind = kind

    def call(self, x, scores=None):
        """Pool a tensor of shape (batch, steps, features); scores are of (batch, steps, 1)."""
        if self.kind == "max":
            return self._join_ranges(_larger, (x,), (_LEAST,))[0]
        if self.kind == "mean":
            count = ops.cast(ops.arange(ops.shape(x)[1]) + 1, x.dtype)
            return self._join_ranges(_sum, (x,), (0,))[0] / count[:, None]
        parts = scores, ops.ones_like(scores), x
        _, total, weighted = self._join_ranges(_softmax_sum, parts, (_LEAST, 0, 0))
        return weighted / total

    def _join_ranges(self, join, parts, empty):
        """Parts of all steps up to each one, from those of each step."""
        steps = ops.shape(parts[0])[1]
        place = ops.arange(steps)[None, :, None]

        def double(distance, *parts):
            at = ops.maximum(ops.arange(steps) - distance, 0)
            before = [
                ops.where(place >= distance, ops.take(part, at, axis=1), nothing)
                for part, nothing in zip(parts, empty, strict=True)
            ]
            return 2 * distance, *join(before, parts)

        start = ops.convert_to_tensor(1, "int32"), *parts
        return ops.while_loop(lambda distance, *_: distance < steps, double, start)[1:]

    def compute_output_shape(self, x_shape, scores_shape=None):
        """Shape of the first input."""
        return x_shape


def _larger(before, parts):
    return (ops.maximum(before[0], parts[0]),)


def _sum(before, parts):
    return (before[0] + parts[0],)


def _softmax_sum(before, parts):
    """Largest score, sum of the weights and weighted sum of two ranges that lie side by side."""
    largest = ops.maximum(before[0], parts[0])
    old, new = ops.exp(before[0] - largest), ops.exp(parts[0] - largest)
    return largest, *(old * b + new * p for b, p in zip(before[1:], parts[1:], strict=True))
