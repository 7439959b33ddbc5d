"""Training at every event where the end of a history, or the time of the next, is learned too."""

import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from skbseq._training._events import EventLoss, EventTrainer

_LOG_ROOT_TAU = 0.5 * math.log(2 * math.pi)
_TAIL = -5.0  # from here on, the logarithm of the normal distribution is that of a series


@dataclass(frozen=True)
class EndLoss(EventLoss):
    """Cross-entropy of the next codes; of whether a next event comes; log-likelihood of when.

    Parameters
    ----------
    kind : {"next_or_end"}
        Every event is predicted from those before it.
    targets, n_negatives, monitor, form, negatives, smoothing, calibration, baskets
        As of :class:`EventLoss`.
    end : bool, default=False
        Whether the end of a history is learned. It ended after its last event if nothing is known
        of what followed, code 0. With baskets, it may end after the last event of each basket,
        which ``basket_ends`` of the data names.
    waits : bool, default=False
        Whether the time until the next event is learned. The data have ``waits`` and ``kinds``.
    """

    end: bool = False
    waits: bool = False

    kinds = ("next_or_end",)


class EndTrainer(EventTrainer):
    """A traced training step of a network that predicts codes, ends and waits at its events."""

    def _extra_signature(self, program):
        """Ends and their weights; waits, and weights of those observed and of the others."""
        n = 2 * self.loss.end + 3 * self.loss.waits
        return n * (tf.TensorSpec((None, None), tf.float32),)

    def _totals(self, samples):
        data, _, sample_weight = samples
        totals = super()._totals(samples)
        weight = np.repeat(sample_weight, data.lengths).astype(np.float64)
        if self.loss.waits:
            at = _places(data)
            totals = np.append(totals, weight[data.kinds[at] > 0].sum())
        if self.loss.baskets:
            weight *= data.basket_ends[_places(data)]
        return np.append(totals, weight.sum()) if self.loss.end else totals

    def _columns(self, samples, rows, rng):
        """Batch, ends and waits, target codes, weights of the events, negatives."""
        batch, targets, weight, negatives = super()._columns(samples, rows, rng)
        data, following, _ = samples
        lengths, steps = data.lengths[rows, None], np.arange(targets.shape[1])
        # A history begins with its first event, so it does not end before it.
        extras, seen = [], (steps > 0) & (steps <= lengths)
        at = np.where(seen, data.starts[rows, None] + steps - 1, 0)
        if self.loss.end:
            ended = (steps == lengths) & (following[rows, None] == 0)
            asked = seen & _padded(data.basket_ends)[at] if self.loss.baskets else seen
            extras += [ended, np.where(asked, weight, 0)]
        if self.loss.waits:
            kinds = np.where(seen, _padded(data.kinds)[at], 0)
            extras += [_padded(data.waits)[at], weight * (kinds == 1), weight * (kinds == 2)]
        extras = [np.asarray(extra, np.float32) for extra in extras]
        return batch, *extras, targets, weight, negatives

    def _sums(self, batch, *columns, training=False, smoothing=0.0):
        """As for codes alone, plus entries at the end for waits and ends."""
        *extras, targets, weight, negatives = columns
        _, *queries = self.model(batch, training=training)
        found = []
        if self.loss.end:
            ends, asked, *extras = extras
            logits = queries.pop()[:, :, 0]
            loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=ends, logits=logits)
            found.append((tf.reduce_sum(loss * asked), tf.reduce_sum(asked)))
        if self.loss.waits:
            waits, came, open_ = extras
            density, survival = wait_likelihoods(queries.pop(), waits)
            loss = -tf.reduce_sum(density * came + survival * open_)
            found.append((loss, tf.reduce_sum(came + open_)))
        sums = self._cross_entropy(queries, targets, weight, negatives, training, smoothing)
        others = zip(*reversed(found), strict=True)
        return tuple(tf.concat([a, tf.stack(b)], 0) for a, b in zip(sums, others, strict=True))


def wait_likelihoods(outputs, waits):
    """Log-density of scaled waits, and logarithm of the probability of longer ones.

    Parameters
    ----------
    outputs : tensor of shape (batch, steps, 3 * n_parts)
        Logarithms of the weights, means, and logarithms of the scales of normal distributions.
    waits : tensor of shape (batch, steps)
    """
    log_weights, means, log_scales = tf.split(outputs, 3, axis=2)
    z = (waits[:, :, None] - means) * tf.exp(-log_scales)
    density = tf.reduce_logsumexp(log_weights - z * z / 2 - log_scales, axis=2) - _LOG_ROOT_TAU
    return density, tf.reduce_logsumexp(log_weights + _log_normal(-z), axis=2)


def _log_normal(x):
    """Logarithm of the standard normal distribution function."""
    # Both branches see only their part, for a gradient of the other may be infinite.
    middle, tail = tf.maximum(x, _TAIL), tf.minimum(x, _TAIL)
    inverse = 1 / (tail * tail)
    series = tf.math.log1p(-inverse + 3 * inverse * inverse)
    below = -tail * tail / 2 - tf.math.log(-tail) - _LOG_ROOT_TAU + series
    return tf.where(x < _TAIL, below, tf.math.log(0.5 * tf.math.erfc(-middle / math.sqrt(2))))


def _places(data):
    """Position of each event of the samples."""
    first = np.cumsum(data.lengths) - data.lengths
    return np.arange(data.lengths.sum()) + np.repeat(data.starts - first, data.lengths)


def _padded(values):
    return values if len(values) else np.zeros(1, values.dtype)
