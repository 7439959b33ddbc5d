"""Training that tells whose history a part of it is (contrastive learning)."""

from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from skbseq._training._batches import batch_plan, pad_batch
from skbseq._training._devices import training_on
from skbseq._training._traced import TracedStep, traced
from skbseq._training._trainer import Trainer, values_of


@dataclass(frozen=True)
class ContrastLoss:
    """How well two parts of one history are found among the parts of others.

    Parts are drawn as CoLES does (Babaev et al. 2022) and told apart by a softmax over the cosines
    of all pairs of a batch (NT-Xent, Chen et al. 2020).

    Parameters
    ----------
    kind : {"contrast"}
    temperature : float, default=0.1
        What cosines are divided by.
    shortest : float, default=0.3
        Least share of a history that is a part of it.
    """

    kind: str = "contrast"
    temperature: float = 0.1
    shortest: float = 0.3

    kinds = ("contrast",)
    spreads = False  # a batch is compared with itself

    def as_keras(self, n_outputs):
        """The like of this loss that Keras knows, for callbacks that look at the model."""
        return keras.losses.CosineSimilarity()


class ContrastTrainer(Trainer):
    """A traced training step over two random parts of each history of a batch."""

    def _prepare(self, program, loss):
        number = tf.TensorSpec((), tf.float32)
        column = tf.TensorSpec((None,), tf.float32)
        signature = [program.signature, column]
        self._train = TracedStep(self._train_pairs, [*signature, number, number])
        self._judge = traced(self._loss_of, input_signature=signature)

    def set_seed(self, seed):
        """Restart all random numbers."""
        super().set_seed(seed)
        self._rng = np.random.default_rng([seed, 6])

    def train_rows(self, samples, rows, options):
        """One optimizer step on some samples; their mean loss as a tensor."""
        with training_on(self.program.device):
            columns = self._columns(samples, rows, self._rng)
            return self._train(*columns, *values_of(options, "l1", "l2"))

    def begin(self, samples, batch_size):
        """Keep the size of the batches: the more histories in one, the larger the loss."""
        self._batch_size = batch_size

    def held_out_loss(self, data, targets, sample_weight):
        """Mean loss of batches as those of training; the parts are every time the same."""
        rng, samples = np.random.default_rng(0), (data, targets, sample_weight)
        total = 0.0
        for rows in batch_plan(data.lengths, self._batch_size, rng):
            total += len(rows) * self._judge(*self._columns(samples, rows, rng)).numpy()
        return float(total / len(data))

    def _columns(self, samples, rows, rng):
        data, _, sample_weight = samples
        part = data.take(np.tile(rows, 2))
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
        vectors = outputs[0] if isinstance(outputs, list) else outputs
        return pair_loss(vectors, sample_weight, self.loss.temperature)


def pair_loss(vectors, sample_weight, temperature):
    """Mean cross-entropy of finding, for each vector, the one half the batch away.

    Parameters
    ----------
    vectors : tensor of float32 of shape (2 * n, size)
        The first parts of all histories, and then the second ones.
    sample_weight : tensor of float32 of shape (2 * n,)
    temperature : float

    Returns
    -------
    tensor of float32
    """
    vectors = tf.math.l2_normalize(vectors, axis=1)
    n = tf.shape(vectors)[0]
    cosines = tf.matmul(vectors, vectors, transpose_b=True) / temperature
    cosines -= 1e9 * tf.eye(n)  # nobody is compared with itself
    other = tf.math.floormod(tf.range(n) + n // 2, n)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(other, cosines)
    total = tf.reduce_sum(sample_weight)
    return tf.math.divide_no_nan(tf.reduce_sum(losses * sample_weight), total)
