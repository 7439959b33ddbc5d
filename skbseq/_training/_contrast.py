"""Contrastive learning: parts of the same history get similar vectors."""

from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from skbseq._training._batches import batch_plan, pad_batch
from skbseq._training._devices import training_on
from skbseq._training._traced import TracedStep, make_traced
from skbseq._training._trainer import Trainer, values_of


@dataclass(frozen=True)
class ContrastLoss:
    """How well a part of a history is matched with another part of it, among parts of others.

    Parts are drawn as in CoLES (Babaev et al. 2022). They are matched by a softmax over the
    cosine similarities of all pairs of a batch (NT-Xent, Chen et al. 2020).

    Parameters
    ----------
    kind : {"contrast"}
    temperature : float, default=0.1
        Divisor of the cosine similarities.
    shortest : float, default=0.3
        Smallest share of a history that is drawn as a part.
    """

    kind: str = "contrast"
    temperature: float = 0.1
    shortest: float = 0.3

    kinds = ("contrast",)
    spreads = False  # each history is compared with all others of its batch

    def as_keras(self, n_outputs):
        """A similar loss that Keras knows, for callbacks that inspect the compiled model."""
        return keras.losses.CosineSimilarity()


class ContrastTrainer(Trainer):
    """A traced training step over two random parts of each history of a batch."""

    def _prepare(self, program, loss):
        number = tf.TensorSpec((), tf.float32)
        column = tf.TensorSpec((None,), tf.float32)
        signature = [program.signature, column]
        self._train = TracedStep(self._train_pairs, [*signature, number, number])
        self._judge = make_traced(self._loss_of, input_signature=signature)

    def set_seed(self, seed):
        """Reset all random number generators."""
        super().set_seed(seed)
        # Every use of a seed has a number of its own, so that no two draw the same numbers.
        self._rng = np.random.default_rng([seed, 6])

    def train_rows(self, samples, rows, options):
        """One optimizer step on some samples; returns their mean loss as a tensor."""
        with training_on(self.program.device):
            columns = self._columns(samples, rows, self._rng)
            return self._train(*columns, *values_of(options, "l1", "l2"))

    def begin(self, samples, batch_size):
        """Store the batch size: the loss grows with the number of histories in a batch."""
        self._batch_size = batch_size

    def held_out_loss(self, data, targets, sample_weight):
        """Mean loss in batches of the training size; the parts are the same at each call."""
        rng, samples = np.random.default_rng(0), (data, targets, sample_weight)
        total = 0.0
        for rows in batch_plan(data.lengths, self._batch_size, rng):
            total += len(rows) * self._judge(*self._columns(samples, rows, rng)).numpy()
        return float(total / len(data))

    def _columns(self, samples, rows, rng):
        data, _, sample_weight = samples
        part = data.take(np.tile(rows, 2))
        # At least one event in each part; `minimum` below gives empty histories none.
        shortest = np.maximum(np.ceil(self.loss.shortest * part.lengths), 1)
        sizes = np.floor(shortest + rng.random(len(part)) * (part.lengths - shortest + 1))
        sizes = np.minimum(sizes, part.lengths).astype(np.int64)
        begins = np.floor(rng.random(len(part)) * (part.lengths - sizes + 1)).astype(np.int64)
        part = replace(part, starts=part.starts + begins, lengths=sizes)
        return pad_batch(part, np.arange(len(part))), sample_weight[np.tile(rows, 2)]

    def _train_pairs(self, batch, sample_weight, l1, l2):
        with tf.GradientTape() as tape:
            loss = self._loss_of(batch, sample_weight, training=True)
            objective = self.optimizer.scale_loss(loss + self._penalty(l1, l2))
        self._apply(tape.gradient(objective, self.model.trainable_variables))
        return loss

    def _loss_of(self, batch, sample_weight, training=False):
        outputs = self.model(batch, training=training)
        # An event network has further outputs, one vector per event.
        vectors = outputs[0] if isinstance(outputs, list) else outputs
        return pair_loss(vectors, sample_weight, self.loss.temperature)


def pair_loss(vectors, sample_weight, temperature):
    """Mean cross-entropy of identifying the other part of the same history.

    Parameters
    ----------
    vectors : tensor of float32 of shape (2 * n, size)
        The first parts of all histories, then the second parts in the same order.
    sample_weight : tensor of float32 of shape (2 * n,)
    temperature : float

    Returns
    -------
    tensor of float32
    """
    vectors = tf.math.l2_normalize(vectors, axis=1)
    n = tf.shape(vectors)[0]
    cosines = tf.matmul(vectors, vectors, transpose_b=True) / temperature
    cosines -= 1e9 * tf.eye(n)  # no vector is its own match
    other = tf.math.floormod(tf.range(n) + n // 2, n)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(other, cosines)
    total = tf.reduce_sum(sample_weight)
    # All weights of a batch may be zero: histories that are too short have weight 0.
    return tf.math.divide_no_nan(tf.reduce_sum(losses * sample_weight), total)
