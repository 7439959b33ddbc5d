"""How the generalised binary cross-entropy balances right and wrong ids, and what it predicts."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Balance:
    """Weights of the right id and of the negatives in gBCE (Petrov & Macdonald 2023).

    Parameters
    ----------
    alpha : float
        Share of the wrong ids that are negatives.
    beta : float
        Power of the probability of the right id.
    """

    alpha: float
    beta: float

    @classmethod
    def of(cls, n_ids, n_negatives, calibration):
        """The balance for some negatives of a catalogue; None are all ids."""
        others = max(n_ids - 1, 1)
        alpha = 1.0 if n_negatives is None else min(n_negatives / others, 1.0)
        return cls(alpha, 1 - calibration * (1 - alpha))

    @property
    def offset(self):
        """What the scores of the best network exceed the log-odds of the next id by."""
        return float(np.log(self.beta / self.alpha))


def log_odds_to_log_probability(scores):
    """Logarithm of the logistic function, without overflow."""
    return -np.logaddexp(0, -scores)
