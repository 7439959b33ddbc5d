"""Baselines of the next event: the most frequent, the last, and what occurs together."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse

from skbseq._checks import Interval, StrOptions
from skbseq._next_event._base import BaseNextEvent


class MostFrequent(BaseNextEvent):
    """Predict for everyone what is most frequent.

    The probability of each id is its share of all events seen at fit, whatever the history.

    Parameters
    ----------
    target : str, default=None
        List column that holds the ids. None: the only one of strings, integers or booleans.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        All ids seen at fit, in ascending order.
    class_count_ : ndarray of int64 of shape (n_classes,)
        How often each was seen.
    target_ : str
        The list column that holds the ids.
    n_features_in_ : int
        Number of columns of the frame seen at fit.
    feature_names_in_ : ndarray of str
        Names of the columns, where X was a table.

    See Also
    --------
    MarkovChain : Predict from the last events.

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
    """Predict that the last event is repeated.

    The ids of a history are ranked by how recently they occurred, the last event first; all
    others follow in the order of their frequency at fit.

    Parameters
    ----------
    target : str, default=None
        List column that holds the ids. None: the only one of strings, integers or booleans.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        All ids seen at fit, in ascending order.
    class_count_ : ndarray of int64 of shape (n_classes,)
        How often each was seen.
    target_ : str
        The list column that holds the ids.
    n_features_in_ : int
        Number of columns of the frame seen at fit.
    feature_names_in_ : ndarray of str
        Names of the columns, where X was a table.

    See Also
    --------
    MarkovChain : Learns which ids are repeated and which are not.

    Notes
    -----
    With :math:`d` distinct ids in the history, of which :math:`i` is the :math:`r`-th most recent,
    and :math:`\\pi` the shares of the ids at fit,

    .. math::

        p_i = \\frac{2 (d + 1 - r) + \\pi_i}{1 + d (d + 1)}

    with the first term absent for what is not in the history. These are the straightest
    probabilities that keep the order whatever the shares are, sum to 1 and are never 0. They are
    no estimates: nothing is learned of how often events are repeated.

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
    """Predict what stands in the same histories as the events of this one.

    Each id of the history votes for those that stood in a history with it, in whatever order; the
    more recent it is, the more its vote counts.

    Parameters
    ----------
    target : str, default=None
        List column that holds the ids. None: the only one of strings, integers or booleans.
    normalization : {"cosine", "conditional"}, default="cosine"
        How the number of common histories becomes a similarity: divided by the geometric mean
        of the numbers of histories that hold either, which favours rare ids; or by the number
        that hold the voting one, which makes it the share of them that hold the other and
        favours frequent ids.
    decay : float, default=0.5
        Weight of the vote of each id as a share of that of the next more recent one, above 0. At
        1 all of the history counts alike.
    n_last : int, default=None
        Only the ids of the last so many events vote. None: of all.
    smoothing : float, default=0.01
        Share of the probability that is given to the ids by their frequency, so that none is
        zero; between 0 and 1.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        All ids seen at fit, in ascending order.
    class_count_ : ndarray of int64 of shape (n_classes,)
        How often each was seen.
    target_ : str
        The list column that holds the ids.
    n_features_in_ : int
        Number of columns of the frame seen at fit.
    feature_names_in_ : ndarray of str
        Names of the columns, where X was a table.

    See Also
    --------
    MarkovChain : Predict from the order of the last events.

    Notes
    -----
    With :math:`n_{ij}` histories that hold both :math:`i` and :math:`j`, and :math:`n_i` that hold
    :math:`i`, the similarity is :math:`n_{ij} / \\sqrt{n_i n_j}` or :math:`n_{ij} / n_i`; an id
    occurs with itself, :math:`n_{ii}`, in the histories that hold it at least twice. The
    similarities to the distinct ids of the history, that of the :math:`r`-th most recent times
    :math:`\\text{decay}^{r - 1}`, are added up and divided by their sum. A
    history whose ids have none, as an empty one, is answered by frequency.

    The work at fit grows with the square of the number of distinct ids in a history.

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
