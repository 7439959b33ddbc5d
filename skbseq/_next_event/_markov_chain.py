"""MarkovChain: next-event prediction from smoothed counts of the last events."""

from numbers import Integral

import numpy as np

from skbseq._checks import Interval, StrOptions
from skbseq._next_event._base import BaseNextEvent
from skbseq._next_event._baselines import popularity
from skbseq._next_event._ends import CountedEndsMixin
from skbseq._sequences import offsets_of, ranges


class MarkovChain(CountedEndsMixin, BaseNextEvent):
    """Predict the next event with a Markov chain of variable order.

    The probabilities are based on how often each id followed the last events (the context). Long
    contexts are rare, so their counts are interpolated with those of the context one event
    shorter, and so on down to the frequency of the ids.

    Parameters
    ----------
    target : str, default=None
        List column that holds the ids. None: the only column of strings, integers or booleans.
    order : int, default=1
        Number of last events used, 1 to 5.
    smoothing : {"absolute", "witten-bell"}, default="absolute"
        How much of the probability goes to the shorter context; see Notes. "absolute" is better
        for long contexts with few observations; with many events there is no difference.
    end : bool, default=False
        Whether to learn how often a history ends, for :meth:`predict_end_proba`: the share of the
        events of the last id after which none followed. One event is added that has the share of
        all events. Only for complete histories; see :class:`NextBehaviorPredictor`.
    time : str, default=None
        List column of the times of the events, to learn how soon the next event comes, for
        :meth:`predict_when`: a log-normal distribution of the waits after each id. Those of all
        ids together count as one more wait of each. None: not learned.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        All ids seen in ``fit``, in ascending order.
    class_count_ : ndarray of int64 of shape (n_classes,)
        Number of events of each id in ``fit``.
    n_contexts_ : list of int
        Number of known contexts of each length, from 1 to ``order``.
    target_ : str
        The list column that holds the ids.
    n_features_in_ : int
        Number of columns of the frame seen in ``fit``.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a table.

    See Also
    --------
    ItemCooccurrence : Predicts from all events of the history, in any order.

    Notes
    -----
    The context :math:`h` was followed :math:`n` times, by :math:`t` distinct ids, by :math:`i`
    :math:`c_i` times; :math:`h'` is the context without its oldest event. With modified absolute
    discounting

    .. math:: p(i \\mid h) = \\frac{c_i - D(c_i) + \\sum_j D(c_j) \\, p(i \\mid h')}{n}

    where :math:`D(0) = 0` and :math:`D(3)` holds of all larger counts too. Of :math:`n_k`, the
    numbers of pairs of a context of that length and an id that occur :math:`k` times,

    .. math:: D(c) = c - (c + 1) \\, \\frac{n_1}{n_1 + 2 n_2} \\, \\frac{n_{c + 1}}{n_c}

    clipped to between 0.1 and 0.9 for a count of 1, and to between 0.1 and 1.5 for others. If one
    of :math:`n_1` to :math:`n_4` is 0, there are too few observations for that, and all counts
    are discounted by :math:`(n_1 + 1) / (n_1 + 2 n_2 + 2)`. With Witten-Bell smoothing

    .. math:: p(i \\mid h) = \\frac{c_i + t \\, p(i \\mid h')}{n + t}

    For a context that was never followed by an event, the shorter context is used. The empty
    context, used for empty histories, gives each id its share of all events.

    References
    ----------
    Witten and Bell (1991), "The zero-frequency problem", IEEE Transactions on Information Theory
    37(4); Ney, Essen and Kneser (1994), "On structuring probabilistic dependences in stochastic
    language modelling", Computer Speech and Language 8(1); Chen and Goodman (1999), "An empirical
    study of smoothing techniques for language modeling", Computer Speech and Language 13(4).

    Examples
    --------
    >>> from skbseq import MarkovChain
    >>> X = [["home", "news", "sport"], ["home", "news"], ["news", "sport"]]
    >>> model = MarkovChain().fit(X)
    >>> model.predict([["home"], ["home", "news"], []]).tolist()
    ['news', 'sport', 'news']
    >>> model.predict_proba([["news"]]).round(3).tolist()
    [[0.024, 0.036, 0.94]]
    """

    _parameter_constraints = {
        **BaseNextEvent._parameter_constraints,
        "order": [Interval(Integral, 1, 5, closed="both")],
        "smoothing": [StrOptions({"absolute", "witten-bell"})],
        "end": ["boolean"],
        "time": [str, None],
    }

    _by_last_id = True

    def __init__(self, target=None, *, order=1, smoothing="absolute", end=False, time=None):
        self.target = target
        self.order = order
        self.smoothing = smoothing
        self.end = end
        self.time = time

    def _learn(self, histories):
        codes, steps, n_classes = histories.codes, histories.steps, len(self.classes_)
        self._tables = []
        at, context = np.arange(len(codes)), np.zeros(len(codes), np.int64)
        for length in range(1, self.order + 1):
            long_enough = steps[at] >= length
            at, context = at[long_enough], context[long_enough]
            keys = context * n_classes + codes[at - length]
            table, context = learn_contexts(keys, codes[at], n_classes, self.smoothing)
            self._tables.append(table)
        self.n_contexts_ = [len(table.keys) for table in self._tables]

    @property
    def _reach(self):
        return self.order

    def _scores(self, histories):
        scores = popularity(self, len(histories))
        ends, lengths = histories.offsets[1:], histories.lengths
        rows, context = np.arange(len(histories)), np.zeros(len(histories), np.int64)
        for length, table in enumerate(self._tables, 1):
            long_enough = lengths[rows] >= length
            rows, context = rows[long_enough], context[long_enough]
            older = histories.codes[ends[rows] - length]
            context = table.find(context * len(self.classes_) + older)
            rows, context = rows[context >= 0], context[context >= 0]
            table.refine(scores, rows, context)
        return scores


