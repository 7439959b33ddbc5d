"""Co-occurrence: item-to-item recommendation from what follows what in other histories."""

from itertools import pairwise
from numbers import Integral, Real

import numpy as np
from scipy import sparse

from skbseq._checks import Interval, StrOptions, shown
from skbseq._next_event._base import BaseNextEvent
from skbseq._next_event._baselines import popularity

# Exponents of the popularity of the voting id and of the one voted for.
_EXPONENTS = {"cosine": (0.5, 0.5), "conditional": (1.0, 0.0)}
# For decay="auto": the values tried, and the number of histories whose last event is predicted.
_DECAYS = (0.2, 0.4, 0.6, 0.8)
_N_TRIED = 5_000
# For indirect="auto": the weight tried, and by how much it must be better. On a shop of 217
# products it was better by 0.2% on these last events, and worse on later sessions.
_INDIRECT, _LEAST_GAIN = 0.3, 0.01
# How many ids an id passes a vote on to.
_N_PASSED_ON = 10
# Pairs of events that are counted at a time.
_BLOCK = 4_000_000
# Votes of histories that are compared at a time; they take about a hundred bytes each.
_MOST_VOTES = 4_000_000


class ItemCooccurrence(BaseNextEvent):
    """Predict ids that follow the events of this history in other histories.

    Each id of the history votes for ids that came a few steps after it, or with less weight
    before it, in the histories seen in ``fit``. More recent ids have more weight. This is
    item-to-item collaborative filtering, a strong baseline on sparse catalogues.

    Parameters
    ----------
    target : str, default=None
        List column that holds the ids. None: the only column of strings, integers or booleans.
    window : int or None, default=10
        Pairs of events are counted up to this many steps apart. None: any two ids of a history
        are a pair, which counts once, whatever their order and distance.
    distance_decay : float, default=0.8
        Weight of a pair as a share of that of a pair one step closer, above 0; at 1 all pairs
        within the window count alike. Not used without a window.
    backward : float, default=0.25
        Weight of the votes for ids that came before, as a share of that of ids that came after;
        between 0 (only what follows) and 1 (order is ignored). Not used without a window.
    normalization : tuple of two floats, or {"cosine", "conditional"}, default=(0.5, 0.1)
        How a number of pairs becomes a similarity: it is divided by the popularity of the voting
        id and that of the id voted for, to the power of these two exponents. The larger the
        second exponent, the more rare ids are favored. "cosine" is (0.5, 0.5), "conditional"
        (1, 0).
    decay : float or "auto", default="auto"
        Weight of the vote of each id as a share of that of the next more recent one, above 0. At
        1 all of the history counts alike. "auto": the one of 0.2, 0.4, 0.6 and 0.8 that predicts
        the last event of up to 5,000 training histories best (NDCG). Where none of these events
        repeats an id of its history, the ids of the history are not ranked.
    indirect : float or "auto", default="auto"
        Weight of indirect votes, as a share of that of direct ones: each id that got a vote
        passes it on to the 10 ids that it votes for most. This helps where most ids are rare.
        0: none. "auto": 0.3 if this improves the NDCG of the same last events by 1% or more,
        else 0.
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
    decay_ : float
        The given or chosen decay.
    indirect_ : float
        The given or chosen weight of indirect votes.
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
    With :math:`a` and :math:`b` the exponents of ``normalization``, and :math:`n_i` the number of
    events of :math:`i`, the vote of :math:`i` for :math:`j` is

    .. math::

        s_{ij} = \\frac{1}{n_i^a \\, n_j^b} \\Big(
            \\sum_{i \\to j} \\text{distance\\_decay}^{d - 1}
            + \\text{backward} \\sum_{j \\to i} \\text{distance\\_decay}^{d - 1} \\Big)

    where the sums are over pairs of events of one history, the second :math:`d` steps after the
    first, :math:`d \\le \\text{window}`. Without a window the bracket is the number of histories
    that hold both, and :math:`n_i` the number of histories that hold :math:`i`; an id occurs with
    itself in the histories that hold it at least twice.

    The votes of the distinct ids of the history, that of the :math:`r`-th most recent times
    :math:`\\text{decay}^{r - 1}`, are added up and normalised to sum to 1. Histories whose ids get
    no votes, such as empty ones, are predicted by frequency.

    Without a window, the cost of ``fit`` grows with the square of the number of distinct ids in a
    history.

    References
    ----------
    Sarwar, Karypis, Konstan and Riedl (2001), "Item-based collaborative filtering recommendation
    algorithms", WWW; Deshpande and Karypis (2004), "Item-based top-N recommendation algorithms",
    ACM Transactions on Information Systems 22(1); Ludewig and Jannach (2018), "Evaluation of
    session-based recommendation algorithms", User Modeling and User-Adapted Interaction 28.

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
        "window": [Interval(Integral, 1, None, closed="left"), None],
        "distance_decay": [Interval(Real, 0, 1, closed="right")],
        "backward": [Interval(Real, 0, 1, closed="both")],
        "normalization": [StrOptions(set(_EXPONENTS)), tuple, list],
        "decay": [Interval(Real, 0, 1, closed="right"), StrOptions({"auto"})],
        "indirect": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "n_last": [Interval(Integral, 1, None, closed="left"), None],
        "smoothing": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        target=None,
        *,
        window=10,
        distance_decay=0.8,
        backward=0.25,
        normalization=(0.5, 0.1),
        decay="auto",
        indirect="auto",
        n_last=None,
        smoothing=0.01,
    ):
        self.target = target
        self.window = window
        self.distance_decay = distance_decay
        self.backward = backward
        self.normalization = normalization
        self.decay = decay
        self.indirect = indirect
        self.n_last = n_last
        self.smoothing = smoothing

    def __setstate__(self, state):
        # Earlier versions counted common histories directly, so a clone of theirs does too.
        super().__setstate__({"window": None, "indirect": 0.0} | state)

    def _learn(self, histories):
        exponents = _read_exponents(self.normalization)
        self.decay_, self.indirect_ = self.decay, self.indirect
        if "auto" in (self.decay, self.indirect):
            self._choose_parameters(histories, exponents)
        similarity = self._similarities(histories, exponents)
        self._similarity = _arrays_of(similarity)
        if self.indirect_:
            self._strongest = _arrays_of(_strongest(similarity))

    def _choose_parameters(self, histories, exponents):
        """Set what ranks the last events of some training histories best."""
        rows = np.flatnonzero(histories.lengths >= 2)
        rows = rows[:: -(-len(rows) // _N_TRIED) or 1]
        rest, truth = histories.without_last(rows)
        similarity = self._similarities(rest, exponents)
        strongest = _strongest(similarity) if self.indirect else None
        voters = self._voters(rest.take(rows))
        size = len(self.classes_)
        repeated = np.isin(np.arange(len(truth)) * size + truth, voters.rows * size + voters.codes)
        own = _by_history(voters, np.ones(len(voters.codes)), size)

        cuts = _cuts_by_votes(voters, np.diff(similarity.indptr))

        def gain_of(part, decay, indirect):
            here = voters.slice(part.start, part.stop)
            shares = self._shares(here, similarity, strongest, decay, indirect)
            # Where nobody takes an id twice, lists will be asked for without those seen.
            if not repeated.any():
                shares = shares - shares.multiply(own[part])
            return _gain(shares, truth[part])

        def gain(decay, indirect=0.0):
            return sum(gain_of(slice(*ends), decay, indirect) for ends in pairwise(cuts))

        if self.decay == "auto":
            self.decay_ = max(_DECAYS, key=gain)  # of direct votes, which are counted faster
        if self.indirect == "auto":
            better = gain(self.decay_, _INDIRECT) > (1 + _LEAST_GAIN) * gain(self.decay_)
            self.indirect_ = _INDIRECT if better else 0.0

    def _similarities(self, histories, exponents):
        """How much each id (row) votes for each other (column)."""
        size = len(self.classes_)
        if self.window is None:
            counts, popularities = _common_histories(histories, size)
        else:
            forward = _pairs_in_order(histories, size, self.window, self.distance_decay)
            counts = forward + self.backward * forward.T
            popularities = np.bincount(histories.codes, minlength=size)
        scales = [
            sparse.diags_array(np.maximum(popularities, 1.0) ** -float(exponent))
            for exponent in exponents
        ]
        similarity = (scales[0] @ counts @ scales[1]).tocsr()
        similarity.eliminate_zeros()
        return similarity

    def _voters(self, histories):
        return (histories if self.n_last is None else histories.last(self.n_last)).distinct()

    def _shares(self, voters, similarity, strongest, decay, indirect):
        """Sparse shares of the votes of each history (row) by id (column); a row may be empty."""
        weights = voters.fading(decay)
        given = _by_history(voters, weights, len(self.classes_))
        direct = _row_shares(given @ similarity)
        if not indirect:
            return direct
        passed_on = _row_shares(given @ strongest @ strongest)
        return (direct + indirect * passed_on) / (1 + indirect)

    @property
    def _reach(self):
        return self.n_last

    def _scores(self, histories):
        # Files of earlier versions have neither.
        decay, indirect = (
            vars(self).get(f"{name}_", getattr(self, name)) for name in ("decay", "indirect")
        )
        similarity = self._matrix(self._similarity)
        strongest = self._matrix(self._strongest) if indirect else None
        shares = self._shares(self._voters(histories), similarity, strongest, decay, indirect)
        even = popularity(self, len(histories))
        return (1 - self.smoothing) * shares.toarray() + self.smoothing * even

    def _matrix(self, arrays):
        return sparse.csr_array(arrays, shape=2 * (len(self.classes_),))


def _arrays_of(matrix):
    """Its arrays, because model files hold no matrices."""
    return matrix.data, matrix.indices, matrix.indptr


def _read_exponents(normalization):
    if isinstance(normalization, str):
        return _EXPONENTS[normalization]
    numbers = [value for value in normalization if isinstance(value, Real)]
    if len(normalization) != 2 or len(numbers) != 2 or not all(0 <= n < np.inf for n in numbers):
        raise ValueError(
            "normalization must be 'cosine', 'conditional', or two exponents of at least 0, of "
            "the voting id and of the id voted for, such as (0.5, 0.1); got "
            f"{shown(normalization)}."
        )
    return tuple(numbers)


def _by_history(histories, weights, size):
    """Sum of the weights of the events of each history (row) by id (column)."""
    shape = len(histories), size
    return sparse.csr_array((weights, (histories.rows, histories.codes)), shape=shape)


def _row_shares(votes):
    """Votes divided by the sum of their row; an empty row stays empty."""
    total = votes.sum(axis=1)
    scale = np.divide(1, total, out=np.zeros_like(total), where=total > 0)
    values = votes.data * np.repeat(scale, np.diff(votes.indptr))
    return sparse.csr_array((values, votes.indices, votes.indptr), shape=votes.shape)


def _strongest(similarity):
    """The largest similarities of each id as shares of their sum; of equal ones, the first."""
    rows = np.repeat(np.arange(similarity.shape[0]), np.diff(similarity.indptr))
    order = np.lexsort((similarity.indices, -similarity.data, rows))
    kept = order[np.arange(len(order)) - similarity.indptr[rows] < _N_PASSED_ON]
    values = similarity.data[kept], (rows[kept], similarity.indices[kept])
    return _row_shares(sparse.csr_array(values, shape=similarity.shape))


def _pairs_in_order(histories, size, window, decay):
    """Weighted number of pairs of events, by the earlier (row) and the later id (column)."""
    total = sparse.csr_array((size, size))
    for earlier, later, weights in _blocks(_pairs_by_distance(histories, window, decay)):
        total = total + sparse.csr_array((weights, (earlier, later)), shape=(size, size))
    return total


def _pairs_by_distance(histories, window, decay):
    """For each distance the earlier and the later ids of all pairs, and their weights."""
    codes, rows = histories.codes, histories.rows
    longest = int(histories.lengths.max(initial=0))
    for distance in range(1, min(window, longest - 1) + 1):
        weight = float(decay) ** (distance - 1)
        if weight == 0:  # so small that nothing further counts
            return
        together = rows[:-distance] == rows[distance:]
        earlier, later = codes[:-distance][together], codes[distance:][together]
        yield earlier, later, np.full(len(earlier), weight)


def _blocks(parts):
    """Parts joined into blocks: to add two matrices takes as long as the larger one is."""
    block, length = [], 0
    for part in parts:
        block.append(part)
        length += len(part[0])
        if length >= _BLOCK:
            yield map(np.concatenate, zip(*block, strict=True))
            block, length = [], 0
    if block:
        yield map(np.concatenate, zip(*block, strict=True))


def _common_histories(histories, size):
    """Number of histories that hold both ids, and the number that hold each."""
    times = _by_history(histories, np.ones(len(histories.codes)), size)
    held, twice = times.sign(), (times >= 2).sum(axis=0)
    common = (held.T @ held).tocoo()
    off = common.row != common.col
    ids, again = np.arange(size), np.asarray(twice, np.float64).ravel()
    row, col = (np.append(part[off], ids[again > 0]) for part in (common.row, common.col))
    counts = np.append(common.data[off], again[again > 0])
    n_histories = np.asarray(held.sum(axis=0), np.float64).ravel()
    return sparse.csr_array((counts, (row, col)), shape=(size, size)), n_histories


def _cuts_by_votes(voters, n_votes):
    """Where to cut histories into parts that have few votes together; both ends are among them.

    Parameters
    ----------
    voters : Histories
    n_votes : ndarray of int
        For how many ids each id votes.
    """
    before = np.append(0, np.cumsum(n_votes[voters.codes]))[voters.offsets]
    cuts = [0]
    while cuts[-1] < len(voters):
        stop = int(np.searchsorted(before, before[cuts[-1]] + _MOST_VOTES, side="right")) - 1
        cuts.append(max(stop, cuts[-1] + 1))
    return cuts


def _gain(votes, truth):
    """Sum of the discounted gains of the true ids among the votes; without a vote, an id gains 0.

    Ranks are counted among the nonzero votes, so that no row is as long as the catalogue.
    """
    rows = np.repeat(np.arange(len(truth)), np.diff(votes.indptr))
    own = np.zeros(len(truth))
    hit = votes.indices == truth[rows]
    own[rows[hit]] = votes.data[hit]
    above = np.bincount(rows, weights=votes.data > own[rows], minlength=len(truth))
    return float(np.where(own > 0, 1 / np.log2(2 + above), 0).sum())
