"""The LSTM network written out step by step, forwards and backwards, for one compiled program.

Keras' layers pay for every padded step, and TensorFlow for every operation. Written out, a loop
stops at the longest real step of a batch, and XLA makes one program of all batches. The weights
are those of the Keras model, and so are the numbers: tests compare outputs and gradients.
"""

import tensorflow as tf

# Of each layer and step: state, cell, and the four gates, apart: to join them takes a twentieth
# of the time of a step.
_KEPT = 6
# From so many numbers in a gate, rows times units, each gate has a product of its own in training.
# XLA runs the four on several threads at once, and one large product on a single thread: a step
# takes 7 to 18% less.
_LARGE_GATE = 1024


class FusedLSTM:
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
        self._cells = [layers[f"lstm_{i}"].cell for i in range(spec.n_layers)]
        self._context_dense, self._logits = layers.get("context_dense"), layers["logits"]
        self._widths = [sum(spec.embedding_dims) + spec.n_numbers]
        self._widths += [spec.units] * (spec.n_layers - 1)

    @staticmethod
    def supports(spec):
        """Whether a network is one that this class computes."""
        return (
            spec.network == "lstm"
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
        return batch_size * n_steps * _KEPT * spec.units * spec.n_layers

    def buffers(self, batch_size, n_steps):
        """State, cell and each of the four gates of each layer, step by step."""
        steps = [n_steps + 1] * 2 + [n_steps] * 4
        return [tf.zeros((n, batch_size, self.spec.units)) for _ in self._cells for n in steps]

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
        n_parts = 4 if buffers and batch * units >= _LARGE_GATE else 1
        weights = [_in_parts(cell, n_parts) for cell in self._cells]
        zero = tf.zeros((batch, units))

        def step(t, states, pooled, chosen, kept):
            x, states, kept = self._events(data, starts, t, tables), list(states), list(kept)
            for i, parts in enumerate(weights):
                h, c = states[2 * i : 2 * i + 2]
                x = x * noise.of_step(t, i, x.shape) if noise else x
                gates = _gates(tf.concat([x, h], 1), parts)
                input_, forget, new, output = gates
                c = forget * c + input_ * new
                h = output * tf.tanh(c)
                if kept:
                    kept[_KEPT * i : _KEPT * (i + 1)] = _write(
                        kept[_KEPT * i : _KEPT * (i + 1)], t, (h, c, *gates)
                    )
                states[2 * i : 2 * i + 2] = x, c = h, c
            pooled, chosen = self._pool(t, lengths, h, pooled, chosen)
            return t + 1, tuple(states), pooled, chosen, tuple(kept)

        least = zero - 1e4 if self.spec.pooling == "max" else zero
        kept = tuple(_begin(buffers)) if buffers else ()
        chosen = tf.zeros((batch, units), tf.int32) - 1
        start = (0, (zero,) * (2 * len(self._cells)), least, chosen, kept)
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
        batch, units = starts.shape[0], self.spec.units
        kernels = [tf.concat([c.kernel, c.recurrent_kernel], 0) for c in self._cells]

        def step(t, states, weights, pushes):
            states, weights = list(states), list(weights)
            above = self._pulled(t, lengths, pulled, chosen)
            for i in reversed(range(len(self._cells))):
                hs, cs, *gates = kept[_KEPT * i : _KEPT * (i + 1)]
                x = kept[_KEPT * (i - 1)][t + 1] if i else self._events(data, starts, t, tables)
                mask = noise.of_step(t, i, x.shape) if noise else None
                x = x if mask is None else x * mask
                below, dc = states[2 * i : 2 * i + 2]
                dh = above + below[:, self._widths[i] :]
                dz, dc = _pull_back(dh, dc, [gate[t] for gate in gates], cs[t], cs[t + 1])
                states[2 * i] = below = tf.matmul(dz, kernels[i], transpose_b=True)
                states[2 * i + 1] = dc
                above = below[:, : self._widths[i]]
                above = above if mask is None else above * mask
                # Transposed before they are joined: a product with a transposed matrix runs in
                # another library, and less well next to the one above (TensorFlow 2.21).
                seen = tf.concat([tf.transpose(x), tf.transpose(hs[t])], 0)
                weights[2 * i] += tf.matmul(seen, dz)
                weights[2 * i + 1] += tf.reduce_sum(dz, 0)
            pushes = self._scatter(data, starts, t, above, pushes)
            return t - 1, tuple(states), tuple(weights), pushes

        weights = tuple(
            tf.zeros(shape)
            for width in self._widths
            for shape in ((width + units, 4 * units), (4 * units,))
        )
        pushes = tuple(tf.zeros(table.shape) for table in tables)
        pulls = (tf.zeros((batch, n)) for width in self._widths for n in (width + units, units))
        start = (tf.reduce_max(lengths) - 1, tuple(pulls), weights, pushes)
        _, _, weights, pushes = tf.while_loop(lambda t, *_: t >= 0, step, start)
        found = {v.path: g for v, g in zip(self.embeddings, pushes, strict=True)}
        for i, (cell, width) in enumerate(zip(self._cells, self._widths, strict=True)):
            found[cell.kernel.path] = weights[2 * i][:width]
            found[cell.recurrent_kernel.path] = weights[2 * i][width:]
            found[cell.bias.path] = weights[2 * i + 1]
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


def _in_parts(cell, n_parts):
    """Kernel and bias of a cell, whole, or cut into one part for each gate."""
    kernel = tf.concat([cell.kernel, cell.recurrent_kernel], 0)
    parts = tf.split(kernel, n_parts, 1), tf.split(cell.bias.value, n_parts)
    return list(zip(*parts, strict=True))


def _gates(x, parts):
    """Gates in Keras' order: input, forget, new cell, output."""
    products = [tf.matmul(x, kernel) + bias for kernel, bias in parts]
    z = [gate for product in products for gate in tf.split(product, 4 // len(parts), 1)]
    return [tf.sigmoid(z[0]), tf.sigmoid(z[1]), tf.tanh(z[2]), tf.sigmoid(z[3])]


def _pull_back(dh, dc, gates, c_before, c):
    """Gradient of what went into the gates, and of the cell before."""
    input_, forget, new, output = gates
    squashed = tf.tanh(c)
    dc = dc + dh * output * (1 - squashed * squashed)
    dz = tf.concat(
        [
            dc * new * input_ * (1 - input_),
            dc * c_before * forget * (1 - forget),
            dc * input_ * (1 - new * new),
            dh * squashed * output * (1 - output),
        ],
        1,
    )
    return dz, dc * forget


def _begin(buffers):
    """Buffers with zeros before the first step; the gates' have no such place."""
    return [
        tf.tensor_scatter_nd_update(buffer, [[0]], tf.zeros_like(buffer[:1]))
        if i % _KEPT < 2
        else buffer
        for i, buffer in enumerate(buffers)
    ]


def _write(buffers, t, values):
    """State and cell after a step, and its gates."""
    places = [t + 1] * 2 + [t] * 4
    return [
        tf.tensor_scatter_nd_update(buffer, [[place]], value[None])
        for buffer, place, value in zip(buffers, places, values, strict=True)
    ]
