"""Mixtures of next-event models: how much each of them is trusted."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone

from skbseq._checks import shown, validate_parameter_constraints
from skbseq._monitors import gain_of, length_of
from skbseq._next_event._base import BaseNextEvent
from skbseq._next_event._content_similarity import ContentSimilarity
from skbseq._next_event._cooccurrence import ItemCooccurrence
from skbseq._next_event._histories import repeats
from skbseq._next_event._history_frequency import HistoryFrequency
from skbseq._next_event._markov_chain import MarkovChain
from skbseq._targets import rows_at_a_time

# Ids of each model that are ranked, or as many as the monitored list holds, if that is more: few
# ids below them can reach the top of a mixture. Of longer lists fewer events are compared, so that
# memory does not grow.
_N_RANKED = 100
_MOST_RIVALS = 500_000  # of each model
_N_ROUNDS = 20
_N_ITERATIONS = 200


def read_counting(counting, target, described=False):
    """The counting models of a parameter.

    Parameters
    ----------
    counting : list of BaseNextEvent, "auto" or None
    target : str
    described : bool, default=False
        Whether there is a table of products.

    Raises
    ------
    ValueError
        If one is no counting model, or predicts another target.
    """
    if counting is None:
        return []
    if isinstance(counting, str):
        models = [MarkovChain(order=3), ItemCooccurrence(), HistoryFrequency()]
        return [*models, ContentSimilarity(repeats=False)] if described else models
    for model in counting:
        if not isinstance(model, BaseNextEvent) or not hasattr(model, "_learn"):
            raise ValueError(
                "counting must hold models that count events, such as MarkovChain() and "
                f"ItemCooccurrence(); got {shown(model)}."
            )
        if model.target not in (None, target):
            raise ValueError(
                f"counting holds {model!r}, but {target!r} is predicted. Leave its target at None."
            )
        if isinstance(model, ContentSimilarity) and model.item_features is None and not described:
            raise ValueError(
                f"counting holds {model!r}, which compares the features of products. Give the "
                "table of products as item_features=."
            )
        validate_parameter_constraints(
            model._parameter_constraints, model.get_params(), type(model).__name__
        )
    return list(counting)


def learn_counts(models, catalogue, histories):
    """Fit clones of counting models on the catalogue of another model.

    Parameters
    ----------
    models : iterable of BaseNextEvent
    catalogue : BaseNextEvent
        A model whose ``target_``, ``classes_`` and counts are known.
    histories : Histories
        In the codes of its catalogue.

    Returns
    -------
    list of BaseNextEvent
    """
    fitted = []
    for model in models:
        model = clone(model)
        model._take_from(catalogue)
        model._learn(histories)
        fitted.append(model)
    return fitted


def add_up(weights, parts, n_classes=None, new_weights=None):
    """Weighted sum of the probabilities of several models.

    Parameters
    ----------
    weights : ndarray of shape (n_models,)
    parts : iterable of ndarray of shape (n_samples, n_classes)
        Scores of each; every row is first divided by its sum.
    n_classes : int, default=None
        Sum over the first columns only. None: over all.
    new_weights : ndarray of shape (n_models,), default=None
        Weights of the models in the columns after these. None: the same.

    Returns
    -------
    ndarray of float64 of shape (n_samples, n_classes)
    """
    total = 0.0
    new_weights = weights if new_weights is None else new_weights
    for weight, new, scores in zip(weights, new_weights, parts, strict=True):
        known = scores[:, :n_classes]
        factor = np.full(scores.shape[1], new)
        factor[: known.shape[1]] = weight
        total = total + scores * (factor / known.sum(axis=1, keepdims=True))
    return total


@dataclass(frozen=True)
class Trial:
    """What several models say of events that none of them has learned.

    Parameters
    ----------
    right : ndarray of float64 of shape (n_models, n_events)
        Probability of the id that came.
    rivals : ndarray of float64 of shape (n_models, n_events, n_rivals)
        Probabilities of the ids that at least one of the models ranks high, other than the id
        that came.
    """

    right: np.ndarray
    rivals: np.ndarray

    @classmethod
    def of(cls, score, histories, truth, n_classes, monitor):
        """Compare models.

        Parameters
        ----------
        score : callable
            From `Histories` to a list of scores, one array per model.
        histories : Histories
        truth : ndarray of int64 of shape (n_events,)
            Codes of the next events.
        n_classes : int
        monitor : str
            For "loss", nothing is ranked, so there are no rivals.
        """
        found, step, n_ranked = [], rows_at_a_time(n_classes), 0
        if monitor != "loss":
            n_ranked = min(n_classes, max(_N_RANKED, length_of(monitor)))
            truth = truth[: max(1, _MOST_RIVALS // n_ranked)]
            histories = histories.slice(0, len(truth))
        excluded = not repeats(histories, truth).any()
        for start in range(0, len(truth), step):
            part = histories.slice(start, min(start + step, len(truth)))
            scores = [s / s.sum(axis=1, keepdims=True) for s in score(part)]
            here = truth[start : start + step]
            found.append(_compare(np.stack(scores), part, here, excluded, n_ranked))
        return cls(*(np.concatenate(parts, axis=1) for parts in zip(*found, strict=True)))

    def weights(self, monitor):
        """Weights of the models for a monitor, an ndarray of shape (n_models,) that sums to 1."""
        if monitor == "loss":
            return self.likeliest_weights()
        return self.ranking_weights(gain_of(monitor))

    def likeliest_weights(self):
        """Weights that make the events most probable: the EM algorithm, with one event prior.

        Returns
        -------
        ndarray of float64 of shape (n_models,)
            They sum to 1.
        """
        n_models, n_events = self.right.shape
        weights = np.full(n_models, 1 / n_models)
        for _ in range(_N_ITERATIONS):
            shares = weights[:, None] * self.right
            shares /= np.maximum(shares.sum(axis=0), np.finfo(float).tiny)
            weights = (shares.sum(axis=1) + 1 / n_models) / (n_events + 1)
        return weights / weights.sum()

    def ranking_weights(self, gain):
        """Weights that rank the events best: greedy selection with replacement [1]_.

        Parameters
        ----------
        gain : callable
            From ranks to the gain of each.

        Returns
        -------
        ndarray of float64 of shape (n_models,)
            Shares of up to 20 votes; they sum to 1.

        References
        ----------
        .. [1] Caruana et al. (2004). Ensemble selection from libraries of models. ICML.
        """
        votes, best, most = np.zeros(len(self.right)), None, -np.inf
        for _ in range(_N_ROUNDS):
            gains = [gain(self._ranks(votes + one)).mean() for one in np.eye(len(votes))]
            votes[int(np.argmax(gains))] += 1
            if max(gains) > most:  # of equal ones, the fewest votes
                best, most = votes / votes.sum(), max(gains)
        return best

    def _ranks(self, weights):
        """Rank of the right id in a mixture; half of the ids with the same score are above it."""
        right = weights @ self.right
        rivals = np.tensordot(weights, self.rivals, axes=1)
        above, level = rivals > right[:, None], rivals == right[:, None]
        return 1 + above.sum(axis=1) + level.sum(axis=1) / 2


def _compare(scores, histories, truth, excluded, n_ranked):
    """Probabilities of the right ids and of their rivals, by model."""
    rows = np.arange(len(truth))
    right = scores[:, rows, truth]
    if not n_ranked:
        return right, np.zeros((*right.shape, 0))
    if excluded:
        scores[:, histories.rows, histories.codes] = -1
    scores[:, rows, truth] = -1
    top = np.argpartition(-scores, n_ranked - 1, axis=2)[:, :, :n_ranked]
    # Of each row the ids that any model ranks high, each once.
    ids = np.sort(np.concatenate(list(top), axis=1), axis=1)
    twice = np.append(np.zeros((len(ids), 1), bool), ids[:, 1:] == ids[:, :-1], axis=1)
    rivals = scores[:, rows[:, None], ids]
    rivals[:, twice] = -1
    return right, rivals
