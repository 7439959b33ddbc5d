"""Training at every event: which code comes next, among few codes or a million."""

from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from skbseq._gbce import Balance
from skbseq._monitors import gain_of
from skbseq._sequences import FIRST_CATEGORY, ranges
from skbseq._training._batches import pad_batch
from skbseq._training._devices import training_on
from skbseq._training._event_losses import (
    Codes,
    binary_cross_entropy,
    full_softmax,
    sampled_scores,
    sampled_softmax,
    weights_of_wrong,
)
from skbseq._training._negatives import BATCH, from_whole_catalogue, make_sampler
from skbseq._training._tables import CodeTables
from skbseq._training._traced import TracedStep, make_traced
from skbseq._training._trainer import Trainer, values_of

_AT_ONCE = 256  # held-out histories per batch
_MOST_LOGITS = 2**24  # of a batch whose events are ranked


@dataclass(frozen=True)
class EventLoss:
    """Loss of the codes that a network predicts at its events.

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
    form : {"softmax", "gbce"}, default="softmax"
        Cross-entropy of a softmax, or generalised binary cross-entropy.
    negatives : {"log-uniform", "batch"} or float, default="log-uniform"
        How negatives are drawn; a float is a power of the counts in training.
    smoothing : float, default=0.0
        Share of the target probability that is spread evenly over all codes.
    calibration : float, default=0.75
        Of "gbce", between 0 and 1: with 1 its scores are log-odds of the codes.
    baskets : bool, default=False
        Whether each event is predicted from those before its basket alone. The data have
        ``basket_starts``: how many events of the history come before the basket, -1 where this is
        not known and the event is no target.
    """

    kind: str
    targets: tuple
    n_negatives: int | None = None
    monitor: str = "loss"
    form: str = "softmax"
    negatives: str | float = "log-uniform"
    smoothing: float = 0.0
    calibration: float = 0.75
    baskets: bool = False

    kinds = ("next",)
    spreads = False  # the negatives are drawn once for all samples of a batch

    def as_keras(self, n_outputs):
        """A similar loss that Keras knows, for callbacks that inspect the compiled model."""
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class EventTrainer(Trainer):
    """A traced training step of a network that predicts codes at its events."""

    averages_tables = True  # predictions compare the weights with all rows

    def _prepare(self, program, loss):
        names = [f"output_embedding_{i}" for i in loss.targets]
        self._heads = [self.model.get_layer(name) for name in names]
        self._tables = [CodeTables(self.model, i) for i in loss.targets]
        weight = tf.TensorSpec((None, None), tf.float32)
        # With baskets, the last column holds the step of the query that predicts each target.
        targets = tf.TensorSpec((None, None, len(loss.targets) + loss.baskets), tf.int32)
        types = {"codes": tf.int32, "log_shares": tf.float32, "rows": tf.int32}
        drawn = {name: tf.TensorSpec((None,), dtype) for name, dtype in types.items()}
        negatives = [drawn] * len(loss.targets)
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
        self._samplers = self._make_samplers(samples) if self.loss.n_negatives else []

    def _make_samplers(self, samples):
        """For each target channel, what draws its negatives."""
        data, following, _ = samples
        at, _ = ranges(data.starts, data.starts + data.lengths)
        samplers = []
        for k, (target, head) in enumerate(zip(self.loss.targets, self._heads, strict=True)):
            counts = None
            if self.loss.negatives != "log-uniform":
                counts = np.bincount(data.codes[at, target], minlength=head.n_codes)
                if k == 0:
                    counts += np.bincount(following.astype(np.int64), minlength=head.n_codes)
            samplers.append(make_sampler(self.loss.negatives, head.n_codes, counts))
        return samplers

    def _totals(self, samples):
        """Total weight of the target events, for each part of the loss."""
        data, following, sample_weight = samples
        weight = np.repeat(sample_weight, data.lengths).astype(np.float64)
        if self.loss.baskets:
            at, _ = ranges(data.starts, data.starts + data.lengths)
            weight *= data.basket_starts[at] >= 0
        totals = self._weigh(data, weight)
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
        """Rank of the last events among all codes, from those before them."""
        place = self.loss.targets[0]
        asked, last, before = _last_of(data)
        codes, size = data.codes[last, place], self._heads[0].n_codes
        # Once each: a basket may hold an id several times.
        _, once = np.unique(asked * size + codes, return_index=True)
        known = np.sort(once[codes[once] >= FIRST_CATEGORY])
        last = codes[known].astype(np.int32)
        before = replace(data.take(asked[known]), lengths=before[known])
        at, offsets = ranges(before.starts, before.starts + before.lengths)
        rows = np.repeat(np.arange(len(last)), np.diff(offsets))
        codes = before.codes[at, place]
        # Where nobody takes an id twice, lists will be asked for without those seen.
        left_out = not (codes == last[rows]).any()
        n_batches = -(-len(last) // max(1, min(_AT_ONCE, _MOST_LOGITS // size)))
        ranks = np.zeros(len(last))
        for part in np.array_split(np.argsort(before.lengths), n_batches) if len(last) else ():
            batch = pad_batch(before, part)
            seen = batch["codes"][:, :, place] if left_out else np.zeros((len(part), 1), np.int32)
            ranks[part] = self._rank(batch, last[part], seen).numpy()
        return ranks

    def _ranks(self, batch, codes, seen):
        """Rank of a code after each history; codes that were seen are left out."""
        _, queries, *_ = self.model(batch, training=False)
        query = tf.gather(queries, batch["lengths"], batch_dims=1)
        logits = self._codes_of(0).all_scores(query)
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
        if self.loss.baskets:
            steps = _steps_of_queries(data, rows, targets.shape[1])[:, :, None]
            targets = np.append(np.where(steps >= 0, targets, 0), steps, axis=2)
        weight = np.broadcast_to(sample_weight[rows, None], targets.shape[:2])
        return batch, targets, weight, self._draw(targets, rng)

    def _draw(self, targets, rng):
        """Negatives of each target channel."""
        n = self.loss.n_negatives
        if n is None:
            return [from_whole_catalogue([], [])] * len(self._heads)
        return [sampler.draw(n, targets[:, :, k], rng) for k, sampler in enumerate(self._samplers)]

    def _train_events(self, *arguments):
        *columns, scale, share, l1, l2 = arguments
        with tf.GradientTape() as tape:
            losses, _ = self._sums(*columns, training=True, smoothing=self.loss.smoothing)
            loss = tf.reduce_sum(losses * scale)
            objective = self.optimizer.scale_loss(loss + self._penalty(l1, l2))
        self._apply(tape.gradient(objective, self.model.trainable_variables))
        return loss * share

    def _sums(self, batch, targets, weight, negatives, training=False, smoothing=0.0):
        """Sums of the weighted losses and of the weights, for each target channel."""
        _, *queries = self.model(batch, training=training)
        return self._cross_entropy(queries, targets, weight, negatives, training, smoothing)

    def _cross_entropy(self, queries, targets, weight, negatives, training, smoothing):
        losses, weights = [], []
        for k, query in enumerate(queries):
            # Only events with a target: logits of padding would cost as much as real ones.
            real = tf.where(targets[:, :, k] > 0)
            rows, codes = tf.cast(real[:, 0], tf.int32), tf.gather_nd(targets[:, :, k], real)
            at = real
            if self.loss.baskets:
                at = tf.stack([rows, tf.gather_nd(targets[:, :, -1], real)], axis=1)
            found = tf.gather_nd(query, at)
            # Read once: in training, codes with features are hidden at random.
            codes_and_of = codes, self._codes_of(k, training)
            if self.loss.n_negatives is None:
                loss = self._full_loss(found, *codes_and_of, smoothing)
            else:
                loss = self._sampled_loss(found, *codes_and_of, rows, negatives[k], smoothing)
            counts = tf.gather_nd(weight, real)
            losses.append(tf.reduce_sum(loss * counts))
            weights.append(tf.reduce_sum(counts))
        return tf.convert_to_tensor(losses, tf.float32), tf.convert_to_tensor(weights, tf.float32)

    def _codes_of(self, k, training=False):
        return Codes(*self._tables[k].read(training), self._heads[k].unit)

    def _full_loss(self, query, codes, of, smoothing):
        """Loss of each query among all codes."""
        if self.loss.form == "softmax":
            return full_softmax(query, codes, of, smoothing)
        balance = Balance.of(of.count, None, self.loss.calibration)
        right, scores = of.own_scores(query, codes), of.all_scores(query)[:, FIRST_CATEGORY:]
        weights = weights_of_wrong(codes, of.count)
        return binary_cross_entropy(right, scores, weights, balance, (smoothing, of.count))

    def _sampled_loss(self, query, codes, of, rows, negatives, smoothing):
        """Loss of each query among its own code and the negatives."""
        in_batch = self.loss.negatives == BATCH
        parts = query, codes, rows, of, negatives
        right, wrong, log_draws = sampled_scores(*parts, in_batch=in_batch)
        spread = smoothing, of.count
        if self.loss.form == "softmax":
            return sampled_softmax(right, wrong, log_draws, spread)
        balance = Balance.of(of.count, self.loss.n_negatives, self.loss.calibration)
        return binary_cross_entropy(right, wrong, tf.exp(-log_draws), balance, spread)


def _last_of(data):
    """History of each of the last events; their places; how many events come before them.

    The last events are the last one of each history, or all of its last basket.
    """
    rows = np.flatnonzero(data.lengths)
    stops = (data.starts + data.lengths)[rows]
    if getattr(data, "basket_starts", None) is None:
        return rows, stops - 1, data.lengths[rows] - 1
    before = data.basket_starts[stops - 1]
    last, offsets = ranges(data.starts[rows] + before, stops)
    sizes = np.diff(offsets)
    return np.repeat(rows, sizes), last, np.repeat(before, sizes)


def _steps_of_queries(data, rows, n_steps):
    """Step whose query predicts each event: how many events come before its basket.

    What followed a history begins a basket.
    """
    steps = np.zeros((len(rows), n_steps), np.int32)
    lengths = data.lengths[rows]
    at, offsets = ranges(data.starts[rows], data.starts[rows] + lengths)
    row = np.repeat(np.arange(len(rows)), lengths)
    steps[row, np.arange(len(at)) - offsets[row]] = data.basket_starts[at]
    steps[np.arange(len(rows)), lengths] = lengths
    return steps
