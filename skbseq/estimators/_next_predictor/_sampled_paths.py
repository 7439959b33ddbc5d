"""Continuations of histories, sampled event by event from a next-event model."""

from dataclasses import replace

import numpy as np
from scipy.special import expit
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import check_random_state, is_real, is_whole, shown
from skbseq._sequences import offsets_of, ranges
from skbseq._targets import rows_at_a_time

# Each step reads all histories once more.
_MOST_STEPS = 10**6


class SampledPathsMixin:
    """``sample_paths`` of a next-event model that reads encoded sequences.

    The model gives ``_sequences(X)``, ``_queries(data)``, ``_scores(histories)`` and
    ``_catalogue()``, and ``_end_logits(data)`` if ``_learned_end``; its ``fit`` calls
    ``_learn_attributes``.
    """

    def _learn_attributes(self, data, *, more=False):
        """Remember the event that last showed each id, to continue paths with.

        With more data than at the last fit, ids that it lacks keep their event.
        """
        latest = np.full(self.schema_.vocabulary_sizes[self.target_], -1)
        latest[data.codes[:, self._place]] = np.arange(len(data.codes))
        latest = latest[self._codes]
        codes, numbers = (part[np.maximum(latest, 0)] for part in (data.codes, data.numbers))
        if more:
            absent = latest < 0
            codes[absent], numbers[absent] = self._event_codes[absent], self._event_numbers[absent]
        self._event_codes, self._event_numbers = codes, numbers

    def sample_paths(self, X, steps, *, temperature=1.0, random_state=None):
        """Sample continuations of the histories, event by event (Graves 2013).

        Parameters
        ----------
        X : sequence frame
            Raw histories.
        steps : int
            Number of events to add to each history; with ``end=True`` in ``fit``, the most. A
            path then stops where the history is sampled to end, before its first event or later.
        temperature : float, default=1.0
            Probabilities are raised to the power of ``1 / temperature``. Values below 1 favour
            probable paths, values above 1 surprising ones. 0 always takes the most probable
            event.
        random_state : int, RandomState instance or None, default=None
            Seed of the sampling.

        Returns
        -------
        table of shape (n_samples, 1)
            From the same library as ``X``, with a list column of ``steps`` ids, named after the
            target; of fewer where a history ends. The other channels of a sampled event,
            including gap and hour, are copied from the event that last had its id in ``fit``. The
            context stays.

        Raises
        ------
        ValueError
            If steps is less than 1 or more than 1,000,000, or temperature negative or not finite.

        References
        ----------
        Graves (2013). Generating sequences with recurrent neural networks. arXiv:1308.0850.
        """
        check_is_fitted(self)
        _check_path(steps, temperature)
        rng = check_random_state(random_state)
        data, paths = self._sequences(X), np.full((_frames.n_rows(X), steps), -1, np.int64)
        rows = np.arange(len(paths))
        for step in range(steps):
            if self._learned_end:
                going = np.flatnonzero(~_draw_ends(self._end_logits(data), temperature, rng))
                rows, data = rows[going], data.take(going)
            drawn = [_draw(scores, temperature, rng) for scores in self._chunks(data)]
            paths[rows, step] = np.concatenate([np.zeros(0, np.int64), *drawn])
            data = self._with_event(data, paths[rows, step])
        offsets = offsets_of((paths >= 0).sum(axis=1))
        values = _frames.make_array(self._catalogue()[paths[paths >= 0]])
        return _frames.build_frame({self.target_: _frames.Lists(values, offsets)}, like=X)

    def _chunks(self, data):
        """Scores of sequences, some rows at a time."""
        histories, step = self._queries(data), rows_at_a_time(len(self.classes_))
        for start in range(0, len(histories), step):
            yield self._scores(histories.slice(start, min(start + step, len(histories))))

    def _with_event(self, data, chosen):
        """Each history with one event more: as the event that last showed this id at fit."""
        at, offsets = ranges(data.starts, data.starts + data.lengths)
        ends = offsets[1:]
        return replace(
            data,
            codes=np.insert(data.codes[at], ends, self._event_codes[chosen], axis=0),
            numbers=np.insert(data.numbers[at], ends, self._event_numbers[chosen], axis=0),
            starts=offsets[:-1] + np.arange(len(data)),
            lengths=data.lengths + 1,
        )


def _check_path(steps, temperature):
    if not is_whole(steps) or steps < 1:
        raise ValueError(f"steps must be an integer of at least 1; got {shown(steps)}.")
    if steps > _MOST_STEPS:
        raise ValueError(f"steps must be at most {_MOST_STEPS:,}; got {steps!r}.")
    if not is_real(temperature) or not 0 <= temperature < np.inf:
        raise ValueError(
            f"temperature must be a finite number of zero or more; got {shown(temperature)}."
        )


def _draw_ends(logits, temperature, rng):
    """Whether each history ends, with a probability in proportion to its power."""
    if temperature == 0:
        return logits > 0
    with np.errstate(over="ignore"):
        return rng.random_sample(len(logits)) < expit(logits / temperature)


def _draw(scores, temperature, rng):
    """A class of each row, with a probability in proportion to its score's power."""
    if temperature == 0:
        return scores.argmax(axis=1)
    # The largest score is made 1, so that no power of all overflows or vanishes.
    scores = scores / scores.max(axis=1, keepdims=True)
    with np.errstate(under="ignore"):
        total = np.cumsum(scores ** (1 / temperature), axis=1)
    drawn = rng.random_sample(len(scores)) * total[:, -1]
    return np.minimum((total <= drawn[:, None]).sum(axis=1), scores.shape[1] - 1)
