"""One step of each recurrence, forwards and backwards, for the fused networks."""

import tensorflow as tf


class FusedCell:
    """A recurrence cell whose step and gradient are written out.

    Subclasses set ``n_states``, the number of vectors that go from step to step, of which the
    first is the output; ``n_gates``, the number of others that the backward pass needs of a step;
    and ``n_products``, the number of gates that can be computed by a product of their own. All
    vectors have the shape (batch, units). They give

    - ``weights(n_parts)``: what all forward steps share, the kernels, whole (1) or cut into
      ``n_products`` parts;
    - ``step(x, states, weights)``: the lists of the states and of the gates after an event;
    - ``kernels()``: what all backward steps share;
    - ``pull_back(pulls, before, after, gates, kernels)``: from the gradients of the states after a
      step and the states before and after it, the gradient of ``x``, those of the states before,
      and those of the products, for ``add_weights``;
    - ``zeros()``: sums of the gradients of the weights before the first step;
    - ``add_weights(sums, x, h, pushed)``: these sums with those of one step;
    - ``found(sums)``: gradients of the cell's variables by their paths.

    Parameters
    ----------
    cell : keras.layers.Layer
        Cell of a Keras layer, whose weights are used.
    width : int
        Size of the input.
    """

    def __init__(self, cell, width):
        self.cell, self.width = cell, width


class FusedLSTMCell(FusedCell):
    """Long short-term memory: state and cell; input, forget, new cell and output gate."""

    n_states, n_gates, n_products = 2, 4, 4

    def weights(self, n_parts):
        """Pairs of a kernel over input and state, and a bias."""
        parts = tf.split(self.kernels(), n_parts, 1), tf.split(self.cell.bias.value, n_parts)
        return list(zip(*parts, strict=True))

    def step(self, x, states, weights):
        """State and cell after an event, and its gates."""
        h, c = states
        seen = tf.concat([x, h], 1)
        products = [tf.matmul(seen, kernel) + bias for kernel, bias in weights]
        n_each = self.n_gates // len(weights)
        z = [gate for product in products for gate in tf.split(product, n_each, 1)]
        gates = [tf.sigmoid(z[0]), tf.sigmoid(z[1]), tf.tanh(z[2]), tf.sigmoid(z[3])]
        input_, forget, new, output = gates
        c = forget * c + input_ * new
        return [output * tf.tanh(c), c], gates

    def pull_back(self, pulls, before, after, gates, kernels):
        """Gradients of input, state and cell."""
        (dh, dc), (input_, forget, new, output) = pulls, gates
        squashed = tf.tanh(after[1])
        dc = dc + dh * output * (1 - squashed * squashed)
        dz = tf.concat(
            [
                dc * new * input_ * (1 - input_),
                dc * before[1] * forget * (1 - forget),
                dc * input_ * (1 - new * new),
                dh * squashed * output * (1 - output),
            ],
            1,
        )
        below = tf.matmul(dz, kernels, transpose_b=True)
        return below[:, : self.width], [below[:, self.width :], dc * forget], (dz,)

    def kernels(self):
        """Kernel of input and state, one above the other."""
        return tf.concat([self.cell.kernel, self.cell.recurrent_kernel], 0)

    def zeros(self):
        """Of both kernels and of the bias."""
        units = self.cell.units
        return [tf.zeros((self.width + units, 4 * units)), tf.zeros(4 * units)]

    def add_weights(self, sums, x, h, pushed):
        """Sums with the gradients of one step."""
        (dz,) = pushed
        # Transposed before they are joined: a product with a transposed matrix runs in another
        # library, and less well next to that of the kernels (TensorFlow 2.21).
        seen = tf.concat([tf.transpose(x), tf.transpose(h)], 0)
        return [sums[0] + tf.matmul(seen, dz), sums[1] + tf.reduce_sum(dz, 0)]

    def found(self, sums):
        """Gradients of kernel, recurrent kernel and bias."""
        return {
            self.cell.kernel.path: sums[0][: self.width],
            self.cell.recurrent_kernel.path: sums[0][self.width :],
            self.cell.bias.path: sums[1],
        }


