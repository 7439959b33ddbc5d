"""Sequences with what is learned of each event besides its codes."""

from dataclasses import dataclass

import numpy as np

from skbseq._sequences import Sequences


@dataclass(frozen=True)
class LearnedSequences(Sequences):
    """Sequences with what is learned of each event.

    Parameters
    ----------
    waits : ndarray of float32 of shape (n_events,), default=None
        Scaled logarithms of the seconds until the next event, or until the cutoff.
    kinds : ndarray of int8 of shape (n_events,), default=None
        0: unknown, 1: the next event came then, 2: it had not come until then.
    basket_starts : ndarray of int32 of shape (n_events,), default=None
        How many events of its history come before the basket of the event; -1 if the encoder has
        cut the basket, so that this is not known.
    basket_ends : ndarray of bool of shape (n_events,), default=None
        Whether the event is the last of its basket.
    """

    waits: np.ndarray | None = None
    kinds: np.ndarray | None = None
    basket_starts: np.ndarray | None = None
    basket_ends: np.ndarray | None = None

    @classmethod
    def of(cls, data, **learned):
        """Sequences with more learned of their events."""
        return cls(**(vars(data) | learned))

    def take(self, rows):
        """Some samples, in the given order; they share the event arrays."""
        return self.of(self, **vars(super().take(rows)))
