"""Next-event baselines: most frequent and last event."""

import numpy as np

from skbseq._next_event._base import BaseNextEvent
from skbseq._next_event._ends import CountedEndsMixin


class MostFrequent(CountedEndsMixin, BaseNextEvent):
    """Predict the most frequent ids for everyone.

    The probability of each id is its share of all events seen in ``fit``, regardless of the
    history.

    Parameters
    ----------
    target : str, default=None
        List column that holds the ids. None: the only column of strings, integers or booleans.
    end : bool, default=False
        Whether to learn how often a history ends, for :meth:`predict_end_proba`: the share of all
        events after which none followed. Only for complete histories; see
        :class:`NextBehaviorPredictor`.
    time : str, default=None
        List column of the times of the events, to learn how soon the next event comes, for
        :meth:`predict_when`: one log-normal distribution for all waits. None: not learned.

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
    MarkovChain : Predicts from the last events.

    Examples
    --------
    >>> from skbseq import MostFrequent
    >>> X = [["home", "news", "sport"], ["home", "news"], ["news"]]
    >>> model = MostFrequent().fit(X)
    >>> model.predict([["sport"], []]).tolist()
    ['news', 'news']
    >>> model.classes_.tolist(), model.class_count_.tolist()
    (['home', 'news', 'sport'], [2, 3, 1])
    """

    _parameter_constraints = {
        **BaseNextEvent._parameter_constraints,
        "end": ["boolean"],
        "time": [str, None],
    }
    _reach, _by_last_id = 0, False

    def __init__(self, target=None, *, end=False, time=None):
        self.target = target
        self.end = end
        self.time = time

    def _learn(self, histories):
        pass

    def _scores(self, histories):
        return popularity(self, len(histories))


class LastEvent(BaseNextEvent):
    """Predict that the last event repeats.

    The ids of a history are ranked by how recently they occurred, the last event first. All other
    ids follow, ordered by their frequency in ``fit``.

    Parameters
    ----------
    target : str, default=None
        List column that holds the ids. None: the only column of strings, integers or booleans.

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
    MarkovChain : Learns which ids repeat.

    Notes
    -----
    With :math:`d` distinct ids in the history, of which :math:`i` is the :math:`r`-th most recent,
    and :math:`\\pi` the shares of the ids at fit,

    .. math::

        p_i = \\frac{2 (d + 1 - r) + \\pi_i}{1 + d (d + 1)}

    without the first term for ids that are not in the history. These are simple probabilities
    that keep the order whatever the shares are, sum to 1 and are never 0. They are not estimates:
    the model does not learn how often events repeat.

    Examples
    --------
    >>> from skbseq import LastEvent
    >>> model = LastEvent().fit([["home", "news", "sport"], ["home", "news"], ["news"]])
    >>> model.predict([["home", "sport"], []]).tolist()
    ['sport', 'news']
    >>> model.predict_top_k([["home", "sport"]], k=3)["x0"].tolist()
    [['sport', 'home', 'news']]
    """

    def __init__(self, target=None):
        self.target = target

    def _learn(self, histories):
        pass

    def _scores(self, histories):
        distinct = histories.distinct()
        scores = popularity(self, len(histories))
        scores[distinct.rows, distinct.codes] += 2.0 * (distinct.steps + 1)  # d + 1 - r
        return scores


def popularity(model, n_rows):
    """The share of each id of the catalogue at fit, for each of so many rows."""
    shares = np.sort(model.class_count_)[::-1] / model.class_count_.sum()
    return np.tile(shares, (n_rows, 1))
