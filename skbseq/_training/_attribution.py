"""Integrated gradients of a network's answers by its embedded events."""

from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np
import tensorflow as tf

from skbseq._sequences import offsets_of, ranges
from skbseq._training._batches import batch_plan, pad_batch
from skbseq._training._traced import make_traced

# Numbers per batch: embedded events, or scores of ids.
_EVENTS_AT_ONCE, _SCORES_AT_ONCE = 2**15, 2**22
_MOST_ROWS = 1024
# Points on the path from the baseline. Histories whose contributions do not add up well enough
# get twice as many, and so on.
_FIRST_POINTS, _MOST_POINTS = 8, 1024
# Largest error of the sum, as a share of the difference that it should be, or of half the sizes of
# the contributions where that is more: those that cancel need not be more exact than others.
_TOLERANCE, _HALF = 0.005, 0.5


@dataclass(frozen=True, eq=False)
class Readout:
    """How outputs become the answer for a target.

    Parameters
    ----------
    kind : {"classes", "labels", "ids", "numbers"}
        Log-odds of a class against all others; of a label; of an id, whose scores are products of
        the outputs with ``vectors``, plus ``bias``; or a number.
    link : {"identity", "exp", "expm1", "sorted", "log_sigmoid"}, default="identity"
        Of numbers: applied to ``scale * outputs + center``. Of ids "log_sigmoid": scores are
        log-odds, and the logarithms of their probabilities are compared.
    vectors : ndarray of float32 of shape (n_ids, size)
    bias : ndarray of float32 of shape (n_ids,)
    scale, center : float
    """

    kind: str
    link: str = "identity"
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    bias: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    scale: float = 1.0
    center: float = 0.0

    @property
    def constants(self):
        """What the traced program takes as tensors."""
        scale, center = np.float32(self.scale), np.float32(self.center)
        return {"vectors": self.vectors, "bias": self.bias, "scale": scale, "center": center}


