"""Losses of the next id: which one, its negatives, and the probabilities of its scores."""

from numbers import Integral

import numpy as np

from skbseq._gbce import Balance, log_odds_to_log_probability
from skbseq._sequences import FIRST_CATEGORY

# From so many ids on, each batch compares its own with some drawn at random.
_MANY_IDS, _NEGATIVES = 10_000, 2_000
# So many negatives have gSASRec's experiments.
_GBCE_NEGATIVES = 256
_POWERS = {"uniform": 0.0, "popularity": 1.0}


class RankingLossMixin:
    """The loss of a network that compares queries with vectors of ids.

    The model has the parameters ``loss``, ``gbce_t``, ``negatives``, ``n_negatives``,
    ``label_smoothing``, ``monitor``, ``end``, ``time`` and ``basket``.
    """

    @property
    def _has_many_ids(self):
        return len(self.classes_) > _MANY_IDS

    def _event_loss(self, n_negatives):
        """Fields of the loss."""
        kind = {"kind": "next"}
        if self.end or self.time is not None:
            kind = {"kind": "next_or_end", "end": bool(self.end), "waits": self.time is not None}
        return kind | {
            "targets": (self._place,),
            "n_negatives": n_negatives,
            "monitor": self.monitor,
            "form": self.loss,
            "negatives": self._sampler(),
            "smoothing": float(self.label_smoothing),
            "calibration": float(self.gbce_t),
            "baskets": self.basket is not None,
        }

    def _sampler(self):
        """How negatives are drawn: by a name that the trainer knows, or a power of the counts."""
        if self.negatives == "auto":
            return "log-uniform" if self.loss == "softmax" else 0.0
        if isinstance(self.negatives, str):
            return _POWERS.get(self.negatives, self.negatives)
        return float(self.negatives)

    def _negatives(self):
        """Number of negatives per batch, or None for all ids."""
        most = max(len(self.classes_), _MANY_IDS)
        if isinstance(self.n_negatives, Integral) and self.n_negatives > most:
            raise ValueError(
                f"n_negatives={self.n_negatives!r} is more than the {len(self.classes_):,} ids. "
                "Lower it, or pass None, which compares with all ids."
            )
        if self.n_negatives is None and self.negatives != "auto":
            raise ValueError(
                f"negatives={self.negatives!r} would change nothing, because n_negatives=None "
                "compares with all ids. Set n_negatives=2_000, say, or leave negatives out."
            )
        if self.n_negatives != "auto":
            return self.n_negatives
        if self.loss == "gbce":
            return _GBCE_NEGATIVES
        return _NEGATIVES if self._has_many_ids or self.negatives != "auto" else None

    def _learn_offset(self, n_negatives):
        """Remember by how much scores exceed log-odds; None if they are not log-odds."""
        self._offset = None
        if self.loss == "gbce":
            n_codes = self._spec().vocabulary_sizes[self._place] - FIRST_CATEGORY
            self._offset = Balance.of(n_codes, n_negatives, float(self.gbce_t)).offset

    def _first_bias(self, spec):
        """Biases to begin with: a network that has learned nothing predicts the frequencies."""
        counts = np.ones(spec.vocabulary_sizes[self._place])
        counts[self._codes] += self.class_count_[self._by_frequency]
        share = counts / (counts.sum() + 1)
        return (np.log(share / (1 - share)) + self._offset).astype(np.float32)

    def _odds(self, scores):
        """Numbers in proportion to the probabilities of ids with these scores."""
        scores = scores.astype(np.float64)
        offset = vars(self).get("_offset")  # files of earlier versions have none
        if offset is not None:
            scores = log_odds_to_log_probability(scores - offset)
        return np.exp(scores - scores.max(axis=1, keepdims=True))
