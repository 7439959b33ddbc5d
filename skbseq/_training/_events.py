"""Training at every event: which code comes next, among few codes or a million."""

from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from skbseq._monitors import gain_of
from skbseq._sequences import FIRST_CATEGORY, ranges
from skbseq._training._batches import pad_batch
from skbseq._training._devices import training_on
from skbseq._training._tables import CodeTables, rows_of, size_of, whole
from skbseq._training._traced import TracedStep, make_traced
from skbseq._training._trainer import Trainer, values_of

_AT_ONCE = 256  # held-out histories per batch
_MOST_LOGITS = 2**24  # of a batch whose events are ranked


@dataclass(frozen=True)
class EventLoss:
    """Cross-entropy of the codes that a network predicts at its events.

    Parameters
    ----------
    kind : {"next"}
        Every event is predicted from those before it, the first from an empty history.
    targets : tuple of int
        Indices of the channels to predict.
    n_negatives : int or None, default=None
        Number of codes drawn for each batch as negatives (sampled softmax). None: the softmax
        runs over all codes.
    monitor : str, default="loss"
        What decides when to stop: "loss", or "ndcg@10" or "recall@20", say, of the last event of
        each held-out history.
    """

    kind: str
    targets: tuple
    n_negatives: int | None = None
    monitor: str = "loss"

    kinds = ("next",)
    spreads = False  # the negatives are drawn once for all samples of a batch

    def as_keras(self, n_outputs):
        """A similar loss that Keras knows, for callbacks that inspect the compiled model."""
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class EventTrainer(Trainer):
    """A traced training step of a network that predicts codes at its events."""

    def _prepare(self, program, loss):
        names = [f"output_embedding_{i}" for i in loss.targets]
        self._heads = [self.model.get_layer(name) for name in names]
        self._tables = [CodeTables(self.model, i) for i in loss.targets]
        weight = tf.TensorSpec((None, None), tf.float32)
        targets = tf.TensorSpec((None, None, len(loss.targets)), tf.int32)
        negatives = tf.TensorSpec((len(loss.targets), None), tf.int32)
        signature = [
            program.signature,
            *self._extra_signature(program),
            targets,
            weight,
            negatives,
        ]
        number, scale = tf.TensorSpec((), tf.float32), tf.TensorSpec((None,), tf.float32)
        self._train = TracedStep(self._train_events, [*signature, scale, number, number, number])
        self._judge = make_traced(self._sums, input_signature=signature)
        codes, seen = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None, None), tf.int32)
        self._rank = make_traced(self._ranks, input_signature=[program.signature, codes, seen])

    def _extra_signature(self, program):
        """Signatures of further arguments of a step, between the batch and the target codes."""
        return ()

    def set_seed(self, seed):
        """Reset all random number generators."""
        super().set_seed(seed)
        self._rng = np.random.default_rng([seed, 5])

    def begin(self, samples, batch_size):
        """Count the target events of all samples.

        The histories of a batch have similar length, so one batch has many target events and
        another few. Each step divides its loss by the average number per batch, not by its own
        number: so every event has the same weight.
        """
        self._batch_size = min(batch_size, len(samples[0]))
        expected = self._totals(samples) * self._batch_size / len(samples[0])
        self._scale = np.divide(1, expected, out=np.zeros_like(expected), where=expected > 0)

    def _totals(self, samples):
        """Total weight of the target events, for each part of the loss."""
        data, following, sample_weight = samples
        totals = self._weigh(data, np.repeat(sample_weight, data.lengths).astype(np.float64))
        totals[0] += sample_weight[following >= FIRST_CATEGORY].sum(dtype=np.float64)
        return totals

    def _weigh(self, data, weight):
        """For each target channel, the sum of the weights of the events with a known code."""
        at, _ = ranges(data.starts, data.starts + data.lengths)
        codes = (data.codes[at, target] for target in self.loss.targets)
        return np.array([weight[column >= FIRST_CATEGORY].sum() for column in codes])

    def train_rows(self, samples, rows, options):
        """One optimizer step on some samples; returns their loss as a tensor.

        The mean of these losses over an epoch, weighted by batch size, is the mean over all
        target events.
        """
        share = np.float32(self._batch_size / len(rows))
        scale = self._scale.astype(np.float32)
        with training_on(self.program.device):
            columns = self._columns(samples, rows, self._rng)
            values = values_of(options, "l1", "l2")
            return self._train(*columns, scale, share, *values)

    def held_out_metrics(self, samples):
        """Loss, and how well the last events are ranked if that is monitored."""
        metrics = super().held_out_metrics(samples)
        if self.loss.monitor != "loss":
            gain = gain_of(self.loss.monitor)
            metrics[f"val_{self.loss.monitor}"] = float(gain(self._ranks_of(samples[0])).mean())
        return metrics

    def _ranks_of(self, data):
        """Rank of the last event of each history among all codes, from those before it."""
        place = self.loss.targets[0]
        last = np.zeros(len(data), np.int64)
        some = data.lengths > 0
        last[some] = data.codes[(data.starts + data.lengths)[some] - 1, place]
        asked = np.flatnonzero(last >= FIRST_CATEGORY)
        before = replace(data, lengths=np.maximum(data.lengths - 1, 0)).take(asked)
        last, size = last[asked].astype(np.int32), self._heads[0].n_codes
        at, offsets = ranges(before.starts, before.starts + before.lengths)
        rows = np.repeat(np.arange(len(asked)), np.diff(offsets))
        codes = before.codes[at, place]
        # Where nobody takes an id twice, lists will be asked for without those seen.
        left_out = not (codes == last[rows]).any()
        n_batches = -(-len(asked) // max(1, min(_AT_ONCE, _MOST_LOGITS // size)))
        ranks = np.zeros(len(asked))
        for part in np.array_split(np.argsort(before.lengths), n_batches) if len(asked) else ():
            batch = pad_batch(before, part)
            seen = batch["codes"][:, :, place] if left_out else np.zeros((len(part), 1), np.int32)
            ranks[part] = self._rank(batch, last[part], seen).numpy()
        return ranks

    def _ranks(self, batch, codes, seen):
        """Rank of a code after each history; codes that were seen are left out."""
        _, queries, *_ = self.model(batch, training=False)
        query = tf.gather(queries, batch["lengths"], batch_dims=1)
        logits = all_logits(query, *self._tables[0].read())
        rows = tf.broadcast_to(tf.range(tf.shape(seen)[0])[:, None], tf.shape(seen))
        right = tf.gather(logits, codes, batch_dims=1)
        places = tf.stack([tf.reshape(rows, [-1]), tf.reshape(seen, [-1])], axis=1)
        logits = tf.tensor_scatter_nd_min(logits, places, tf.fill(tf.shape(places)[:1], -2e9))
        return 1 + tf.reduce_sum(tf.cast(logits > right[:, None], tf.int32), axis=1)

    def held_out_loss(self, data, targets, sample_weight):
        """Mean loss of all target events, with the same random draws at each call."""
        rng, samples = np.random.default_rng(0), (data, targets, sample_weight)
        found = [
            [part.numpy() for part in self._judge(*self._columns(samples, rows, rng))]
            for rows in np.array_split(np.argsort(data.lengths), -(-len(data) // _AT_ONCE))
        ]
        losses, weights = np.sum(found, axis=0, dtype=np.float64)
        return float((losses[weights > 0] / weights[weights > 0]).sum())

    def _columns(self, samples, rows, rng):
        """Batch, target codes (0 for no target), weights of the events, negatives."""
        data, following, sample_weight = samples
        batch = pad_batch(data, rows)
        # One step more than events: the target after the last event is what followed the
        # history, if that is known.
        targets = np.pad(batch["codes"][:, :, list(self.loss.targets)], [(0, 0), (0, 1), (0, 0)])
        targets[np.arange(len(rows)), data.lengths[rows], 0] = following[rows]
        targets = np.where(targets >= FIRST_CATEGORY, targets, 0)
        weight = np.broadcast_to(sample_weight[rows, None], targets.shape[:2])
        return batch, targets, weight, self._draw(rng)

    def _draw(self, rng):
        n = self.loss.n_negatives or 0
        negatives = [draw_codes(head.n_codes - FIRST_CATEGORY, n, rng) for head in self._heads]
        return np.array(negatives, np.int32).reshape(len(self._heads), n)

    def _train_events(self, *arguments):
        *columns, scale, share, l1, l2 = arguments
        with tf.GradientTape() as tape:
            losses, _ = self._sums(*columns, training=True)
            loss = tf.reduce_sum(losses * scale)
            objective = self.optimizer.scale_loss(loss + self._penalty(l1, l2))
        self._apply(tape.gradient(objective, self.model.trainable_variables))
        return loss * share

    def _sums(self, batch, targets, weight, negatives, training=False):
        """Sums of the weighted losses and of the weights, for each target channel."""
        _, *queries = self.model(batch, training=training)
        return self._cross_entropy(queries, targets, weight, negatives, training)

    def _cross_entropy(self, queries, targets, weight, negatives, training=False):
        losses, weights = [], []
        for k, query in enumerate(queries):
            # Only events with a target: logits of padding would cost as much as real ones.
            real = tf.where(targets[:, :, k] > 0)
            codes, found = tf.gather_nd(targets[:, :, k], real), tf.gather_nd(query, real)
            parts = found, codes, *self._tables[k].read(training)
            sampled = self.loss.n_negatives is not None
            loss = sampled_softmax(*parts, negatives[k]) if sampled else full_softmax(*parts)
            counts = tf.gather_nd(weight, real)
            losses.append(tf.reduce_sum(loss * counts))
            weights.append(tf.reduce_sum(counts))
        return tf.convert_to_tensor(losses, tf.float32), tf.convert_to_tensor(weights, tf.float32)


def draw_codes(n_codes, n, rng):
    """Draw codes with log-uniform probability, because codes are ordered by frequency (Zipf).

    Parameters
    ----------
    n_codes : int
        Number of codes without padding and the unknown code.
    n : int
        Number of draws, with replacement.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int32 of shape (n,)
    """
    rank = np.exp(rng.random(n) * np.log(n_codes + 1)).astype(np.int32) - 1
    rank = np.minimum(rank, n_codes - 1)  # rounding may give n_codes
    return rank + np.int32(FIRST_CATEGORY)


def all_logits(query, table, bias):
    """Logits of all codes; padding and the unknown code are never predicted."""
    logits = tf.matmul(query, whole(table), transpose_b=True) + whole(bias)
    return logits - 1e9 * tf.cast(tf.range(size_of(bias)) < FIRST_CATEGORY, tf.float32)


def full_softmax(query, codes, table, bias):
    """Cross-entropy of the right code among all codes."""
    logits = all_logits(query, table, bias)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(codes, logits)


def sampled_softmax(query, codes, table, bias, negatives):
    """Cross-entropy of the right code among itself and the negatives.

    The logit of a negative is reduced by the logarithm of its expected number of draws
    (Bengio & Senecal 2008). The right code is always included, so it is not corrected, and where
    it is drawn as a negative it is ignored. So the sum of exponentials is unbiased, and with more
    draws the loss converges to that of :func:`full_softmax`.
    """
    right = tf.reduce_sum(query * rows_of(table, codes), axis=1) + rows_of(bias, codes)
    n_codes, n = size_of(bias) - FIRST_CATEGORY, tf.shape(negatives)[0]
    wrong = tf.matmul(query, rows_of(table, negatives), transpose_b=True)
    wrong += rows_of(bias, negatives)
    wrong -= log_expected_draws(negatives - FIRST_CATEGORY, n_codes, n)
    wrong -= 1e9 * tf.cast(codes[:, None] == negatives, tf.float32)
    logits = tf.concat([right[:, None], wrong], 1)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.zeros_like(codes), logits)


def log_expected_draws(rank, n_codes, n):
    """Logarithm of the expected number of draws of a rank, among ``n`` of :func:`draw_codes`."""
    rank, n_codes, n = (tf.cast(x, tf.float32) for x in (rank, n_codes, n))
    return tf.math.log(n * tf.math.log1p(1 / (rank + 1)) / tf.math.log(n_codes + 1))
