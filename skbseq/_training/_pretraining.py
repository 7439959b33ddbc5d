"""Training without labels: events foretold, or hidden and told from the others."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from skbseq._training._batches import pad_batch
from skbseq._training._events import EventLoss, EventTrainer

_FIRST = 2  # the codes before it are padding and unknown


@dataclass(frozen=True)
class PretrainingLoss(EventLoss):
    """Cross-entropy of the codes, and Huber's distance of the numbers, of events.

    Parameters
    ----------
    kind : {"next", "hidden"}
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


class PretrainingTrainer(EventTrainer):
    """A traced training step of a network that tells events, their numbers too."""

    def _prepare(self, program, loss):
        super()._prepare(program, loss)
        number = tf.TensorSpec((), tf.float32)
        signature = [
            program.signature,
            tf.TensorSpec((None, None, len(loss.targets)), tf.int32),
            tf.TensorSpec((None, None, program.signature["numbers"].shape[2]), tf.float32),
            tf.TensorSpec((None, None), tf.float32),
            tf.TensorSpec((len(loss.targets), None), tf.int32),
        ]
        self._train = tf.function(
            self._train_told, input_signature=[*signature, number, number], autograph=False
        )
        self._judge = tf.function(self._loss_told, input_signature=signature, autograph=False)

    def _columns(self, samples, rows, rng):
        """Batch, codes asked (0 where none is), numbers, weights of events, codes drawn."""
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
        codes = np.where((codes >= _FIRST) & asked[:, :, None], codes, 0)
        weight = np.where(asked, sample_weight[rows, None], np.float32(0))
        return batch, codes, numbers, weight, self._draw(rng)

    def _train_told(self, batch, codes, numbers, weight, drawn, l1, l2):
        with tf.GradientTape() as tape:
            loss = self._loss_told(batch, codes, numbers, weight, drawn, training=True)
            objective = self.optimizer.scale_loss(loss + self._penalty(l1, l2))
        self._apply(tape.gradient(objective, self.model.trainable_variables))
        return loss

    def _loss_told(self, batch, codes, numbers, weight, drawn, training=False):
        _, *queries = self.model(batch, training=training)
        losses = []
        if numbers.shape[2]:
            *queries, told = queries
            distance = tf.abs(told - numbers)
            loss = tf.where(distance < 1, distance**2 / 2, distance - 0.5)
            losses.append(_mean(tf.reduce_sum(loss, axis=2), weight))
        for k, query in enumerate(queries):
            losses.append(self._cross_entropy(k, query, codes[:, :, k], weight, drawn[k]))
        return tf.add_n(losses)


def _mean(values, weight):
    return tf.math.divide_no_nan(tf.reduce_sum(values * weight), tf.reduce_sum(weight))
