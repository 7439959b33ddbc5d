"""Base class of all next-event models: catalogue, predictions, ranked lists and scores."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import check_flag, fit_context, is_whole, shown
from skbseq._next_event._each import SCORE, EachEventMixin
from skbseq._next_event._histories import learn_histories, read_histories, repeats
from skbseq._sequences import offsets_of
from skbseq._state import FillsParameters, all_or_nothing
from skbseq._targets import (
    check_is_histories,
    index_in_classes,
    read_ids,
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
        self, X, k=10, exclude_seen=False, candidates=None, unknown_candidates="warn"
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
        candidates : array-like, default=None
            Ids to choose from, such as products in stock. None: all of ``classes_``.
        unknown_candidates : {"warn", "error"}, default="warn"
            How to handle candidates not seen in ``fit``, such as new products. "warn": leave them
            out with a warning; lists may then be shorter than k. "error": raise an error.

        Returns
        -------
        table of shape (n_samples, 2)
            From the same library as ``X`` (pandas for a list or an array), one row per row of
            ``X``. It has two list columns: ids, most probable first, in a column named after the
            target, and ``score``, their probabilities among all of ``classes_``. Ties are ordered
            as in :meth:`predict`.

        Raises
        ------
        ValueError
            If no candidate was seen in ``fit``, or, with ``unknown_candidates="error"``, any was
            not; if there is no candidate; if k is less than 1 or larger than the number of ids to
            choose from; or if ``exclude_seen`` is not a boolean.
        SequenceFrameError
            If X is not a sequence frame, or lacks the target.
        """
        check_is_fitted(self)
        if self.target_ == SCORE:
            raise ValueError(
                f"The target is named {SCORE!r}, as the column of probabilities is. Rename it "
                "before fit."
            )
        check_flag("exclude_seen", exclude_seen)
        columns, n_choices = self._choose(candidates, unknown_candidates)
        _check_k(k, n_choices, candidates)
        # Candidates that are unknown leave lists shorter than k.
        k = k if columns is None else min(k, len(columns))
        lengths, ids, kept = [np.zeros(0, int)], [np.zeros(0, int)], [np.zeros(0)]
        seen, start = self._seen(X) if exclude_seen else None, 0
        for histories, scores in self._score_chunks(X):
            stop = start + len(histories)
            if exclude_seen:
                past = seen.slice(start, stop)
                scores[past.rows, past.codes] = -1
            start = stop
            rows, places, best = top_k(scores if columns is None else scores[:, columns], k)
            allowed = best >= 0
            lengths.append(np.bincount(rows[allowed], minlength=len(scores)))
            places = places[allowed]
            ids.append(places if columns is None else columns[places])
            kept.append(best[allowed])
        offsets = offsets_of(np.concatenate(lengths))
        values = {
            self.target_: _frames.make_array(self._catalogue()[np.concatenate(ids)]),
            SCORE: _frames.make_array(np.concatenate(kept)),
        }
        lists = {name: _frames.Lists(column, offsets) for name, column in values.items()}
        return _frames.build_frame(lists, like=X)

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

    def _score_chunks(self, X):
        """Pairs of histories and their probabilities, some rows at a time."""
        check_is_fitted(self)
        histories = self._read(X)
        step = rows_at_a_time(len(self.classes_))
        for start in range(0, len(histories), step):
            part = histories.slice(start, min(start + step, len(histories)))
            scores = self._scores(part)
            scores /= scores.sum(axis=1, keepdims=True)
            yield part, scores

    def _with_truth(self, X, y):
        """X, and the true next event of each row as a code of the catalogue, or -1."""
        check_is_fitted(self)
        check_is_histories(X)
        if y is None:
            X, y = hold_out_last(X, self.target_)
        return X, true_index(y, _frames.n_rows(X), self._catalogue())

    def _likeliest(self, X):
        check_is_fitted(self)
        best = [scores.argmax(axis=1) for _, scores in self._score_chunks(X)]
        return np.concatenate([np.zeros(0, np.int64), *best])

    def _choose(self, candidates, unknown):
        """Codes of the candidates in ascending order, and the number of distinct candidates.

        None instead of the codes means all of the catalogue.
        """
        if unknown not in ("warn", "error"):
            raise ValueError(f"unknown_candidates must be 'warn' or 'error'; got {unknown!r}.")
        if candidates is None:
            return None, len(self.classes_)
        values = read_ids(candidates, "candidates")
        if not len(values):
            raise ValueError("candidates is empty. Name at least one id, or None for all.")
        found = index_in_classes(values, self._catalogue(), "candidates")
        lost = 0
        if (found < 0).any():
            lost = self._leave_out(values, found < 0, unknown)
        known = np.unique(found[found >= 0])
        return known, len(known) + lost

    def _leave_out(self, values, unseen, unknown):
        """Warn of candidates that were never seen, or refuse them; how many distinct ones."""
        _, distinct = _frames.encode(_frames.take(values, np.flatnonzero(unseen)))
        has_null = bool(_frames.is_missing(values)[unseen].any())
        unknown_ids = [None] * has_null + distinct.to_pylist()
        named = ", ".join(map(repr, unknown_ids[:5]))
        if len(unknown_ids) > 5:
            named += f" and {len(unknown_ids) - 5:,} more"
        n_known = len(self.classes_)
        said = (
            f"{len(unknown_ids):,} of the candidates {'was' if len(unknown_ids) == 1 else 'were'} "
            f"never seen at fit: {named}."
        )
        if unseen.all():
            raise ValueError(
                f"{said} No candidate is left. Give ids of classes_, which holds the {n_known:,} "
                "ids that were seen, or fit on histories that hold the candidates."
            )
        if unknown == "error":
            raise ValueError(
                f"{said} Leave them out (classes_ holds the {n_known:,} ids that were seen), or "
                "pass unknown_candidates='warn'."
            )
        warnings.warn(
            f"{said} They are left out, because nothing is known of them. Fit on histories that "
            "hold them, or pass unknown_candidates='error' to refuse them.",
            UserWarning,
            stacklevel=4,
        )
        return len(unknown_ids)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.target_tags.required = False
        return tags


def _check_k(k, n_choices, candidates):
    if not is_whole(k) or k < 1:
        raise ValueError(f"k must be an integer of at least 1; got {shown(k)}.")
    if k > n_choices:
        what = "ids were seen at fit" if candidates is None else "distinct candidates were given"
        raise ValueError(
            f"k={k} is too large: only {n_choices:,} {what}. Ask for at most so many."
        )


def top_k(scores, k):
    """The k largest of each row, the first of equal ones.

    Returns
    -------
    rows, columns : ndarray of int64 of shape (n_samples * k,)
    best : ndarray of shape (n_samples * k,)
        Descending within each row.
    """
    least = np.partition(scores, scores.shape[1] - k, axis=1)[:, -k, None]
    rows, columns = np.nonzero(scores >= least)
    best = scores[rows, columns]
    # Stable, so that of equal scores the first column stays first.
    order = np.lexsort((-best, rows))
    begins = np.searchsorted(rows, np.arange(len(scores)))  # rows ascend before and after
    order = order[(begins[:, None] + np.arange(k)).ravel()]
    return rows[order], columns[order], best[order]
