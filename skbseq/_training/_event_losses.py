"""Losses of the scores of codes: softmax and binary cross-entropy, over all codes or some."""

from dataclasses import dataclass

import tensorflow as tf

from skbseq._sequences import FIRST_CATEGORY
from skbseq._training._tables import Described, rows_of, size_of, whole

_NEVER = 1e9  # taken from the score of a code that is left out


@dataclass(frozen=True)
class Codes:
    """Output embeddings and biases of the codes of a channel.

    Parameters
    ----------
    table : tensor of shape (n_codes, size), or Described
    bias : tensor of shape (n_codes,), or Described
    unit : bool, default=False
        Whether embeddings are scaled to length 1. Queries are so in the network itself.
    """

    table: tf.Tensor | Described
    bias: tf.Tensor | Described
    unit: bool = False

    @property
    def count(self):
        """Number of codes without padding and the unknown code."""
        return size_of(self.bias) - FIRST_CATEGORY

    def _scaled(self, vectors):
        return tf.math.l2_normalize(vectors, axis=1) if self.unit else vectors

    def own_scores(self, query, codes):
        """The score of one code for each query."""
        vectors = self._scaled(rows_of(self.table, codes))
        return tf.reduce_sum(query * vectors, axis=1) + rows_of(self.bias, codes)

    def scores_of(self, query, codes):
        """Scores of some codes for all queries, of shape (n_queries, n_codes)."""
        vectors = self._scaled(rows_of(self.table, codes))
        return tf.matmul(query, vectors, transpose_b=True) + rows_of(self.bias, codes)

    def all_scores(self, query):
        """Scores of all codes; padding and the unknown code are never predicted."""
        scores = tf.matmul(query, self._scaled(whole(self.table)), transpose_b=True)
        never = tf.range(size_of(self.bias)) < FIRST_CATEGORY
        return scores + whole(self.bias) - _NEVER * tf.cast(never, tf.float32)


def sampled_scores(query, codes, rows, of, negatives, *, in_batch=False):
    """Scores of the right codes and of the negatives, and how often each is expected to be drawn.

    Parameters
    ----------
    query : tensor of shape (n_queries, size)
    codes, rows : tensor of int32 of shape (n_queries,)
        The right code of each query, and its row of the batch.
    of : Codes
    negatives : dict of tensor of shape (n,)
        Made by a sampler.
    in_batch : bool, default=False
        Whether negatives of the query's own row are left out: their draws depend on the query.

    Returns
    -------
    right : tensor of shape (n_queries,)
    wrong : tensor of shape (n_queries, n)
    log_draws : tensor of shape (n_queries, n)
        Logarithm of the expected number of draws of the code. Infinite, in effect, for draws that
        are left out, such as of the right code.
    """
    left_out = codes[:, None] == negatives["codes"]
    n_draws = tf.cast(tf.shape(negatives["codes"]), tf.float32)
    if in_batch:
        own = rows[:, None] == negatives["rows"]
        n_draws -= tf.reduce_sum(tf.cast(own, tf.float32), axis=1)
        left_out |= own
    # A query without any draw leaves all out, so the logarithm of one serves.
    log_draws = tf.math.log(tf.maximum(n_draws, 1))[:, None] + negatives["log_shares"]
    log_draws += _NEVER * tf.cast(left_out, tf.float32)
    return of.own_scores(query, codes), of.scores_of(query, negatives["codes"]), log_draws


def full_softmax(query, codes, of, smoothing=0.0):
    """Cross-entropy of the right code among all codes."""
    scores = of.all_scores(query)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(codes, scores)
    if not smoothing:
        return losses
    # log p of the right code is known: that of the others differs as their scores do.
    right = tf.gather(scores, codes, batch_dims=1)
    return losses + smoothing * (right - tf.reduce_mean(scores[:, FIRST_CATEGORY:], axis=1))


def sampled_softmax(right, wrong, log_draws, smoothing=(0.0, 1)):
    """Cross-entropy of the right code among itself and the negatives.

    The score of a negative is reduced by the logarithm of its expected number of draws
    (Bengio & Senecal 2008). The right code is always included, so it is not corrected, and where
    it is drawn as a negative it is ignored. So the sum of exponentials is unbiased, and with more
    draws the loss converges to that of :func:`full_softmax`.

    Parameters
    ----------
    right, wrong, log_draws : tensor
        Of :func:`sampled_scores`.
    smoothing : tuple of float and int, default=(0.0, 1)
        Label smoothing, and the number of codes over which it is spread.
    """
    logits = tf.concat([right[:, None], wrong - log_draws], 1)
    labels = tf.zeros(tf.shape(right), tf.int32)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    share = smoothing[0] * (1 - 1 / smoothing[1])  # of the wrong codes
    if not share:
        return losses
    # Their mean score. The weights are made to sum to 1: otherwise the loss would change with a
    # number added to all scores.
    weights = tf.exp(-log_draws)
    total = tf.reduce_sum(weights, axis=1)
    mean = tf.math.divide_no_nan(tf.reduce_sum(weights * wrong, axis=1), total)
    return losses + share * tf.where(total > 0, right - mean, 0)


def binary_cross_entropy(right, wrong, weights, balance, smoothing=(0.0, 1)):
    """Generalised binary cross-entropy (gBCE, Petrov & Macdonald 2023).

    Parameters
    ----------
    right : tensor of shape (n_queries,)
        Score of the right code of each query.
    wrong : tensor of shape (n_queries, n)
    weights : tensor of shape (n_queries, n)
        So that the weighted sum over the negatives estimates that over all wrong codes.
    balance : Balance
    smoothing : tuple of float and int, default=(0.0, 1)
        Label smoothing, and the number of codes over which it is spread.

    Returns
    -------
    tensor of shape (n_queries,)
        Sums of the binary losses of the right code and of the negatives.
    """
    low = smoothing[0] / smoothing[1]  # target of a wrong code
    high = 1 - smoothing[0] + low
    losses = balance.beta * high * tf.nn.softplus(-right)
    negative = balance.alpha * (1 - low) * tf.nn.softplus(wrong)
    if low:
        losses += balance.alpha * (1 - high) * tf.nn.softplus(right)
        negative += balance.beta * low * tf.nn.softplus(-wrong)
    # Not divided by the number of negatives as in the paper: the steps of Adam on the embeddings
    # of rare codes would drown in its epsilon.
    return losses + tf.reduce_sum(weights * negative, axis=1)


def weights_of_wrong(codes, n_codes):
    """One for each code but the right one, of shape (n_queries, n_codes)."""
    return 1 - tf.one_hot(codes - FIRST_CATEGORY, n_codes)
