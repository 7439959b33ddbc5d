"""Content-based recommendation: products that are described like those of a history."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse

from skbseq import _frames
from skbseq._checks import Interval, StrOptions
from skbseq._next_event._base import BaseNextEvent
from skbseq._next_event._baselines import popularity
from skbseq._next_event._content import Content, add_votes
from skbseq._next_event._content_weights import choose_weights
from skbseq._next_event._each import TargetEvents
from skbseq._next_event._histories import places_among, read_histories
from skbseq._next_event._item_table import (
    KeepsItemTable,
    describes_products,
    join_ids,
    named_ids,
    read_item_table,
    shallow,
    split_known,
)
from skbseq._next_event._ranked_lists import read_candidates
from skbseq._targets import split_target
from skbseq.preprocessing._item_features import nothing_told

_NONE = np.zeros(0, np.int64)


class ContentSimilarity(KeepsItemTable, BaseNextEvent):
    """Predict products that are described like those of this history.

    Each product of the history votes for the products whose features are like its own. This is
    content-based filtering. It needs no events of the products that it predicts, so it can
    recommend new ones.

    Parameters
    ----------
    target : str, default=None
        List column that holds the ids. None: the only column of strings, integers or booleans.
    item_features : table, default=None
        Describes the products: a table of any library with a row for each, their ids in a column
        named after the target. Its other columns are categories, numbers, texts, vectors and
        tags, as in :class:`~skbseq.NextBehaviorPredictor`. Values may be missing. None: the table
        of the :class:`~skbseq.NextBehaviorPredictor` that the model is mixed into by
        ``counting``; alone, the model needs a table.
    decay : float, default=0.95
        Weight of the vote of each id as a share of that of the next more recent one, above 0. At
        1 all of the history counts alike.
    power : float, default=2.0
        Exponent of the likenesses, above 0. The larger it is, the more the most alike products
        count.
    feature_weights : dict of str to float, or "auto", default="auto"
        Weight of each column of ``item_features``, from 0. "auto": those that predict the last
        event of up to 1,000 training histories best (NDCG).
    repeats : bool or "auto", default="auto"
        Whether an id votes for itself, most of all. "auto": if one of these last events is of
        an id that its history holds.
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
    feature_weights_ : dict of str to float
        The given or chosen weights of the columns that tell products apart; they sum to 1.
    repeats_ : bool
        Whether ids vote for themselves.
    target_ : str
        The list column that holds the ids.
    n_features_in_ : int
        Number of columns of the frame seen in ``fit``.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a table.

    See Also
    --------
    ItemCooccurrence : Predicts from what occurs together in histories.
    NextBehaviorPredictor : Mixes this model with others and with a network.

    Notes
    -----
    With :math:`w_c` the weights of the columns, the likeness of two products is

    .. math::

        s_{ij} = \\max\\Big(0, \\sum_c w_c \\cos(x_{ic}, x_{jc})\\Big)^{\\text{power}}

    where :math:`x_{ic}` encodes the value of column :math:`c`. Texts and tags are TF-IDF vectors
    of hashed words and pairs of words, or of characters in scripts without spaces; words of a
    single product are left out. A category has a column of its own, unless it is of a single
    product. A number is interpolated between the eighths of its distribution. A missing value is
    like no other.

    The votes of the distinct ids of the history, that of the :math:`r`-th most recent times
    :math:`\\text{decay}^{r - 1}`, are added up and divided by their sum over ``classes_``.
    Histories whose ids get no votes are predicted by frequency. Candidates without events, if
    ``item_features`` or the table of candidates describes them, get votes in the same way, and
    vote in histories. :meth:`predict` and :meth:`predict_proba` leave them out.

    The weights of the columns are selected greedily, in up to 10 steps [1]_: those of the last
    events are ranked among them and 500 other ids. A prediction compares all ids of the
    histories with all products, so it costs more than one of :class:`~skbseq.ItemCooccurrence`.

    References
    ----------
    .. [1] Caruana et al. (2004). Ensemble selection from libraries of models. ICML.

    Lops, P., de Gemmis, M. and Semeraro, G. (2011). Content-based recommender systems: state of
    the art and trends. In: Recommender Systems Handbook. Springer.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import ContentSimilarity
    >>> products = pd.DataFrame({
    ...     "product": ["a", "b", "c", "d"],
    ...     "text": ["red mug", "blue mug", "garden chair", "garden table"],
    ... })
    >>> X = pd.DataFrame({"product": [["a", "c"], ["b", "a"], ["c"]]})
    >>> model = ContentSimilarity(item_features=products, repeats=False).fit(X)
    >>> asked = pd.DataFrame({"product": [["a"], ["c"]]})
    >>> model.predict_top_k(asked, k=1, candidates=products)["product"].tolist()
    [['b'], ['d']]
    """

    _parameter_constraints = {
        **BaseNextEvent._parameter_constraints,
        "item_features": "no_validation",
        "decay": [Interval(Real, 0, 1, closed="right")],
        "power": [Interval(Real, 0, None, closed="neither")],
        "feature_weights": [dict, StrOptions({"auto"})],
        "repeats": ["boolean", StrOptions({"auto"})],
        "n_last": [Interval(Integral, 1, None, closed="left"), None],
        "smoothing": [Interval(Real, 0, 1, closed="neither")],
    }

    _reads_new = True
    _content = None
    _asked = _NONE  # codes of the ids without events that a call asks for

    def __init__(
        self,
        target=None,
        *,
        item_features=None,
        decay=0.95,
        power=2.0,
        feature_weights="auto",
        repeats="auto",
        n_last=None,
        smoothing=0.01,
    ):
        self.target = target
        self.item_features = item_features
        self.decay = decay
        self.power = power
        self.feature_weights = feature_weights
        self.repeats = repeats
        self.n_last = n_last
        self.smoothing = smoothing

    def _take_from(self, catalogue):
        super()._take_from(catalogue)
        if self.item_features is None:
            self._content = catalogue._content

    def _learn(self, histories):
        if self.item_features is not None:
            self._content = Content.read(self.item_features, self.target_, self._catalogue())
        if self._content is None:
            raise ValueError(
                "ContentSimilarity needs item_features, a table with a row for each product: a "
                f"column {self.target_!r} of ids, and columns that describe them. Only in the "
                "counting= of a NextBehaviorPredictor with item_features may it be left out."
            )
        if not self._content.matcher.parts:
            raise nothing_told(self._content.matcher.names)
        choose_weights(self, histories)

    @property
    def _reach(self):
        return self.n_last

    # -------------------------------------------------------------- within

    @property
    def _column_scales(self):
        """Weight of each column of the rows of content."""
        return np.repeat(self._part_weights, self._content.matcher.sizes)

    def _voters(self, histories):
        return (histories if self.n_last is None else histories.last(self.n_last)).distinct()

    def _scores(self, histories):
        return self._scores_with(histories, self._asked)

    def _scores_with(self, histories, more):
        n_classes, n_rows = len(self.class_count_), len(histories)
        voters = self._voters(histories)
        used, places = np.unique(voters.codes, return_inverse=True)
        weights = voters.fading(self.decay)
        votes = sparse.csr_array((weights, (voters.rows, places)), shape=(n_rows, len(used)))
        others, content = np.append(np.arange(n_classes), more), self._content
        same = None
        if not self.repeats_:
            columns = places_among(used, n_classes, more)
            same = np.flatnonzero(columns >= 0), columns[columns >= 0]
        found = add_votes(
            votes,
            content.rows(used),
            content.rows(others),
            self._column_scales,
            self.power,
            same,
        )
        return self._to_shares(found, n_classes, votes.sum(axis=1))

    def _to_shares(self, found, n_classes, most):
        """Votes as shares of those for ids with events, with smoothing."""
        total = found[:, :n_classes].sum(axis=1)
        even = popularity(self, len(found))
        # If all votes are for ids without events, they are shares of the most they could be.
        scale = np.where(total > 0, total, np.where(most > 0, most, 1))
        shares = found / scale[:, None]
        shares[total == 0, :n_classes] = even[total == 0]
        least = np.full((len(found), found.shape[1] - n_classes), even.min(initial=1))
        prior = np.concatenate([even, least], axis=1)
        return (1 - self.smoothing) * shares + self.smoothing * prior

    # ---------------------------------------------- products without events

    def _all_ids(self):
        """Ids of the codes: the catalogue as of fit, then those without events."""
        n_classes = len(self.class_count_)
        return join_ids(self._catalogue()[:n_classes], self._content.ids)

    def _read(self, X):
        columns, _ = split_target(X, self.target_)
        return read_histories(columns, self.target_, self._all_ids())

    def _beginnings(self, X, events, *, after):
        yield TargetEvents.read(X, self.target_, self._all_ids()).beginnings(after=after)

    def _knowing(self, candidates):
        model, n_classes = self, len(self.classes_)
        if _frames.is_frame(candidates) and describes_products(candidates, self.target_):
            table, candidates = read_item_table(candidates, self.target_, "candidates")
            found, ids = split_known(candidates, self._catalogue(), "candidates")
            model = shallow(self, _content=self._content.with_table(table, ids, found < 0))
        values = None if candidates is None else read_candidates(candidates)
        places = named_ids(values, model._content.ids)
        if len(places):
            model = shallow(
                model,
                classes_=join_ids(self.classes_, model._content.ids[places]),
                _by_frequency=np.append(self._by_frequency, n_classes + np.arange(len(places))),
                _asked=n_classes + places,
            )
        return model, values
