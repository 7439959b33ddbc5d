"""Training at every event: which codes follow, among few or among a million."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from skbseq._sequences import FIRST_CATEGORY
from skbseq._training._batches import pad_batch
from skbseq._training._trainer import Trainer, values_of


@dataclass(frozen=True)
class EventLoss:
    """Cross-entropy of the codes that a network looks for at its events.

    Parameters
    ----------
    kind : {"next"}
        Every event is foretold from those before it, the first from none.
    targets : tuple of int
        Places of the channels.
    n_negatives : int or None, default=None
        Codes drawn for each batch to stand for all others. None: none are left out.
    """

    kind: str
    targets: tuple
    n_negatives: int | None = None

    def as_keras(self, n_outputs):
        """The like of this loss that Keras knows, for callbacks that look at the model."""
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class EventTrainer(Trainer):
    """A traced training step of a network that looks for codes at its events."""

    def _prepare(self, program, loss):
        names = [f"codes_{i}" for i in loss.targets]
        self._heads = [self.model.get_layer(name) for name in names]
        self._tables = [
            head.vectors if head.own else self.model.get_layer(f"embedding_{i}").embeddings
            for i, head in zip(loss.targets, self._heads, strict=True)
        ]
        number, weight = tf.TensorSpec((), tf.float32), tf.TensorSpec((None, None), tf.float32)
        asked = tf.TensorSpec((None, None, len(loss.targets)), tf.int32)
        drawn = tf.TensorSpec((len(loss.targets), None), tf.int32)
        signature = [program.signature, *self._asked_besides(program), asked, weight, drawn]
        self._train = tf.function(
            self._train_events, input_signature=[*signature, number, number], autograph=False
        )
        self._judge = tf.function(self._loss_of, input_signature=signature, autograph=False)

    def _asked_besides(self, program):
        """Signatures of what a step gets between batch and codes."""
        return ()

    def set_seed(self, seed):
        """Restart all random numbers."""
        super().set_seed(seed)
        self._rng = np.random.default_rng([seed, 5])

    def train_rows(self, samples, rows, options):
        """One optimizer step on some samples; their mean loss as a tensor."""
        with tf.device(self.program.device):
            columns = self._columns(samples, rows, self._rng)
            return self._train(*columns, *values_of(options, "l1", "l2"))

    def held_out_loss(self, data, targets, sample_weight):
        """Mean loss; what is drawn at random is so every time alike."""
        rng, samples = np.random.default_rng(0), (data, targets, sample_weight)
        total = weight = 0.0
        for rows in np.array_split(np.argsort(data.lengths), -(-len(data) // 256)):
            loss = self._judge(*self._columns(samples, rows, rng)).numpy()
            n = float((data.lengths[rows] * sample_weight[rows]).sum())
            total, weight = total + n * loss, weight + n
        return float(total / weight) if weight else 0.0

    def _columns(self, samples, rows, rng):
        """Batch, codes asked (0 where none is), weights of the events, codes drawn."""
        data, following, sample_weight = samples
        batch = pad_batch(data, rows)
        # Behind the last event stands what followed, where it is known.
        asked = np.pad(batch["codes"][:, :, list(self.loss.targets)], [(0, 0), (0, 1), (0, 0)])
        asked[np.arange(len(rows)), data.lengths[rows], 0] = following[rows]
        asked = np.where(asked >= FIRST_CATEGORY, asked, 0)
        weight = np.broadcast_to(sample_weight[rows, None], asked.shape[:2])
        return batch, asked, weight, self._draw(rng)

    def _draw(self, rng):
        n = self.loss.n_negatives or 0
        drawn = [draw_codes(head.n_codes - FIRST_CATEGORY, n, rng) for head in self._heads]
        return np.array(drawn, np.int32).reshape(len(self._heads), n)

    def _train_events(self, *arguments):
        *columns, l1, l2 = arguments
        with tf.GradientTape() as tape:
            loss = self._loss_of(*columns, training=True)
            objective = self.optimizer.scale_loss(loss + self._penalty(l1, l2))
        self._apply(tape.gradient(objective, self.model.trainable_variables))
        return loss

    def _loss_of(self, batch, asked, weight, drawn, training=False):
        _, *queries = self.model(batch, training=training)
        return self._cross_entropy(queries, asked, weight, drawn)

    def _cross_entropy(self, queries, asked, weight, drawn):
        """Sum over the targets of the mean over the events whose code is asked."""
        losses = [tf.constant(0.0)]
        for k, query in enumerate(queries):
            real = tf.where(asked[:, :, k] > 0)
            codes, found = tf.gather_nd(asked[:, :, k], real), tf.gather_nd(query, real)
            parts = found, codes, self._tables[k].value, self._heads[k].bias.value
            many = self.loss.n_negatives is not None
            loss = _among_drawn(*parts, drawn[k]) if many else _among_all(*parts)
            losses.append(weighted_mean(loss, tf.gather_nd(weight, real)))
        return tf.add_n(losses)


def weighted_mean(values, weight):
    """Zero where there is no weight at all."""
    return tf.math.divide_no_nan(tf.reduce_sum(values * weight), tf.reduce_sum(weight))


def draw_codes(n_codes, n, rng):
    """Draw codes by a logarithmic law, for they stand in order of frequency (Zipf).

    Parameters
    ----------
    n_codes : int
        Without padding and the unknown.
    n : int
        Draws, with replacement.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int32 of shape (n,)
    """
    rank = np.exp(rng.random(n) * np.log(n_codes + 1)).astype(np.int32) - 1
    rank = np.minimum(rank, n_codes - 1)  # the product may be rounded up
    return rank + np.int32(FIRST_CATEGORY)


def _among_all(query, codes, table, bias):
    logits = tf.matmul(query, table, transpose_b=True) + bias
    # Nobody looks for padding or the unknown.
    logits -= 1e9 * tf.cast(tf.range(tf.shape(bias)[0]) < FIRST_CATEGORY, tf.float32)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(codes, logits)


def _among_drawn(query, codes, table, bias, drawn):
    """Softmax over the right code and those drawn, which stand for all others.

    A drawn code counts for all that it was drawn instead of: its logit is less the logarithm of
    how often it is expected among the drawn (Bengio & Senecal 2008). The right code is there
    whatever is drawn, so it has no such correction, and is no rival of itself. Then the sum of
    exponentials is without bias, and with ever more draws the loss becomes that of all codes.
    """
    right = tf.reduce_sum(query * tf.gather(table, codes), axis=1) + tf.gather(bias, codes)
    n_codes, n = tf.shape(bias)[0] - FIRST_CATEGORY, tf.shape(drawn)[0]
    wrong = tf.matmul(query, tf.gather(table, drawn), transpose_b=True) + tf.gather(bias, drawn)
    wrong -= _log_expected(drawn - FIRST_CATEGORY, n_codes, n)
    wrong -= 1e9 * tf.cast(codes[:, None] == drawn, tf.float32)
    logits = tf.concat([right[:, None], wrong], 1)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.zeros_like(codes), logits)


def _log_expected(rank, n_codes, n):
    """Logarithm of how often a rank is expected among ``n`` draws of the law of ``_draw``."""
    rank, n_codes, n = (tf.cast(x, tf.float32) for x in (rank, n_codes, n))
    return tf.math.log(n * tf.math.log1p(1 / (rank + 1)) / tf.math.log(n_codes + 1))