class Attribution:
    """A traced program of the gradients of answers by embedded events.

    Parameters
    ----------
    part : keras.Model
        Of ``reading_part``.
    kind, link : str
        As of `Readout`.
    begin : bool
        Whether the network adds an event of zeros before the first, which stays as it is.
    """

    def __init__(self, part, kind, link, *, begin):
        self._part, self._kind, self._link, self.begin = part, kind, link, begin
        self.sizes = [x.shape[-1] for x in part.input["embeddings"]]
        free = lambda *shape: tf.TensorSpec(shape, tf.float32)  # noqa: E731
        n_numbers = part.input["numbers"].shape[-1]
        leaves = {
            "codes": tf.TensorSpec((None, None, len(self.sizes)), tf.int32),
            "embeddings": [free(None, None, size) for size in self.sizes],
            "numbers": free(None, None, n_numbers),
            "context": free(None, part.input["context"].shape[-1]),
            "lengths": tf.TensorSpec((None,), tf.int32),
        }
        baseline = {
            "embeddings": [free(size) for size in self.sizes],
            "numbers": free(n_numbers),
        }
        constants = {
            "vectors": free(None, None),
            "bias": free(None),
            "scale": free(),
            "center": free(),
        }
        target = tf.TensorSpec((None,), tf.int32)
        signature = [leaves, baseline, free(None), free(None), target, constants]
        self.gradients = make_traced(self._gradients, input_signature=signature)

    def _gradients(self, leaves, baseline, shares, weights, target, constants):
        """Answers at some points on the path, and a weighted sum of their gradients.

        The points go through the network as one batch. Their answers are of shape (n_points,
        n_rows), the gradients those by the differentiated leaves.
        """
        n_points, n_rows = tf.shape(shares)[0], tf.shape(target)[0]
        repeated = partial(_repeat, n_times=n_points)
        leaves, target = tf.nest.map_structure(repeated, leaves), repeated(target)
        back = tf.repeat(1 - shares, n_rows)[:, None, None]
        starts = baseline["embeddings"]
        pairs = zip(leaves["embeddings"], starts, strict=True)
        point = {
            "embeddings": [x - back * self._moves(x, start) for x, start in pairs],
            "numbers": leaves["numbers"] - back * (leaves["numbers"] - baseline["numbers"]),
        }
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(point)
            outputs = self._part({**leaves, **point}, training=False)
            answers = self._answers(tf.cast(outputs, tf.float32), target, constants)
        slopes = tape.gradient(
            answers,
            point,
            output_gradients=tf.repeat(weights, n_rows),
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        by_point = [n_points, n_rows]
        return tf.reshape(answers, by_point), tf.nest.map_structure(
            lambda x: tf.reduce_sum(tf.reshape(x, [*by_point, -1, x.shape[-1]]), axis=0), slopes
        )

    def _moves(self, embeddings, start):
        """Distances of embedded events from the baseline."""
        moves = embeddings - start
        if not self.begin:
            return moves
        return tf.concat([tf.zeros_like(moves[:, :1]), moves[:, 1:]], axis=1)

    def _answers(self, outputs, target, constants):
        if self._kind == "labels":
            return tf.gather(outputs, target, axis=1, batch_dims=1)
        if self._kind == "numbers":
            return self._numbers(outputs, target, constants)
        if self._kind == "ids":
            outputs = tf.matmul(outputs, constants["vectors"], transpose_b=True)
            outputs += constants["bias"]
            if self._link == "log_sigmoid":
                outputs = tf.math.log_sigmoid(outputs)
        elif outputs.shape[1] == 1:  # of two classes the network gives the second
            return outputs[:, 0] * tf.cast(2 * target - 1, tf.float32)
        chosen = tf.gather(outputs, target, axis=1, batch_dims=1)
        hidden = tf.one_hot(target, tf.shape(outputs)[1], on_value=-np.inf, off_value=0.0)
        return chosen - tf.reduce_logsumexp(outputs + hidden, axis=1)

    def _numbers(self, outputs, target, constants):
        if self._link == "exp":
            outputs = tf.exp(outputs) * constants["scale"]
        else:
            outputs = outputs * constants["scale"] + constants["center"]
        if self._link == "expm1":
            outputs = tf.maximum(tf.math.expm1(outputs), 0.0)
        if self._link == "sorted":
            outputs = tf.sort(outputs, axis=1)
        return tf.gather(outputs, target, axis=1, batch_dims=1)


def _repeat(x, n_times):
    """A batch several times, one after the other."""
    return tf.tile(x, [n_times] + [1] * (x.shape.rank - 1))


def integrated_gradients(attribution, tables, data, background, targets, readout):
    """Contributions of each channel of each event (Sundararajan, Taly, Yan 2017).

    The path goes from histories whose events are all the mean event, of the same number and
    context, to the histories themselves. Its integral is a Gauss-Legendre sum, of as many points
    as the contributions need to add up.

    Parameters
    ----------
    attribution : Attribution
    tables : list of ndarray of shape (n_codes, size)
        Embeddings of each categorical channel.
    data, background : Sequences
        The histories to explain, and those with the events of the baseline.
    targets : ndarray of int of shape (n_samples,)
        Column of the outputs, or place of the id.
    readout : Readout

    Returns
    -------
    contributions : ndarray of float64 of shape (n_events, n_channels)
        Of categorical channels, then of numbers, in the order of the histories.
    baselines : ndarray of float64 of shape (n_samples,)
        Answers for the mean events.
    errors : ndarray of float64 of shape (n_samples,)
        What is missing in the sums of the contributions, as a share of what they should be.
    """
    run = _Path(attribution, tables, data, _mean_event(tables, background), targets, readout)
    ends = run.answers_at([0.0, 1.0])
    baselines, change = ends[:, 0], ends[:, 1] - ends[:, 0]
    offsets = offsets_of(data.lengths)
    contributions = np.zeros((offsets[-1], len(tables) + data.numbers.shape[1]))
    errors, n_points = np.full(len(data), np.inf), _FIRST_POINTS
    rows = np.arange(len(data))
    while len(rows) and n_points <= _MOST_POINTS:
        at, own = ranges(offsets[rows], offsets[rows + 1])
        contributions[at] = run.contributions(rows, n_points)
        owner = np.repeat(np.arange(len(rows)), np.diff(own))
        found = contributions[at]
        sums, sizes = (
            np.bincount(owner, weights=each, minlength=len(rows))
            for each in (found.sum(axis=1), np.abs(found).sum(axis=1))
        )
        scale = np.maximum(np.abs(change[rows]), _HALF * sizes)
        missing = np.abs(sums - change[rows])
        errors[rows] = np.divide(missing, scale, out=np.zeros(len(rows)), where=scale > 0)
        rows, n_points = rows[errors[rows] > _TOLERANCE], 2 * n_points
    return contributions, baselines, errors


def _mean_event(tables, data):
    """Mean embedding of each channel, and mean numbers, of all events."""
    at, _ = ranges(data.starts, data.starts + data.lengths)
    codes, n_events = data.codes[at], max(len(at), 1)
    shares = [np.bincount(codes[:, i], minlength=len(t)) / n_events for i, t in enumerate(tables)]
    means = [
        (share @ table).astype(np.float32) for share, table in zip(shares, tables, strict=True)
    ]
    return {"embeddings": means, "numbers": data.numbers[at].sum(axis=0) / np.float32(n_events)}


@lru_cache  # 1024 points take 0.1 s, and each call asks for the same few numbers of them
def _points_of_the_path(n_points):
    """Places between 0 and 1, and weights, of a Gauss-Legendre sum."""
    nodes, weights = np.polynomial.legendre.leggauss(n_points)
    return (nodes + 1) / 2, weights / 2


class _Path:
    """Batches of histories, and gradients along the path from the baseline to them."""

    def __init__(self, attribution, tables, data, baseline, targets, readout):
        self._attribution, self._tables, self._data = attribution, tables, data
        self._start = baseline
        self._baseline = tf.nest.map_structure(tf.constant, baseline)
        self._targets = targets.astype(np.int32)
        self._constants = tf.nest.map_structure(tf.constant, readout.constants)
        self._n_ids = max(len(readout.bias), 1)

    def _batches(self, rows):
        """Rows of like length, their leaves, these and the targets as tensors.

        The last number says how many points of the path fit into memory.
        """
        data = self._data
        longest = int(data.lengths[rows].max(initial=1)) + 1
        size = min(_MOST_ROWS, _EVENTS_AT_ONCE // longest, _SCORES_AT_ONCE // self._n_ids)
        size = max(1, size)
        for part in batch_plan(data.lengths[rows], size):
            part = rows[part]
            leaves = pad_batch(data, part)
            # An event of zeros, whose codes have a row of the table too, before the first.
            codes = np.pad(leaves["codes"], [(0, 0), (int(self._attribution.begin), 0), (0, 0)])
            leaves["embeddings"] = [table[codes[:, :, i]] for i, table in enumerate(self._tables)]
            batch = tf.nest.map_structure(tf.constant, (leaves, self._targets[part]))
            yield part, leaves, batch, max(1, size // len(part))

    def _gradients(self, batch, shares, weights):
        """Answers at some points, by point and row, and a weighted sum of their gradients."""
        shares, weights = (tf.constant(x, tf.float32) for x in (shares, weights))
        leaves, target = batch
        return self._attribution.gradients(
            leaves, self._baseline, shares, weights, target, self._constants
        )

    def answers_at(self, shares):
        """Answers at points on the path, of shape (n_samples, n_points)."""
        found = np.zeros((len(self._data), len(shares)))
        for part, _, batch, at_once in self._batches(np.arange(len(self._data))):
            for first in range(0, len(shares), at_once):
                some = shares[first : first + at_once]
                answers, _ = self._gradients(batch, some, np.zeros(len(some)))
                found[part, first : first + at_once] = answers.numpy().T
        return found

    def contributions(self, rows, n_points):
        """Contributions of the events of some rows, in their order, of each channel."""
        nodes, weights = _points_of_the_path(n_points)
        place_of = np.empty(len(self._data), np.int64)
        place_of[rows] = np.arange(len(rows))
        offsets = offsets_of(self._data.lengths[rows])
        found = np.zeros((offsets[-1], len(self._tables) + self._data.numbers.shape[1]))
        for part, leaves, batch, at_once in self._batches(rows):
            total = None
            for first in range(0, n_points, at_once):
                some = slice(first, first + at_once)
                _, slopes = self._gradients(batch, nodes[some], weights[some])
                total = slopes if total is None else tf.nest.map_structure(tf.add, total, slopes)
            total = tf.nest.map_structure(np.asarray, total)
            at, _ = ranges(offsets[place_of[part]], offsets[place_of[part] + 1])
            found[at] = self._by_channel(leaves, total, self._data.lengths[part])
        return found

    def _by_channel(self, leaves, slopes, lengths):
        """Slopes times distances from the baseline, of the real events of a batch."""
        real = np.arange(max(lengths.max(initial=0), 1)) < lengths[:, None]
        skip, parts = int(self._attribution.begin), []
        names = (leaves["embeddings"], self._start["embeddings"], slopes["embeddings"])
        for x, start, slope in zip(*names, strict=True):
            parts.append(((x - start) * slope).sum(axis=2)[:, skip:][real])
        numbers = (leaves["numbers"] - self._start["numbers"]) * slopes["numbers"]
        return np.column_stack([*parts, numbers[real]])