class _SeparateKernelsCell(FusedCell):
    """A cell in which the products of input and state are computed apart."""

    def kernels(self):
        """Kernel of the input and of the state."""
        return self.cell.kernel.value, self.cell.recurrent_kernel.value

    def zeros(self):
        """Of both kernels and of the bias."""
        cell = self.cell
        return [tf.zeros(w.shape) for w in (cell.kernel, cell.recurrent_kernel, cell.bias)]

    def found(self, sums):
        """Gradients of kernel, recurrent kernel and bias."""
        names = ("kernel", "recurrent_kernel", "bias")
        return {getattr(self.cell, name).path: g for name, g in zip(names, sums, strict=True)}


class FusedGRUCell(_SeparateKernelsCell):
    """Gated recurrent unit whose reset gate acts after the product with the state.

    Of each step the update gate, the reset gate, the new state and the product that was reset are
    kept.
    """

    n_states, n_gates, n_products = 1, 4, 3

    def weights(self, n_parts):
        """For input and state, pairs of a kernel and a bias."""
        biases = tf.unstack(self.cell.bias.value)
        return [
            list(zip(tf.split(kernel, n_parts, 1), tf.split(bias, n_parts), strict=True))
            for kernel, bias in zip(self.kernels(), biases, strict=True)
        ]

    def step(self, x, states, weights):
        """State after an event, and its gates."""
        (h,) = states
        (update_x, reset_x, new_x), (update_h, reset_h, new_h) = (
            _thirds(value, parts) for value, parts in zip((x, h), weights, strict=True)
        )
        update, reset = tf.sigmoid(update_x + update_h), tf.sigmoid(reset_x + reset_h)
        new = tf.tanh(new_x + reset * new_h)
        return [update * h + (1 - update) * new], [update, reset, new, new_h]

    def pull_back(self, pulls, before, after, gates, kernels):
        """Gradients of input and state."""
        (dh,), (update, reset, new, new_h) = pulls, gates
        d_new = dh * (1 - update) * (1 - new * new)
        d_gates = [
            dh * (before[0] - new) * update * (1 - update),
            d_new * new_h * reset * (1 - reset),
        ]
        of_input = tf.concat([*d_gates, d_new], 1)
        of_state = tf.concat([*d_gates, d_new * reset], 1)
        dx = tf.matmul(of_input, kernels[0], transpose_b=True)
        below = tf.matmul(of_state, kernels[1], transpose_b=True)
        return dx, [dh * update + below], (of_input, of_state)

    def add_weights(self, sums, x, h, pushed):
        """Sums with the gradients of one step."""
        of_input, of_state = pushed
        biases = tf.stack([tf.reduce_sum(of_input, 0), tf.reduce_sum(of_state, 0)])
        return [
            sums[0] + tf.matmul(tf.transpose(x), of_input),
            sums[1] + tf.matmul(tf.transpose(h), of_state),
            sums[2] + biases,
        ]


class FusedRNNCell(_SeparateKernelsCell):
    """A tanh of the sum of two products; nothing but the state is kept."""

    n_states, n_gates, n_products = 1, 0, 1

    def weights(self, n_parts):
        """Both kernels and the bias."""
        return *self.kernels(), self.cell.bias.value

    def step(self, x, states, weights):
        """State after an event."""
        kernel, recurrent_kernel, bias = weights
        return [tf.tanh(tf.matmul(x, kernel) + bias + tf.matmul(states[0], recurrent_kernel))], []

    def pull_back(self, pulls, before, after, gates, kernels):
        """Gradients of input and state."""
        h = after[0]
        dz = pulls[0] * (1 - h * h)
        dx, below = (tf.matmul(dz, kernel, transpose_b=True) for kernel in kernels)
        return dx, [below], (dz,)

    def add_weights(self, sums, x, h, pushed):
        """Sums with the gradients of one step."""
        (dz,) = pushed
        return [
            sums[0] + tf.matmul(tf.transpose(x), dz),
            sums[1] + tf.matmul(tf.transpose(h), dz),
            sums[2] + tf.reduce_sum(dz, 0),
        ]


def _thirds(x, parts):
    """Products of a tensor with the kernels of update gate, reset gate and new state."""
    products = [tf.matmul(x, kernel) + bias for kernel, bias in parts]
    return [part for p in products for part in tf.split(p, 3 // len(parts), 1)]


CELLS = {"lstm": FusedLSTMCell, "gru": FusedGRUCell, "rnn": FusedRNNCell}
