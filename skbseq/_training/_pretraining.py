"""Training without labels: events foretold, or hidden and told from the others."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from skbseq._sequences import FIRST_CATEGORY, offsets_of
from skbseq._training._batches import pad_batch
from skbseq._training._events import EventLoss, EventTrainer
from skbseq._training._losses import huber


@dataclass(frozen=True)
class PretrainingLoss(EventLoss):
    """Cross-entropy of the codes, and Huber's distance of the numbers, of events.

    Parameters
    ----------
    kind : {"foretold", "hidden"}
        Every event but the first is foretold from those before it; or some are hidden, and told
        from the others.
    targets : tuple of int
        Places of the categorical channels.
    n_negatives : int or None, default=None
        Codes drawn for each batch to stand for all others. None: none are left out.
    share : float, default=0.15
        Share of the events to hide.
    """

    share: float = 0.15

    kinds = ("foretold", "hidden")


class PretrainingTrainer(EventTrainer):
    """A traced training step of a network that tells events, their numbers too."""

    def _asked_besides(self, program):
        return (tf.TensorSpec((None, None, program.signature["numbers"].shape[2]), tf.float32),)

    def _columns(self, samples, rows, rng):
        """Batch, numbers, codes asked (0 where none is), weights of the events, codes drawn."""
        data, _, sample_weight = samples
        batch = pad_batch(data, rows)
        codes, numbers = batch["codes"][:, :, list(self.loss.targets)], batch["numbers"]
        real = np.arange(codes.shape[1]) < batch["lengths"][:, None]
        if self.loss.kind == "hidden":
            asked = (rng.random(real.shape) < self.loss.share) & real
            shown = ~asked[:, :, None]
            batch = batch | {"codes": batch["codes"] * shown, "numbers": numbers * shown}
        else:  # at each event the one behind it
            codes, numbers, asked = (np.roll(x, -1, axis=1) for x in (codes, numbers, real))
            asked = asked & real & (np.arange(codes.shape[1]) < codes.shape[1] - 1)
        codes = np.where((codes >= FIRST_CATEGORY) & asked[:, :, None], codes, 0)
        weight = np.where(asked, sample_weight[rows, None], np.float32(0))
        return batch, numbers, codes, weight, self._draw(rng)

    def _totals(self, samples):
        data, _, sample_weight = samples
        weight = np.repeat(sample_weight, data.lengths).astype(np.float64)
        if self.loss.kind == "foretold":  # the first event of a history is not
            weight[(offsets_of(data.lengths)[:-1])[data.lengths > 0]] = 0
        totals = self._weigh(data, weight)
        if data.numbers.shape[1]:
            totals = np.append(totals, weight.sum())
        # Which are hidden is drawn anew for each batch.
        return totals * self.loss.share if self.loss.kind == "hidden" else totals

    def _sums(self, batch, numbers, codes, weight, drawn, training=False):
        """As for codes alone; behind them what is told of the numbers, all channels together."""
        _, *queries = self.model(batch, training=training)
        if not numbers.shape[2]:
            return self._cross_entropy(queries, codes, weight, drawn)
        *queries, told = queries
        losses, weights = self._cross_entropy(queries, codes, weight, drawn)
        distance = tf.reduce_sum(huber(told - numbers), axis=2)
        losses = tf.concat([losses, [tf.reduce_sum(distance * weight)]], 0)
        return losses, tf.concat([weights, [tf.reduce_sum(weight)]], 0)
