"""Self-supervised pretraining: predict the next events, or reconstruct masked ones."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from skbseq._sequences import FIRST_CATEGORY, offsets_of
from skbseq._training._batches import pad_batch
from skbseq._training._events import EventLoss, EventTrainer
from skbseq._training._losses import huber


@dataclass(frozen=True)
class PretrainingLoss(EventLoss):
    """Cross-entropy of the codes of events, plus Huber loss of their numbers.

    Parameters
    ----------
    kind : {"next_events", "masked_events"}
        "next_events": every event but the first is predicted from those before it.
        "masked_events": random events are masked and reconstructed from the others.
    targets : tuple of int
        Indices of the categorical channels.
    n_negatives : int or None, default=None
        Number of codes drawn for each batch as negatives (sampled softmax). None: the softmax
        runs over all codes.
    share : float, default=0.15
        Share of the events to mask.
    """

    share: float = 0.15

    kinds = ("next_events", "masked_events")


class PretrainingTrainer(EventTrainer):
    """A traced training step of a network that predicts the codes and numbers of events."""

    def _extra_signature(self, program):
        return (tf.TensorSpec((None, None, program.signature["numbers"].shape[2]), tf.float32),)

    def _columns(self, samples, rows, rng):
        """Batch, target numbers, target codes (0 for none), event weights, negatives."""
        data, _, sample_weight = samples
        batch = pad_batch(data, rows)
        codes, numbers = batch["codes"][:, :, list(self.loss.targets)], batch["numbers"]
        real = np.arange(codes.shape[1]) < batch["lengths"][:, None]
        if self.loss.kind == "masked_events":
            is_target = (rng.random(real.shape) < self.loss.share) & real
            shown = ~is_target[:, :, None]
            # Masked events keep their position and get the code of padding.
            batch = batch | {"codes": batch["codes"] * shown, "numbers": numbers * shown}
        else:  # the target of each event is the next one
            codes, numbers, is_target = (np.roll(x, -1, axis=1) for x in (codes, numbers, real))
            # `roll` moves the first event to the end, where it is no target.
            is_target = is_target & real & (np.arange(codes.shape[1]) < codes.shape[1] - 1)
        codes = np.where((codes >= FIRST_CATEGORY) & is_target[:, :, None], codes, 0)
        weight = np.where(is_target, sample_weight[rows, None], np.float32(0))
        return batch, numbers, codes, weight, self._draw(codes, rng)

    def _totals(self, samples):
        data, _, sample_weight = samples
        weight = np.repeat(sample_weight, data.lengths).astype(np.float64)
        if self.loss.kind == "next_events":  # the first event of a history is no target
            weight[(offsets_of(data.lengths)[:-1])[data.lengths > 0]] = 0
        totals = self._weigh(data, weight)
        if data.numbers.shape[1]:
            totals = np.append(totals, weight.sum())
        # An expected value: which events are masked is drawn again for each batch.
        return totals * self.loss.share if self.loss.kind == "masked_events" else totals

    def _sums(self, batch, numbers, codes, weight, negatives, training=False, smoothing=0.0):
        """As for codes alone, plus one entry at the end for all numeric channels together."""
        _, *queries = self.model(batch, training=training)
        if not numbers.shape[2]:
            return self._cross_entropy(queries, codes, weight, negatives, training, smoothing)
        *queries, reconstruction = queries
        losses, weights = self._cross_entropy(
            queries, codes, weight, negatives, training, smoothing
        )
        distance = tf.reduce_sum(huber(reconstruction - numbers), axis=2)
        losses = tf.concat([losses, [tf.reduce_sum(distance * weight)]], 0)
        return losses, tf.concat([weights, [tf.reduce_sum(weight)]], 0)
