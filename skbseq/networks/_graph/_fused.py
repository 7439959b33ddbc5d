"""Recurrent networks written out step by step, forwards and backwards, for one compiled program.

Keras' layers pay for every padded step, and TensorFlow for every operation. Written out, a loop
stops at the longest real step of a batch, and XLA makes one program of all batches. The weights
are those of the Keras model, and so are the numbers: tests compare outputs and gradients.
"""

import tensorflow as tf

from skbseq.networks._graph._fused_cells import CELLS

# From so many numbers in a gate, rows times units, each gate has a product of its own in training.
# XLA runs them on several threads at once, and one large product on a single thread: a step of
# the LSTM takes 7 to 18% less.
_LARGE_GATE = 1024


class FusedRecurrence:
    """Forward and backward pass over batches of sequences that lie end to end.

    What the backward pass needs of each step is kept in buffers that whoever loops over batches
    hands on from one to the next, for to fill them with zeros would cost as much as to use them.

    Parameters
    ----------
    spec : NetworkSpec
    model : keras.Model
    """

    def __init__(self, spec, model):
        self.spec, self.model = spec, model
        layers = {layer.name: layer for layer in model.layers}
        self.embeddings = [
            layers[f"embedding_{i}"].embeddings for i in range(len(spec.vocabulary_sizes))
        ]
        widths = [sum(spec.embedding_dims) + spec.n_numbers, *[spec.units] * (spec.n_layers - 1)]
        self._cells = [
            CELLS[spec.network](layers[f"{spec.network}_{i}"].cell, width)
            for i, width in enumerate(widths)
        ]
        self._context_dense, self._logits = layers.get("context_dense"), layers["logits"]

    @staticmethod
    def supports(spec):
        """Whether a network is one that this class computes."""
        return (
            spec.network in CELLS
            and spec.head is None
            and not spec.bidirectional
            and not spec.recurrent_dropout
            and not spec.embedding_dropout
            and spec.pooling in ("last", "mean", "max")
            and spec.policy == "float32"
        )

    @staticmethod
    def numbers_kept(spec, batch_size, n_steps):
        """How many numbers the buffers of a batch hold."""
        cell = CELLS[spec.network]
        kept = (cell.n_states + cell.n_gates) * spec.units * spec.n_layers
        return batch_size * n_steps * kept

    def buffers(self, batch_size, n_steps):
        """States and gates of each layer, step by step.

        They are apart: to join them takes a twentieth of the time of a step.
        """
        return [
            tf.zeros((n, batch_size, self.spec.units))
            for cell in self._cells
            for n in [n_steps + 1] * cell.n_states + [n_steps] * cell.n_gates
        ]

    def _by_layer(self, values, n_each):
        """The parts of a flat list that belong to each layer."""
        return [list(values[n_each * i : n_each * (i + 1)]) for i in range(len(self._cells))]

    @property
    def _n_kept(self):
        return self._cells[0].n_states + self._cells[0].n_gates

    @staticmethod
    def noise(rate, seed):
        """Masks of dropout for a batch, of a rate and a seed of two integers."""
        return Noise(rate, seed)

    # ------------------------------------------------------------------ forwards

    def predict(self, data, starts, lengths, context):
        """Logits of a batch.

        Parameters
        ----------
        data : dict of str to tensor
            ``codes`` of shape (n_events, channels) and ``numbers`` of shape (n_events, channels).
        starts, lengths : tensor of int32 of shape (batch,)
        context : tensor of float32 of shape (batch, n_context)

        Returns
        -------
        tensor of float32 of shape (batch, n_outputs)
        """
        pooled, _, _ = self._forward(data, starts, lengths, self.embeddings, None, None)
        return self._head(pooled, context, None)

    def _forward(self, data, starts, lengths, tables, buffers, noise):
        batch, units = starts.shape[0], self.spec.units
        # Predictions have one product: those of a few rows are made faster by it, and all of them
        # with the same last digits.
        apart = buffers and batch * units >= _LARGE_GATE
        weights = [cell.weights(cell.n_products if apart else 1) for cell in self._cells]
        n_states, zero = self._cells[0].n_states, tf.zeros((batch, units))

        def step(t, states, pooled, chosen, kept):
            x = self._events(data, starts, t, tables)
            states, kept = self._by_layer(states, n_states), self._by_layer(kept, self._n_kept)
            for i, cell in enumerate(self._cells):
                x = x * noise.of_step(t, i, x.shape) if noise else x
                states[i], gates = cell.step(x, states[i], weights[i])
                if buffers:
                    kept[i] = _write(kept[i], t, states[i], gates)
                x = states[i][0]
            pooled, chosen = self._pool(t, lengths, x, pooled, chosen)
            return t + 1, _flat(states), pooled, chosen, _flat(kept)

        least = zero - 1e4 if self.spec.pooling == "max" else zero
        kept = self._by_layer(buffers or [], self._n_kept)
        kept = _flat(_begin(part, n_states) for part in kept)
        chosen = tf.zeros((batch, units), tf.int32) - 1
        start = (0, (zero,) * (n_states * len(self._cells)), least, chosen, kept)
        longest = tf.reduce_max(lengths)
        _, _, pooled, chosen, kept = tf.while_loop(lambda t, *_: t < longest, step, start)
        real = tf.cast(tf.maximum(lengths, 1), tf.float32)[:, None]
        if self.spec.pooling == "mean":
            pooled = pooled / real
        if self.spec.pooling == "max":
            pooled = tf.where((lengths > 0)[:, None], pooled, 0.0)
        return pooled, chosen, list(kept)

    def _events(self, data, starts, t, tables):
        """The vector of each sequence's event at a step; past its end, of any event."""
        at = tf.minimum(starts + t, tf.shape(data["codes"])[0] - 1)
        codes = tf.gather(data["codes"], at)
        parts = [tf.gather(table, codes[:, i]) for i, table in enumerate(tables)]
        if self.spec.n_numbers:
            parts.append(tf.gather(data["numbers"], at))
        return tf.concat(parts, 1)

    def _pool(self, t, lengths, h, pooled, chosen):
        if self.spec.pooling == "last":
            return tf.where((lengths == t + 1)[:, None], h, pooled), chosen
        real = (t < lengths)[:, None]
        if self.spec.pooling == "mean":
            return pooled + tf.where(real, h, 0.0), chosen
        better = real & (h > pooled)
        return tf.where(better, h, pooled), tf.where(better, t, chosen)

    def _head(self, pooled, context, noise):
        x = pooled
        if self._context_dense is not None:
            x = tf.concat([x, context], 1)
            x = tf.nn.relu(tf.matmul(x, self._context_dense.kernel) + self._context_dense.bias)
        x = x * noise.of_end(x.shape) if noise else x
        return tf.matmul(x, self._logits.kernel) + self._logits.bias

    # ------------------------------------------------------------------ backwards

    def gradients(self, data, starts, lengths, context, loss_of, buffers, noise=None, tables=None):
        """Loss of a batch and its gradient.

        Parameters
        ----------
        data, starts, lengths, context
            As for :meth:`predict`.
        loss_of : callable
            From logits to the loss.
        buffers : list of tensor
        noise : Noise, default=None
            Masks of dropout.
        tables : list of tensor, default=None
            What stands for the embeddings, where the codes are places in parts of them.

        Returns
        -------
        loss : tensor
        gradients : list of tensor
            In the order of ``model.trainable_variables``.
        buffers : list of tensor
        """
        tables = self.embeddings if tables is None else tables
        pooled, chosen, kept = self._forward(data, starts, lengths, tables, buffers, noise)
        ends = [self._logits.kernel, self._logits.bias]
        if self._context_dense is not None:
            ends += [self._context_dense.kernel, self._context_dense.bias]
        with tf.GradientTape() as tape:
            tape.watch(pooled)
            loss = loss_of(self._head(pooled, context, noise))
        pulled, *of_ends = tape.gradient(loss, [pooled, *(end.value for end in ends)])
        if self.spec.pooling == "mean":
            pulled /= tf.cast(tf.maximum(lengths, 1), tf.float32)[:, None]
        found = self._backward(data, starts, lengths, tables, kept, noise, pulled, chosen)
        found |= {end.path: gradient for end, gradient in zip(ends, of_ends, strict=True)}
        return loss, [found[v.path] for v in self.model.trainable_variables], kept

    def _backward(self, data, starts, lengths, tables, kept, noise, pulled, chosen):
        batch, n_states = starts.shape[0], self._cells[0].n_states
        kernels = [cell.kernels() for cell in self._cells]
        kept = self._by_layer(kept, self._n_kept)
        n_weights = len(self._cells[0].zeros())

        def step(t, pulls, weights, pushes):
            pulls, weights = self._by_layer(pulls, n_states), self._by_layer(weights, n_weights)
            above = self._pulled(t, lengths, pulled, chosen)
            for i, cell in reversed(list(enumerate(self._cells))):
                states, gates = kept[i][:n_states], kept[i][n_states:]
                x = kept[i - 1][0][t + 1] if i else self._events(data, starts, t, tables)
                mask = noise.of_step(t, i, x.shape) if noise else None
                x = x if mask is None else x * mask
                pulls[i][0] = above + pulls[i][0]
                above, pulls[i], pushed = cell.pull_back(
                    pulls[i],
                    [state[t] for state in states],
                    [state[t + 1] for state in states],
                    [gate[t] for gate in gates],
                    kernels[i],
                )
                above = above if mask is None else above * mask
                weights[i] = cell.add_weights(weights[i], x, states[0][t], pushed)
            pushes = self._scatter(data, starts, t, above, pushes)
            return t - 1, _flat(pulls), _flat(weights), pushes

        weights = _flat(cell.zeros() for cell in self._cells)
        pushes = tuple(tf.zeros(table.shape) for table in tables)
        pulls = (tf.zeros((batch, self.spec.units)),) * (n_states * len(self._cells))
        start = (tf.reduce_max(lengths) - 1, pulls, weights, pushes)
        _, _, weights, pushes = tf.while_loop(lambda t, *_: t >= 0, step, start)
        found = {v.path: g for v, g in zip(self.embeddings, pushes, strict=True)}
        for cell, sums in zip(self._cells, self._by_layer(weights, n_weights), strict=True):
            found |= cell.found(sums)
        return found

    def _pulled(self, t, lengths, pulled, chosen):
        """The part of the pooled vector's gradient that goes to the state of a step."""
        if self.spec.pooling == "last":
            return tf.where((lengths == t + 1)[:, None], pulled, 0.0)
        if self.spec.pooling == "mean":
            return tf.where((t < lengths)[:, None], pulled, 0.0)
        return tf.where(chosen == t, pulled, 0.0)

    def _scatter(self, data, starts, t, gradient, tables):
        # Past the end of a sequence the gradient is zero, whatever the code.
        at = tf.minimum(starts + t, tf.shape(data["codes"])[0] - 1)
        codes, result, begin = tf.gather(data["codes"], at), [], 0
        for i, table in enumerate(tables):
            part = gradient[:, begin : begin + table.shape[1]]
            result.append(tf.tensor_scatter_nd_add(table, codes[:, i : i + 1], part))
            begin += table.shape[1]
        return tuple(result)


