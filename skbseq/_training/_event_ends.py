"""Training at every event where the end of a history is learned too."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from skbseq._training._events import EventLoss, EventTrainer


@dataclass(frozen=True)
class EndLoss(EventLoss):
    """Cross-entropy of the next codes, and of whether a next event comes at all.

    Parameters
    ----------
    kind : {"next_or_end"}
        Every event is predicted from those before it; after each event the history ends or goes
        on. It ended after its last event if nothing is known of what followed, code 0.
    targets, n_negatives, monitor
        As of :class:`EventLoss`.
    """

    kinds = ("next_or_end",)


class EndTrainer(EventTrainer):
    """A traced training step of a network that predicts codes and ends at its events."""

    def _extra_signature(self, program):
        return 2 * (tf.TensorSpec((None, None), tf.float32),)

    def _totals(self, samples):
        data, _, sample_weight = samples
        return np.append(super()._totals(samples), (sample_weight * data.lengths).sum())

    def _columns(self, samples, rows, rng):
        """Batch, ends, weights of the ends, target codes, weights of the events, negatives."""
        batch, targets, weight, negatives = super()._columns(samples, rows, rng)
        data, following, _ = samples
        lengths, ended = data.lengths[rows, None], following[rows, None] == 0
        steps = np.arange(targets.shape[1])
        ends = ((steps == lengths) & ended).astype(np.float32)
        # A history begins with its first event, so it does not end before it.
        asked = np.where((steps > 0) & (steps <= lengths), weight, 0).astype(np.float32)
        return batch, ends, asked, targets, weight, negatives

    def _sums(self, batch, ends, asked, targets, weight, negatives, training=False):
        """As for codes alone, plus one entry at the end for the ends."""
        _, *queries, logits = self.model(batch, training=training)
        losses, weights = self._cross_entropy(queries, targets, weight, negatives)
        loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=ends, logits=logits[:, :, 0])
        losses = tf.concat([losses, [tf.reduce_sum(loss * asked)]], 0)
        return losses, tf.concat([weights, [tf.reduce_sum(asked)]], 0)
