"""A network for next events, mixed with models that count."""

from dataclasses import replace

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skbseq._next_event import Trial, add_up, learn_counts

# Events that decide the weights of the mixture; of very large catalogues fewer, for each event
# is scored with all ids by all models.
_N_TRIED, _MOST_SCORES = 5_000, 10**9


class MixedCountsMixin:
    """Probabilities of a network averaged with those of counting models.

    The model gives ``_network_scores(histories)``, ``_queries(data)`` and ``_positions()``, and of
    `ItemFeaturesMixin` what predicts products without events; its ``fit`` calls ``_mix``.
    """

    _new_weights = None  # of the network and the models, for products without events

    @property
    def mixture_weights_(self):
        """Weight of the network and of each counting model, by name."""
        check_is_fitted(self)
        mixture = vars(self).get("_mixture")
        if mixture is None:
            return {"network": 1.0}
        weights, models = mixture
        names = ["network", *(type(model).__name__.lower() for model in models)]
        names = [
            name if names.count(name) == 1 else f"{name}-{names[: i + 1].count(name)}"
            for i, name in enumerate(names)
        ]
        return dict(zip(names, weights.tolist(), strict=True))

    def _mix(self, models, histories, data, held_out):
        """Fit the counting models, and weigh them by the held-out histories.

        Parameters
        ----------
        models : list of BaseNextEvent
        histories : Histories
            All of positive weight; the others are empty.
        data : Sequences
        held_out : ndarray of int
        """
        self._mixture = self._new_weights = None
        models = [model for model in models if self._can_compare(model)]
        asked, truth = self._last_events(data, held_out)
        if not models or not len(truth):
            return
        rest = np.setdiff1d(np.arange(len(histories)), held_out)
        fitted = learn_counts(models, self, histories.take(rest))

        def score(part):
            return [self._network_scores(part), *(model._scores(part) for model in fitted)]

        asked = self._queries(asked)
        trial = Trial.of(score, asked, truth, len(self.classes_), self.monitor)
        weights = trial.weights(self.monitor)
        self._new_weights = self._weigh_for_new(fitted, asked, truth)
        self._mixture = weights, learn_counts(models, self, histories)

    def _last_events(self, data, rows):
        """What stands before some events of these histories, and the events' codes.

        The last event of each history comes first, then the last but one of each, and so on. With
        baskets, what stands before the basket of the event.
        """
        rows = np.repeat(rows, data.lengths[rows])
        back = 1 + np.arange(len(rows)) - np.searchsorted(rows, rows)
        order = np.argsort(back, kind="stable")
        rows, before = rows[order], (data.lengths[rows] - back)[order]
        at = data.starts[rows] + before
        codes = self._positions()[data.codes[at, self._place]]
        if self._basket is not None:
            before = data.basket_starts[at]
        n_tried = min(_N_TRIED, max(1, _MOST_SCORES // len(self.classes_)))
        chosen = np.flatnonzero((codes >= 0) & (before >= 0))[:n_tried]
        return replace(data.take(rows[chosen]), lengths=before[chosen]), codes[chosen]

    def _scores(self, histories):
        scores, mixture = self._network_scores(histories), vars(self).get("_mixture")
        if mixture is None:  # also in files of earlier versions
            return scores
        weights, models = mixture
        counted = (self._count_scores(model, histories) for model in models)
        n_classes = len(self.class_count_)
        return add_up(weights, [scores, *counted], n_classes, self._new_weights)
