"""Base class of all next-event models: catalogue, predictions, ranked lists and scores."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import check_flag, fit_context
from skbseq._next_event._diversity import read_diversity
from skbseq._next_event._each import EachEventMixin
from skbseq._next_event._histories import learn_histories, read_histories, repeats
from skbseq._next_event._ranked_lists import (
    SCORE,
    rank,
    read_candidates,
    read_choice,
    table_of_lists,
)
from skbseq._state import FillsParameters, all_or_nothing
from skbseq._targets import (
    check_is_histories,
    rows_at_a_time,
    split_target,
    to_ids,
    true_index,
)
from skbseq.metrics import hold_out_last, true_ranks


class BaseNextEvent(EachEventMixin, FillsParameters, ClassifierMixin, BaseEstimator):
    """Base class for models that predict the next value of one channel of raw sequence frames.

    A subclass gives ``_learn(histories)``, which learns from the :class:`Histories` of the
    training samples, and ``_scores(histories)``: an ndarray of float64 of shape (n_samples,
    n_classes), never negative and not zero throughout a row. It is asked for some rows at a time.
    One that reads more than the target gives ``_read(X)`` too, whose result has a length, what
    :class:`Histories` has, and ``slice``.

    Within, ids are codes of a catalogue that has the most frequent one first, and so are the
    columns of scores. That is the order in which ties stand, so the first of equal scores is the
    one to take; to sort the columns of a large catalogue again for each row would cost more than
    all the rest.
    """

    _parameter_constraints = {"target": [str, None]}
    # Whether it gives ``_scores_with(histories, more)`` too: scores of all classes, and of
    # ``more`` ids without events, whose codes follow those of the classes, also in histories.
    _reads_new = False

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Fit the model to predict every event of every history from the events before it.

        Parameters
        ----------
        X : sequence frame
            Histories, oldest event first.
        y : array-like of shape (n_samples,), default=None
            The next event after each history, learned as well; None or NaN if there was none.

        Returns
        -------
        estimator
            The fitted model itself.

        Raises
        ------
        SequenceFrameError
            If the target does not exist, cannot be determined, or holds no ids.
        ValueError
            If no history holds an event, or y does not fit the histories.
        """
        with all_or_nothing(self):
            vars(self).pop("feature_names_in_", None)
            columns, self.target_ = split_target(X, self.target)
            names = _frames.all_names(X)
            self.n_features_in_ = len(names)
            if _frames.is_frame(X):
                self.feature_names_in_ = np.array(names, dtype=object)
            histories, ids, self.class_count_, self._by_frequency = learn_histories(
                columns, self.target_, y
            )
            self.classes_ = to_ids(ids)
            self._learn(histories)
        return self

    def predict(self, X):
        """Predict the most probable next id.

        Parameters
        ----------
        X : sequence frame
            Histories. Only the target column is read.

        Returns
        -------
        ndarray of shape (n_samples,)
            Ids from ``classes_``. Ties are resolved by frequency in ``fit``, then by the order of
            ``classes_``.

        Raises
        ------
        SequenceFrameError
            If X is not a sequence frame, or lacks the target.
        ValueError
            If the values of the target have another type than in ``fit``.
        """
        best = self._likeliest(X)
        return self._catalogue()[best]

    def predict_proba(self, X):
        """Predict the probability of each id to be the next.

        For a large catalogue, use :meth:`predict_top_k`, which needs no column per id.

        Parameters
        ----------
        X : sequence frame
            Histories. Only the target column is read.

        Returns
        -------
        ndarray of float64 of shape (n_samples, n_classes)
            Rows sum to 1. Columns are in the order of ``classes_``.

        Raises
        ------
        SequenceFrameError
            If X is not a sequence frame, or lacks the target.
        ValueError
            If the values of the target have another type than in ``fit``.
        """
        check_is_fitted(self)
        columns = np.argsort(self._by_frequency)
        parts = [scores[:, columns] for _, scores in self._score_chunks(X)]
        return np.concatenate([np.zeros((0, len(columns))), *parts])

    def predict_top_k(
        self,
        X,
        k=10,
        exclude_seen=False,
        candidates=None,
        unknown_candidates="warn",
        diversity=0.0,
        categories=None,
    ):
        """Predict the k most probable next ids of each row.

        Parameters
        ----------
        X : sequence frame
            Histories. Only the target column is read.
        k : int, default=10
            Length of the lists.
        exclude_seen : bool, default=False
            Leave out ids of the row's own history. Lists may then be shorter than k, or empty.
        candidates : array-like or list of array-like, default=None
            Ids to choose from, such as products in stock. A list of ids for each row, such as the
            products of the customer's region, may be a list of lists, a list column or a table
            with one list column; lists may be shorter than k. For a
            :class:`~skbseq.NextBehaviorPredictor` with ``item_features`` also a table of products,
            with ids in a column named after the target. None: all of ``classes_``.
        unknown_candidates : {"warn", "error"}, default="warn"
            How to handle candidates not seen in ``fit``, such as new products. "warn": leave them
            out with a warning; lists may then be shorter than k. "error": raise an error.
        diversity : float, default=0.0
            Between 0 and 1: how much an id loses if it is like one that is higher up in the list.
            See Notes.
        categories : dict, Series or table, default=None
            By which ids are alike: a dict from ids to categories, a pandas Series with ids as its
            index, or a table with ids in a column named after the target and categories in one or
            more others. An id without a category is like no other.

        Returns
        -------
        table of shape (n_samples, 2)
            From the same library as ``X`` (pandas for a list or an array), one row per row of
            ``X``. It has two list columns: ids, most probable first, in a column named after the
            target, and ``score``, their probabilities among all of ``classes_``. Ties are ordered
            as in :meth:`predict`. With ``diversity``, ids are in the order of choice, and their
            probabilities need not descend.

        Raises
        ------
        ValueError
            If no candidate was seen in ``fit``, or, with ``unknown_candidates="error"``, any was
            not; if there is no candidate; if there are lists for rows, but not one for each; if k
            is less than 1 or larger than the number of ids to choose from; or if ``exclude_seen``
            is not a boolean. If ``diversity`` is not between 0 and 1 or lacks ``categories``, or
            these describe none of the ids, or one twice.
        SequenceFrameError
            If X is not a sequence frame, or lacks the target.

        Notes
        -----
        With a diversity of :math:`\\delta`, lists are made by maximal marginal relevance [1]_.
        The next id of a list is the one with the largest

        .. math::

            (1 - \\delta) \\, p_i / p_{\\max} - \\delta \\max_{j \\text{ in the list}} s_{ij}

        where :math:`p_{\\max}` is the largest probability of the row and :math:`s_{ij}` the share
        of the columns of categories in which :math:`i` and :math:`j` are equal. It is chosen among
        the 200 most probable ids, or the :math:`5 k` most probable if these are more.

        References
        ----------
        .. [1] Carbonell, J. and Goldstein, J. (1998). The use of MMR, diversity-based reranking
           for reordering documents and producing summaries. SIGIR.
        """
        check_is_fitted(self)
        if self.target_ == SCORE:
            raise ValueError(
                f"The target is named {SCORE!r}, as the column of probabilities is. Rename it "
                "before fit."
            )
        check_flag("exclude_seen", exclude_seen)
        check_is_histories(X)
        model, values = self._knowing(candidates)
        catalogue = model._catalogue()
        choice = read_choice(
            values, catalogue, _frames.n_rows(X), unknown_candidates, len(self.classes_)
        )
        k = choice.check_k(k, len(catalogue))
        diverse = read_diversity(diversity, categories, self.target_, catalogue)
        make_lists = rank if diverse is None else diverse.rank
        seen, parts, start = model._seen(X) if exclude_seen else None, [], 0
        for histories, scores in model._score_chunks(X):
            if exclude_seen:
                past = seen.slice(start, start + len(histories))
                scores[past.rows, past.codes] = -1
            parts.append(make_lists(*choice.narrow(scores, start), k))
            start += len(histories)
        return table_of_lists(parts, self.target_, catalogue, like=X)

    def score(self, X, y=None):
        """Accuracy: the share of rows whose next id is predicted correctly.

        Parameters
        ----------
        X : sequence frame
            Histories.
        y : array-like of shape (n_samples,), default=None
            True next ids. Ids not seen in ``fit`` count as misses. None: the last event of each
            history is held out and predicted from the events before it; rows without events are
            left out.

        Returns
        -------
        float
            Between 0 and 1.

        Raises
        ------
        SequenceFrameError
            If X is not a sequence frame, or lacks the target.
        ValueError
            If y does not fit X, or its values are not ids like those in ``fit``.
        """
        X, index = self._with_truth(X, y)
        return float((self._likeliest(X) == index).mean())

    def true_ranks(self, X, y=None, exclude_seen=False):
        """Compute the rank of the true next id of each row in the full catalogue.

        Parameters
        ----------
        X : sequence frame
            Histories.
        y : array-like of shape (n_samples,), default=None
            True next ids. None: the last event of each history is held out and predicted from the
            events before it; rows without events are left out.
        exclude_seen : bool, default=False
            Whether the ids of each row's own history are left out, as by :meth:`predict_top_k`.
            The rank of a true id that the history holds is then infinite.

        Returns
        -------
        ndarray of float64 of shape (n_samples, 2)
            First and last possible rank, which differ for ties; infinite for ids not seen in
            ``fit``. See :func:`skbseq.metrics.true_ranks`.

        Raises
        ------
        SequenceFrameError
            If X is not a sequence frame, or lacks the target.
        ValueError
            If y does not fit X, its values are not ids like those in ``fit``, or exclude_seen is
            not a boolean.
        """
        check_flag("exclude_seen", exclude_seen)
        X, index = self._with_truth(X, y)
        seen = self._seen(X) if exclude_seen else None
        if exclude_seen:
            index = np.where(repeats(seen, index), -1, index)
        parts, start = [np.zeros((0, 2))], 0
        for histories, scores in self._score_chunks(X):
            stop = start + len(histories)
            if exclude_seen:
                part = seen.slice(start, stop)
                scores[part.rows, part.codes] = -1
            parts.append(true_ranks(scores, index[start:stop]))
            start = stop
        return np.concatenate(parts)

    # -------------------------------------------------------------- within

    def _take_from(self, catalogue):
        """Take over what a fit learns first: the catalogue of another model."""
        names = ("target_", "classes_", "class_count_", "_by_frequency", "n_features_in_")
        vars(self).update({name: getattr(catalogue, name) for name in names})

    def _read(self, X):
        """What the scores are made of: here the histories of the target alone."""
        return self._seen(X)

    def _seen(self, X):
        """Whole histories of X in the codes of the catalogue."""
        columns, _ = split_target(X, self.target_)
        return read_histories(columns, self.target_, self._catalogue())

    def _catalogue(self):
        """All ids, the most frequent first."""
        return self.classes_[self._by_frequency]

    def _knowing(self, candidates):
        """A model whose catalogue holds the candidates, as far as it can, and their values."""
        return self, None if candidates is None else read_candidates(candidates)

    def _score_chunks(self, X):
        """Pairs of histories and their probabilities, some rows at a time."""
        check_is_fitted(self)
        histories = self._read(X)
        step = rows_at_a_time(len(self.classes_))
        for start in range(0, len(histories), step):
            part = histories.slice(start, min(start + step, len(histories)))
            scores = self._scores(part)
            # Of the ids seen at fit: those that candidates add to the catalogue change no other.
            scores /= scores[:, : len(self.class_count_)].sum(axis=1, keepdims=True)
            yield part, scores

    def _with_truth(self, X, y):
        """X, and the true next event of each row as a code of the catalogue, or -1."""
        check_is_fitted(self)
        check_is_histories(X)
        if y is None:
            X, y = hold_out_last(X, self.target_, basket=self._basket)
        return X, true_index(y, _frames.n_rows(X), self._catalogue())

    def _likeliest(self, X):
        check_is_fitted(self)
        best = [scores.argmax(axis=1) for _, scores in self._score_chunks(X)]
        return np.concatenate([np.zeros(0, np.int64), *best])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.target_tags.required = False
        return tags
