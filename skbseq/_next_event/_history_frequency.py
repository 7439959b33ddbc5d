"""What a history holds often: a strong baseline where ids repeat, as in next-basket tasks."""

from numbers import Real

import numpy as np

from skbseq._checks import Interval
from skbseq._next_event._base import BaseNextEvent
from skbseq._next_event._baselines import popularity
from skbseq._next_event._histories import places_among


class HistoryFrequency(BaseNextEvent):
    """Predict the ids that this history already holds, the most frequent ones first.

    Customers buy the same products again, and visitors come back to the same pages. Where they
    do, this is a strong baseline, known as personal top frequency. A
    :class:`~skbseq.NextBehaviorPredictor` learns how much to trust it.

    Parameters
    ----------
    target : str, default=None
        List column that holds the ids. None: the only column of strings, integers or booleans.
    decay : float, default=1.0
        Weight of each event as a share of that of the event after it, above 0. At 1 all events of
        the history count alike.
    smoothing : float, default=0.01
        Share of the probability that is distributed by the frequency of the ids in ``fit``, so
        that none is zero; between 0 and 1.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        All ids seen in ``fit``, in ascending order.
    class_count_ : ndarray of int64 of shape (n_classes,)
        Number of events of each id in ``fit``.
    target_ : str
        The list column that holds the ids.
    n_features_in_ : int
        Number of columns of the frame seen in ``fit``.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a table.

    See Also
    --------
    LastEvent : Ranks the ids of a history by how recent they are.
    ItemCooccurrence : Predicts from other histories.

    Notes
    -----
    With :math:`\\pi` the shares of the ids at fit, and :math:`r_t` the rank of the :math:`t`-th
    event from the end, 1 being the last, the probability of :math:`i` is

    .. math::

        p_i = (1 - \\text{smoothing})
        \\frac{\\sum_{t: i_t = i} \\text{decay}^{r_t - 1}}{\\sum_t \\text{decay}^{r_t - 1}}
        + \\text{smoothing} \\; \\pi_i

    An empty history is predicted by :math:`\\pi` alone.

    References
    ----------
    Li, M., Jullien, S., Ariannezhad, M. and de Rijke, M. (2023). A next basket recommendation
    reality check. ACM Transactions on Information Systems 41(4).

    Examples
    --------
    >>> from skbseq import HistoryFrequency
    >>> model = HistoryFrequency().fit([["tea", "tea", "cup"], ["milk", "tea"]])
    >>> model.predict([["milk", "milk", "cup"], []]).tolist()
    ['milk', 'tea']
    >>> model.predict_proba([["milk", "milk", "cup"]]).round(3).tolist()
    [[0.332, 0.662, 0.006]]
    """

    _parameter_constraints = {
        **BaseNextEvent._parameter_constraints,
        "decay": [Interval(Real, 0, 1, closed="right")],
        "smoothing": [Interval(Real, 0, 1, closed="neither")],
    }

    _reads_new = True

    def __init__(self, target=None, *, decay=1.0, smoothing=0.01):
        self.target = target
        self.decay = decay
        self.smoothing = smoothing

    def _learn(self, histories):
        pass

    def _scores(self, histories):
        return self._scores_with(histories, np.zeros(0, np.int64))

    def _scores_with(self, histories, more):
        """Scores of the classes, and of ``more`` ids without events, whose codes come later."""
        n_classes = len(self.classes_)
        size = n_classes + len(more)
        weights = histories.fading(self.decay)
        total = np.bincount(histories.rows, weights=weights, minlength=len(histories))
        at = places_among(histories.codes, n_classes, more)
        keys = (histories.rows * size + at)[at >= 0]
        shares = (weights / total[histories.rows])[at >= 0]
        own = np.bincount(keys, weights=shares, minlength=len(histories) * size)
        own = own.reshape(len(histories), size).astype(np.float64)  # integers if there is no event
        # What is left, in an empty history or for events of new ids, goes by frequency.
        left = np.maximum(1 - own[:, :n_classes].sum(axis=1, keepdims=True), 0)
        even = popularity(self, len(histories))
        own *= 1 - self.smoothing
        own[:, :n_classes] += ((1 - self.smoothing) * left + self.smoothing) * even
        return own
