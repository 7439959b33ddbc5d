"""Gradient checkpointing: blocks of layers whose activations are computed again, and not kept."""

import keras
import tensorflow as tf


class RecomputedBlock(keras.layers.Layer):
    """A block of layers that keeps its inputs alone for the backward pass (Chen et al. 2016).

    Keras' own `remat` came with version 3.9. It also has to draw the same masks of dropout in both
    passes, which this block does by giving the state of the generators to both.

    Parameters
    ----------
    block : keras.Model
        With one output. Its weights keep their names.
    """

    def __init__(self, block, **kwargs):
        # Numbers enter as they are: its layers cast them, as they do outside of a block.
        super().__init__(autocast=False, **kwargs)
        self.block = block
        # As of a layer of attention: who forms batches asks for it.
        self.n_heads = max(getattr(layer, "n_heads", 0) for layer in block.layers)

    def call(self, *inputs, training=False):
        """Output of the block; one after the other as the block takes them."""
        if not training:
            return self.block(list(inputs), training=False)
        # Read now: a variable itself would be read again in the second pass.
        fixed = [tf.identity(v.value) for v in self.block.non_trainable_variables]
        floating = [i for i, x in enumerate(inputs) if x.dtype.is_floating]
        states = []

        def run(*values):
            # All that the output depends on is given: also the state of random generators, so
            # that the second pass draws the same masks.
            given = dict(zip(floating, values, strict=False))
            tensors = [given.get(i, x) for i, x in enumerate(inputs)]
            weights = values[len(floating) :]
            output, after = self.block.stateless_call(weights, fixed, tensors, training=True)
            states.append(after)
            return output

        weights = [tf.identity(v.value) for v in self.block.trainable_variables]
        output = tf.recompute_grad(run)(*(inputs[i] for i in floating), *weights)
        for variable, state in zip(self.block.non_trainable_variables, states[0], strict=True):
            if variable.path.endswith("seed_generator_state"):
                variable.assign(state)
        return output

    def compute_output_spec(self, *inputs, training=False):
        """Shape and type of the output."""
        output = self.block.output
        return keras.KerasTensor(output.shape, dtype=output.dtype)


def run_block(function, i, *inputs, checkpoint):
    """The output of one block of a network.

    Parameters
    ----------
    function : callable
        From Keras tensors to one.
    i : int
        Number of the block.
    *inputs : KerasTensor
        All that the block reads.
    checkpoint : bool
        Whether its activations are computed again in the backward pass.

    Returns
    -------
    KerasTensor
    """
    if not checkpoint:
        return function(*inputs)
    own = [keras.Input(x.shape[1:], dtype=x.dtype) for x in inputs]
    return RecomputedBlock(keras.Model(own, function(*own)), name=f"block_{i}")(*inputs)


def inner_layers(model):
    """Layers of a model in order, with those of recomputed blocks in place of the blocks."""
    for layer in model.layers:
        yield from layer.block.layers if isinstance(layer, RecomputedBlock) else [layer]
