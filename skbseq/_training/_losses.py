"""Losses with one value per sample."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class Loss:
    """Loss of the outputs of a network.

    Parameters
    ----------
    kind : {"classes", "labels", "squared", "absolute", "huber", "count", "quantiles"}
        - "classes": cross-entropy of one class of several.
        - "labels": mean cross-entropy of several binary labels; NaN is an unknown label.
        - "squared", "absolute": squared and absolute error.
        - "huber": Huber loss, quadratic up to a distance of 1.
        - "count": Poisson deviance; the output is the logarithm of the mean.
        - "quantiles": mean pinball loss, with one output per quantile.
    quantiles : tuple of float, default=()
        Levels of the quantiles.
    """

    kind: str
    quantiles: tuple = ()

    kinds = ("classes", "labels", "squared", "absolute", "huber", "count", "quantiles")
    # Several devices can share a batch, because each sample has a loss of its own.
    spreads = True

    def __call__(self, targets, outputs, smoothing=0.0):
        """Loss of each sample.

        Parameters
        ----------
        targets : tensor of float32 of shape (batch,) or (batch, n_labels)
        outputs : tensor of float32 of shape (batch, n_outputs)
        smoothing : tensor of float32 or float, default=0.0
            Label smoothing (Szegedy et al. 2016): share of the target probability that is spread
            evenly over all classes, or over both values of each label. Other losses ignore it.

        Returns
        -------
        tensor of float32 of shape (batch,)
        """
        loss = getattr(self, f"_{self.kind}")
        if self.kind in ("classes", "labels"):
            return loss(targets, outputs, smoothing)
        return loss(targets, outputs)

    def targets_shape(self, n_outputs):
        """Shape of the targets of a batch."""
        return (None, n_outputs) if self.kind == "labels" else (None,)

    def _classes(self, targets, logits, smoothing):
        if logits.shape[1] == 1:  # two classes share one logit
            targets = targets * (1 - smoothing) + smoothing / 2
            return tf.nn.sigmoid_cross_entropy_with_logits(targets, logits[:, 0])
        codes = tf.cast(targets, tf.int32)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(codes, logits)
        spread = -tf.reduce_mean(tf.nn.log_softmax(logits), axis=1)
        return (1 - smoothing) * loss + smoothing * spread

    def _labels(self, targets, logits, smoothing):
        # Zero before the loss and not only after: the gradient of a NaN would be NaN.
        known = tf.math.is_finite(targets)
        targets = tf.where(known, targets, 0.0) * (1 - smoothing) + smoothing / 2
        losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
        return tf.reduce_mean(tf.where(known, losses, 0.0), axis=1)

    def _squared(self, targets, outputs):
        return (targets - outputs[:, 0]) ** 2

    def _absolute(self, targets, outputs):
        return tf.abs(targets - outputs[:, 0])

    def _huber(self, targets, outputs):
        return huber(targets - outputs[:, 0])

    def _count(self, targets, outputs):
        # The deviance is twice the excess over the loss of a perfect prediction. The maximum
        # keeps the logarithm finite where `tf.where` discards it.
        logarithm = outputs[:, 0]
        least = tf.where(targets > 0, targets * tf.math.log(tf.maximum(targets, 1e-30)), 0.0)
        return 2 * (tf.exp(logarithm) - targets * logarithm + least - targets)

    def _quantiles(self, targets, outputs):
        levels = np.array(self.quantiles, np.float32)
        above = targets[:, None] - outputs
        return tf.reduce_mean(tf.maximum(levels * above, (levels - 1) * above), axis=1)

    def as_keras(self, n_outputs):
        """A similar loss that Keras knows, for callbacks that inspect the compiled model."""
        if self.kind == "classes" and n_outputs > 1:
            return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if self.kind in ("classes", "labels"):
            return keras.losses.BinaryCrossentropy(from_logits=True)
        return {"squared": "mse", "huber": "huber", "count": "poisson"}.get(self.kind, "mae")


def huber(difference):
    """Huber loss: half the square up to 1, linear beyond."""
    distance = tf.abs(difference)
    return tf.where(distance < 1, distance**2 / 2, distance - 0.5)