class ContextTable:
    """What followed the contexts of one length.

    Parameters
    ----------
    keys : ndarray of int64 of shape (n_contexts,)
        Ascending. The number of the context without its oldest event, times the number of
        classes, plus the code of that event.
    offsets : ndarray of int64 of shape (n_contexts + 1,)
        Where the ids that followed each context begin.
    following : ndarray of int64
        Codes of the ids that followed.
    shares : ndarray of float64
        What the counts of each say of its probability.
    back : ndarray of float64 of shape (n_contexts,)
        Share of the probability that is left to the shorter context.
    """

    def __init__(self, keys, offsets, following, shares, back):
        self.keys = keys
        self.offsets = offsets
        self.following = following
        self.shares = shares
        self.back = back

    def find(self, keys):
        """Number of the context with each key, -1 where there is none."""
        if not len(self.keys):
            return np.full(len(keys), -1)
        found = np.searchsorted(self.keys, keys)
        found[found == len(self.keys)] = 0
        return np.where(self.keys[found] == keys, found, -1)

    def refine(self, scores, rows, contexts):
        """Interpolate some rows of scores, made from shorter contexts, with these."""
        scores[rows] *= self.back[contexts][:, None]
        places, offsets = ranges(self.offsets[contexts], self.offsets[contexts + 1])
        scores[np.repeat(rows, np.diff(offsets)), self.following[places]] += self.shares[places]


def learn_contexts(keys, following, n_classes, smoothing):
    """The table of the contexts with these keys, and the number of each key's context in it."""
    distinct, contexts = _number(keys)
    pairs, counts = np.unique(contexts * n_classes + following, return_counts=True)
    owner = pairs // n_classes
    n_kinds = np.bincount(owner, minlength=len(distinct))
    n_times = np.bincount(owner, weights=counts, minlength=len(distinct))
    if smoothing == "witten-bell":
        shares, back = counts / (n_times + n_kinds)[owner], n_kinds / (n_times + n_kinds)
    else:
        taken = discounts(counts)[np.minimum(counts, 3)]
        shares = (counts - taken) / n_times[owner]
        back = np.bincount(owner, weights=taken, minlength=len(distinct)) / n_times
    table = ContextTable(distinct, offsets_of(n_kinds), pairs % n_classes, shares, back)
    return table, contexts


def discounts(counts):
    """What is taken from counts of 0, 1, 2, and 3 or more, for what was not seen."""
    n = [np.count_nonzero(counts == times) for times in (1, 2, 3, 4)]
    if 0 in n:
        plain = (n[0] + 1) / (n[0] + 2 * n[1] + 2)
        return np.array([0, plain, plain, plain])
    share = n[0] / (n[0] + 2 * n[1])
    taken = [c - (c + 1) * share * n[c] / n[c - 1] for c in (1, 2, 3)]
    return np.array([0, *np.clip(taken, 0.1, [0.9, 1.5, 1.5])])


def _number(keys):
    """The distinct keys in ascending order, and the number of each key among them."""
    span = int(keys.max(initial=0)) + 1
    if span > 4 * len(keys) + 2**16:
        return np.unique(keys, return_inverse=True)
    # By counting, where keys lie close together: ten times as fast as by sorting.
    present = np.zeros(span, bool)
    present[keys] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[keys]