class Noise:
    """Masks of dropout, drawn for each step and layer, the same forwards and backwards.

    Parameters
    ----------
    rate : tensor of float32
    seed : tensor of int32 of shape (2,)
        Of the batch.
    """

    def __init__(self, rate, seed):
        self._rate, self._seed = rate, seed

    def of_step(self, t, layer, shape):
        """Mask of a layer's input at a step."""
        seed = tf.stack([self._seed[0] * 31 + layer + 1, self._seed[1] * 65_537 + t])
        return self._mask(shape, seed)

    def of_end(self, shape):
        """Mask of the vector before the logits."""
        return self._mask(shape, tf.stack([self._seed[0] * 31, self._seed[1]]))

    def _mask(self, shape, seed):
        kept = tf.random.stateless_uniform(shape, seed) >= self._rate
        return tf.where(kept, 1 / (1 - self._rate), 0.0)


def _flat(parts):
    return tuple(value for part in parts for value in part)


def _begin(buffers, n_states):
    """Buffers with zeros before the first step; the gates' have no such place."""
    zeros = [
        tf.tensor_scatter_nd_update(state, [[0]], tf.zeros_like(state[:1]))
        for state in buffers[:n_states]
    ]
    return [*zeros, *buffers[n_states:]]


def _write(buffers, t, states, gates):
    """States after a step, and its gates."""
    places = [t + 1] * len(states) + [t] * len(gates)
    return [
        tf.tensor_scatter_nd_update(buffer, [[place]], value[None])
        for buffer, place, value in zip(buffers, places, [*states, *gates], strict=True)
    ]
