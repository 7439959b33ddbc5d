"""Training at every event: which codes follow, among few or among a million."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from skbseq._sequences import FIRST_CATEGORY, ranges
from skbseq._training._batches import pad_batch
from skbseq._training._devices import training_on
from skbseq._training._traced import TracedStep, traced
from skbseq._training._trainer import Trainer, values_of

_AT_ONCE = 256  # histories held out that are judged at once


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

    kinds = ("next",)
    spreads = False  # what is drawn stands for all samples of a batch

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
        weight = tf.TensorSpec((None, None), tf.float32)
        asked = tf.TensorSpec((None, None, len(loss.targets)), tf.int32)
        drawn = tf.TensorSpec((len(loss.targets), None), tf.int32)
        signature = [program.signature, *self._asked_besides(program), asked, weight, drawn]
        number, scale = tf.TensorSpec((), tf.float32), tf.TensorSpec((None,), tf.float32)
        self._train = TracedStep(self._train_events, [*signature, scale, number, number, number])
        self._judge = traced(self._sums, input_signature=signature)

    def _asked_besides(self, program):
        """Signatures of what a step gets between batch and codes."""
        return ()

    def set_seed(self, seed):
        """Restart all random numbers."""
        super().set_seed(seed)
        self._rng = np.random.default_rng([seed, 5])

    def begin(self, samples, batch_size):
        """Count what is asked of all samples.

        Histories of a batch are of like length, so one batch asks of many events and another of
        few. Each step divides by what a batch asks on average: so every event weighs the same.
        """
        self._batch_size = min(batch_size, len(samples[0]))
        asked = self._totals(samples) * self._batch_size / len(samples[0])
        self._scale = np.divide(1, asked, out=np.zeros_like(asked), where=asked > 0)

    def _totals(self, samples):
        """Weight of all events that are asked, for each part of the loss."""
        data, following, sample_weight = samples
        totals = self._weigh(data, np.repeat(sample_weight, data.lengths).astype(np.float64))
        totals[0] += sample_weight[following >= FIRST_CATEGORY].sum(dtype=np.float64)
        return totals

    def _weigh(self, data, weight):
        """Sums of weights of the events, end to end, that have a code of each target."""
        at, _ = ranges(data.starts, data.starts + data.lengths)
        codes = (data.codes[at, target] for target in self.loss.targets)
        return np.array([weight[column >= FIRST_CATEGORY].sum() for column in codes])

    def train_rows(self, samples, rows, options):
        """One optimizer step on some samples; their loss as a tensor.

        Its mean over the batches of an epoch, by their rows, is the mean over all events asked.
        """
        share = np.float32(self._batch_size / len(rows))
        scale = self._scale.astype(np.float32)
        with training_on(self.program.device):
            columns = self._columns(samples, rows, self._rng)
            values = values_of(options, "l1", "l2")
            return self._train(*columns, scale, share, *values)

    def held_out_loss(self, data, targets, sample_weight):
        """Mean loss of all events asked; what is drawn at random is so every time alike."""
        rng, samples = np.random.default_rng(0), (data, targets, sample_weight)
        found = [
            [part.numpy() for part in self._judge(*self._columns(samples, rows, rng))]
            for rows in np.array_split(np.argsort(data.lengths), -(-len(data) // _AT_ONCE))
        ]
        losses, weights = np.sum(found, axis=0, dtype=np.float64)
        return float((losses[weights > 0] / weights[weights > 0]).sum())

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
        *columns, scale, share, l1, l2 = arguments
        with tf.GradientTape() as tape:
            losses, _ = self._sums(*columns, training=True)
            loss = tf.reduce_sum(losses * scale)
            objective = self.optimizer.scale_loss(loss + self._penalty(l1, l2))
        self._apply(tape.gradient(objective, self.model.trainable_variables))
        return loss * share

    def _sums(self, batch, asked, weight, drawn, training=False):
        """Weighted losses, and weights, summed over the events asked, for each target."""
        _, *queries = self.model(batch, training=training)
        return self._cross_entropy(queries, asked, weight, drawn)

    def _cross_entropy(self, queries, asked, weight, drawn):
        losses, weights = [], []
        for k, query in enumerate(queries):
            real = tf.where(asked[:, :, k] > 0)
            codes, found = tf.gather_nd(asked[:, :, k], real), tf.gather_nd(query, real)
            parts = found, codes, self._tables[k].value, self._heads[k].bias.value
            many = self.loss.n_negatives is not None
            loss = _among_drawn(*parts, drawn[k]) if many else _among_all(*parts)
            counts = tf.gather_nd(weight, real)
            losses.append(tf.reduce_sum(loss * counts))
            weights.append(tf.reduce_sum(counts))
        return tf.convert_to_tensor(losses, tf.float32), tf.convert_to_tensor(weights, tf.float32)


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
