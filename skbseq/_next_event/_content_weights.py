"""What a content-based model chooses at fit: weights of columns, and repeats."""

from itertools import pairwise
from numbers import Real

import numpy as np
from scipy import sparse

from skbseq._checks import shown
from skbseq._next_event._content import sharpen
from skbseq._next_event._histories import repeats

_N_TRIED = 1_000  # histories whose last event is ranked
_N_RIVALS = 500  # ids that it is ranked among
_N_VOTERS = 30  # last events that vote in these trials
_N_ROUNDS = 10


def choose_weights(model, histories):
    """Set ``repeats_``, ``feature_weights_`` and ``_part_weights`` of a model."""
    trial = _LastEvents.of(model, histories)
    model.repeats_ = trial.repeated if model.repeats == "auto" else bool(model.repeats)
    matcher = model._content.matcher
    if model.feature_weights == "auto":
        weights = _choose_parts(trial, model)
    else:
        weights = _read_weights(model.feature_weights, matcher)
    model._part_weights = weights / weights.sum()
    names = [part.name for part in matcher.parts]
    model.feature_weights_ = {
        name: float(sum(w for n, w in zip(names, model._part_weights, strict=True) if n == name))
        for name in dict.fromkeys(names)
    }


def _choose_parts(trial, model):
    """Greedy selection with replacement; of equal ones the fewest votes."""
    n = len(model._content.matcher.parts)
    votes, best, most = np.zeros(n), np.ones(n), 0.0
    if n == 1 or not len(trial.truth):
        return best
    for _ in range(_N_ROUNDS):
        gains = [trial.gain((votes + one) / (votes + one).sum(), model) for one in np.eye(n)]
        votes[int(np.argmax(gains))] += 1
        if max(gains) > most:
            best, most = votes.copy(), max(gains)
    return best


def _read_weights(given, matcher):
    """Weight of each part, of a dict by the names of columns."""
    unknown = [name for name in given if name not in matcher.names]
    if unknown:
        raise ValueError(
            f"feature_weights names {shown(unknown[0])}, which is no column of item_features. "
            f"Those are {', '.join(map(repr, matcher.names))}."
        )
    wrong = [n for n, w in given.items() if not isinstance(w, Real) or not 0 <= w < np.inf]
    if wrong:
        raise ValueError(
            f"feature_weights[{wrong[0]!r}] must be a number from 0; got {shown(given[wrong[0]])}."
        )
    names = [part.name for part in matcher.parts]
    weights = np.array([given.get(name, 0) / names.count(name) for name in names], float)
    if not weights.sum():
        raise ValueError(
            "feature_weights gives no column that tells products apart a weight above 0. Such "
            f"columns are {', '.join(map(repr, dict.fromkeys(names)))}."
        )
    return weights


class _LastEvents:
    """Last events of some training histories, ranked among some ids.

    Parameters
    ----------
    alike : list of ndarray of shape (n_voters, n_others)
        Likenesses by each part.
    voters : Histories
        Distinct last events before, as places among the voters.
    same : tuple of ndarray
        Pairs of a voter and itself among the others.
    truth : ndarray of int64
        Places of the true ids among the others.
    repeated : bool
        Whether one of them stands in its history.
    """

    def __init__(self, alike, voters, same, truth, repeated, own):
        self.alike, self.voters, self.same = alike, voters, same
        self.truth, self.repeated, self.own = truth, repeated, own

    @classmethod
    def of(cls, model, histories):
        rows = np.flatnonzero(histories.lengths >= 2)
        rows = rows[:: -(-len(rows) // _N_TRIED) or 1]
        rest, truth = histories.without_last(rows)
        rest = rest.take(rows)
        repeated = bool(repeats(rest, truth).any())
        voters = model._voters(rest.last(_N_VOTERS))
        n_classes = len(model.classes_)
        rivals = np.linspace(0, n_classes - 1, min(n_classes, _N_RIVALS)).astype(np.int64)
        used, others = np.unique(voters.codes), np.unique(np.append(rivals, truth))
        ends = np.cumsum([0, *model._content.matcher.sizes])
        left, right = model._content.rows(used).tocsc(), model._content.rows(others).tocsc()
        alike = [(left[:, a:b] @ right[:, a:b].T).toarray() for a, b in pairwise(ends)]
        same = np.nonzero(used[:, None] == others)
        held = np.isin(rest.codes, others)
        own = rest.rows[held], np.searchsorted(others, rest.codes[held])
        return cls(alike, voters, same, np.searchsorted(others, truth), repeated, own)

    def gain(self, weights, model):
        """Mean NDCG of the true ids."""
        if not len(self.truth):
            return 0.0
        total = sum(w * alike for w, alike in zip(weights, self.alike, strict=True) if w)
        alike = sharpen(total, model.power)
        if not model.repeats_:
            alike[self.same] = 0
        recent = self.voters.fading(model.decay)
        _, places = np.unique(self.voters.codes, return_inverse=True)
        shape = len(self.voters), len(alike)
        scores = sparse.csr_array((recent, (self.voters.rows, places)), shape=shape) @ alike
        rows = np.arange(len(self.truth))
        right = scores[rows, self.truth][:, None]
        if not self.repeated:  # then lists will be asked for without those seen
            scores[self.own] = -1
        above = (scores > right).sum(axis=1) + ((scores == right).sum(axis=1) - 1) / 2
        return float((1 / np.log2(2 + above)).mean())
