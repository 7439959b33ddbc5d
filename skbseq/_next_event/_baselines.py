"""Next-event baselines: most frequent, last event, and item co-occurrence."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse

from skbseq._checks import Interval, StrOptions
from skbseq._next_event._base import BaseNextEvent


class MostFrequent(BaseNextEvent):
    """Predict the most frequent ids for everyone.

    The probability of each id is its share of all events seen in ``fit``, regardless of the
    history.

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

    def __init__(self, target=None):
        self.target = target

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


class ItemCooccurrence(BaseNextEvent):
    """Predict ids that occur in the same histories as the events of this one.

    Each id of the history votes for ids that occurred together with it in a history, in any
    order. More recent ids have more weight. This is item-based collaborative filtering.

    Parameters
    ----------
    target : str, default=None
        List column that holds the ids. None: the only column of strings, integers or booleans.
    normalization : {"cosine", "conditional"}, default="cosine"
        How the number of common histories becomes a similarity. "cosine" divides it by the
        geometric mean of the numbers of histories with either id, which favours rare ids.
        "conditional" divides it by the number of histories with the voting id, which gives the
        share of them with the other id and favours frequent ids.
    decay : float, default=0.5
        Weight of each id relative to the next more recent one, above 0. With 1, all ids of the
        history have the same weight.
    n_last : int, default=None
        Number of last events whose ids vote. None: all events.
    smoothing : float, default=0.01
        Share of the probability that is distributed by the frequency of the ids, so that none is
        zero; between 0 and 1.

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
    MarkovChain : Predicts from the order of the last events.

    Notes
    -----
    With :math:`n_{ij}` histories that hold both :math:`i` and :math:`j`, and :math:`n_i` that
    hold :math:`i`, the similarity is :math:`n_{ij} / \\sqrt{n_i n_j}` or :math:`n_{ij} / n_i`; an
    id occurs with itself, :math:`n_{ii}`, in the histories that hold it at least twice. The
    similarities to the distinct ids of the history, that of the :math:`r`-th most recent times
    :math:`\\text{decay}^{r - 1}`, are added up and normalised to sum to 1. Histories whose ids
    have no similarities, such as empty ones, are predicted by frequency.

    The cost of ``fit`` grows with the square of the number of distinct ids in a history.

    References
    ----------
    Sarwar, Karypis, Konstan and Riedl (2001), "Item-based collaborative filtering recommendation
    algorithms", WWW; Deshpande and Karypis (2004), "Item-based top-N recommendation algorithms",
    ACM Transactions on Information Systems 22(1).

    Examples
    --------
    >>> from skbseq import ItemCooccurrence
    >>> X = [["tea", "cup"], ["tea", "pot", "cup"], ["coffee", "filter"]]
    >>> model = ItemCooccurrence().fit(X)
    >>> model.predict([["tea"], ["filter"], []]).tolist()
    ['cup', 'coffee', 'cup']
    """

    _parameter_constraints = {
        **BaseNextEvent._parameter_constraints,
        "normalization": [StrOptions({"cosine", "conditional"})],
        "decay": [Interval(Real, 0, 1, closed="right")],
        "n_last": [Interval(Integral, 1, None, closed="left"), None],
        "smoothing": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self, target=None, *, normalization="cosine", decay=0.5, n_last=None, smoothing=0.01
    ):
        self.target = target
        self.normalization = normalization
        self.decay = decay
        self.n_last = n_last
        self.smoothing = smoothing

    def _learn(self, histories):
        times = self._table(histories, np.ones(len(histories.codes)))
        held, twice = times.sign(), (times >= 2).sum(axis=0)
        common = (held.T @ held).tocoo()
        n_histories = np.asarray(held.sum(axis=0), np.float64).ravel()
        off = common.row != common.col
        row, col = common.row[off], common.col[off]
        ids, again = np.arange(len(n_histories)), np.asarray(twice, np.float64).ravel()
        row, col = (np.append(part, ids[again > 0]) for part in (row, col))
        counts = np.append(common.data[off], again[again > 0])
        if self.normalization == "cosine":
            weights = counts / np.sqrt(n_histories[row] * n_histories[col])
        else:
            weights = counts / n_histories[row]
        similarity = sparse.csr_array((weights, (row, col)), shape=common.shape)
        # Arrays, for model files hold no matrices.
        self._similarity = similarity.data, similarity.indices, similarity.indptr

    def _table(self, histories, weights):
        """Sum of the weights of the events of each history (row) by id (column)."""
        shape = len(histories), len(self.classes_)
        return sparse.csr_array((weights, (histories.rows, histories.codes)), shape=shape)

    def _scores(self, histories):
        if self.n_last is not None:
            histories = histories.last(self.n_last)
        voters = histories.distinct()
        weights = float(self.decay) ** (voters.recency - 1)
        similarity = sparse.csr_array(self._similarity, shape=2 * (len(self.classes_),))
        votes = (self._table(voters, weights) @ similarity).toarray()
        total = votes.sum(axis=1, keepdims=True)
        shares = np.divide(votes, total, out=np.zeros_like(votes), where=total > 0)
        return (1 - self.smoothing) * shares + self.smoothing * popularity(self, len(histories))


def popularity(model, n_rows):
    """The share of each id of the catalogue at fit, for each of so many rows."""
    shares = np.sort(model.class_count_)[::-1] / model.class_count_.sum()
    return np.tile(shares, (n_rows, 1))
