"""ConformalClassifier: prediction sets with guaranteed coverage."""

import math
from numbers import Integral

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedKFold, check_cv
from sklearn.utils import get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    check_is_data,
    check_method_params,
    check_y,
    fit_context,
    is_several,
    shown,
)
from skbseq._labels import read_label_table, read_labels
from skbseq._state import FillsParameters, all_or_nothing

# (n + 1) * 0.9 may come out a little above the whole number that it is.
_ROUNDING = 1e-9


class ConformalClassifier(FillsParameters, ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Turn a classifier's probabilities into prediction sets with guaranteed coverage.

    Some samples are held out from training. Comparing the classifier's probabilities for them
    with the true classes shows how low the probability of a class may be for the class to belong
    to the set. With ``confidence_level=0.9``, at least 90% of the sets of new samples contain the
    true class, however good the classifier is; a worse classifier gives larger sets.

    Parameters
    ----------
    estimator : estimator
        A classifier with ``predict_proba``, such as a pipeline that ends in one. A
        ``sklearn.frozen.FrozenEstimator`` is not trained, and all samples are used for
        calibration.
    confidence_level : float, default=0.9
        Required share of sets that contain the true class, above 0 and below 1.
    method : {"lac", "aps"}, default="lac"
        "lac" gives the smallest sets on average; some may be empty. "aps" adds classes in order
        of decreasing probability, which makes the sets of difficult samples larger and those of
        easy samples smaller.
    by_class : bool, default=False
        Whether to guarantee the coverage for each class separately. The sets become larger, and
        each class needs enough calibration samples.
    cv : int, splitter or iterable, default=5
        How to choose the calibration samples: the test set of the last split. The classifier is
        fitted on its training set. An int n holds out one n-th of the samples, shuffled and
        stratified; None is 5. :class:`~skbseq.model_selection.UserKFold` keeps the samples of a
        user together. :class:`~skbseq.model_selection.CutoffSplit` calibrates on the latest
        samples.
    random_state : int, RandomState instance or None, default=None
        Seed for shuffling the samples, if ``cv`` is an int.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        Labels of ``estimator_``.
    thresholds_ : ndarray of float of shape (n_classes,)
        Largest score with which each class belongs to the set.
    n_calibration_ : int
        Number of calibration samples.
    n_features_in_ : int
        As ``estimator_`` has it, if it has.
    feature_names_in_ : ndarray of str
        As ``estimator_`` has it, if it has.

    Raises
    ------
    ValueError
        If a parameter is not valid, y has only one class, there are too few calibration samples
        for the confidence level, or they hold a label unknown to the classifier.
    TypeError
        If fit parameters are passed for a frozen estimator.

    See Also
    --------
    sklearn.calibration.CalibratedClassifierCV : Calibrates the probabilities.
    skbseq.inspection.expected_calibration_error : Measures their calibration error.

    Notes
    -----
    This is split conformal prediction [1]_. With :math:`n` calibration samples, score :math:`s`
    and confidence :math:`1 - \\alpha` a class :math:`k` belongs to the set of :math:`x` if

    .. math::

        s(x, k) \\le \\hat q, \\quad
        \\hat q = \\text{the } \\lceil (n + 1)(1 - \\alpha) \\rceil \\text{-th smallest of }
        s(x_1, y_1), \\dots, s(x_n, y_n)

    If calibration and new samples are exchangeable,

    .. math:: 1 - \\alpha \\le P(y \\in C(x)) \\le 1 - \\alpha + \\frac{1}{n + 1},

    where the upper bound holds if no two scores are equal. This is the average over calibration
    sets; for a single one, the coverage varies by about :math:`\\sqrt{\\alpha (1 - \\alpha) /
    n}`. Several samples of one user are not exchangeable, nor are samples from before and after a
    change in behaviour.

    With :math:`\\hat p_{(1)} \\ge \\hat p_{(2)} \\ge \\dots` and :math:`r` the rank of the class,
    the scores are

    - "lac" [2]_: :math:`s = 1 - \\hat p_k`.
    - "aps" [3]_: :math:`s = \\hat p_{(1)} + \\dots + \\hat p_{(r - 1)} + u \\hat p_{(r)}`. Here
      :math:`u` is not drawn, but made of the digits of :math:`\\hat p_{(1)}` from the fifth on:
      the guarantee holds for any function of the sample, and so a sample has the same set each
      time, alone and among others.

    ``sample_weight`` and other fit parameters are passed to the classifier, restricted to its
    training samples. Every calibration sample has weight one.

    References
    ----------
    .. [1] Vovk, Gammerman, Shafer (2005). *Algorithmic Learning in a Random World*. Springer.
    .. [2] Sadinle, Lei, Wasserman (2019). Least ambiguous set-valued classifiers with bounded
       error levels. Journal of the American Statistical Association 114(525).
    .. [3] Romano, Sesia, Candès (2020). Classification with valid and adaptive coverage. NeurIPS.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import ConformalClassifier, SequenceVectorizer
    >>> X = pd.DataFrame({"what": [["view", "cart"], ["view"], ["view", "view"]] * 40})
    >>> y = ["buys", "leaves", "leaves"] * 40
    >>> model = make_pipeline(SequenceVectorizer(), LogisticRegression())
    >>> conformal = ConformalClassifier(model, random_state=0).fit(X, y)
    >>> conformal.classes_.tolist()
    ['buys', 'leaves']
    >>> conformal.predict_set(X[:2]).tolist()
    [[True, False], [False, True]]
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "confidence_level": [Interval(RealNotInt, 0, 1, closed="neither")],
        "method": [StrOptions({"lac", "aps"})],
        "by_class": ["boolean"],
        "cv": ["cv_object"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator,
        *,
        confidence_level=0.9,
        method="lac",
        by_class=False,
        cv=5,
        random_state=None,
    ):
        self.estimator = estimator
        self.confidence_level = confidence_level
        self.method = method
        self.by_class = by_class
        self.cv = cv
        self.random_state = random_state

    # The estimator checks its own parameters when it is fitted.
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **fit_params):
        """Fit the classifier on some of the samples, and calibrate it on the others.

        Parameters
        ----------
        X : sequence frame, or whatever the estimator takes
            Samples.
        y : array-like of shape (n_samples,)
            Labels.
        **fit_params : dict
            Parameters for the ``fit`` of the estimator, such as ``sample_weight``; with
            scikit-learn's metadata routing also for ``split`` of the splitter.

        Returns
        -------
        ConformalClassifier
            The fitted classifier itself.

        Raises
        ------
        ValueError
            If y holds no labels of at least two classes or does not fit X, or ``cv`` does not
            split the samples or leaves too few to calibrate.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value; or if
            a frozen estimator gets fit parameters.
        """
        with all_or_nothing(self):
            check_is_data(X)
            if (several := read_label_table(y)) is not None:
                raise ValueError(
                    f"y has {several[0].shape[1]} columns; a set is of the classes of one label. "
                    "Fit one ConformalClassifier for each column."
                )
            y = check_y(read_labels(y), estimator=self)
            check_classification_targets(y)
            X, y = indexable(X, y)
            if isinstance(self.estimator, FrozenEstimator):
                calibration = self._keep_frozen(X, y, fit_params)
            else:
                calibration = self._fit_on_some(X, y, fit_params)
            self._calibrate(*calibration)
            for name in ("n_features_in_", "feature_names_in_"):
                vars(self).pop(name, None)
                if hasattr(self.estimator_, name):
                    setattr(self, name, getattr(self.estimator_, name))
        return self

    def _keep_frozen(self, X, y, fit_params):
        if fit_params:
            raise TypeError(
                f"A frozen estimator is not trained, and has no use for {', '.join(fit_params)}. "
                "Leave it out, or thaw the estimator."
            )
        check_is_fitted(self.estimator)
        self._check_enough(y)
        self.estimator_ = self.estimator
        return X, y

    def _fit_on_some(self, X, y, fit_params):
        if len(np.unique(y)) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes; the labels hold one "
                f"class only: {np.unique(y).tolist()}."
            )
        fit_params, split_params = self._route(fit_params)
        train, calibration = self._split(X, y, split_params)
        self._check_enough(y[calibration])  # before the training, which may take hours
        fit_params = check_method_params(X, fit_params, indices=train)
        self.estimator_ = clone(self.estimator).fit(_rows(X, train), y[train], **fit_params)
        return _rows(X, calibration), y[calibration]

    def _route(self, fit_params):
        if not get_config()["enable_metadata_routing"]:
            return fit_params, {}
        routed = process_routing(self, "fit", **fit_params)
        return routed.estimator.fit, routed.splitter.split

    def _split(self, X, y, split_params):
        cv = 5 if self.cv is None else self.cv
        if isinstance(cv, Integral):
            cv = StratifiedKFold(cv, shuffle=True, random_state=self.random_state)
        cv = check_cv(cv, y, classifier=True)
        pairs = getattr(cv, "cv", None)  # of scikit-learn's splitter of a list of splits
        for pair in pairs if isinstance(pairs, list) else ():
            if not is_several(pair) or len(pair) != 2:
                self._refuse_splits(f"{shown(pair)} is not a pair")
        try:
            splits = list(cv.split(X, y, **split_params))
            rows = [np.arange(len(y))[part] for part in splits[-1]] if splits else []
        except (IndexError, TypeError) as error:
            self._refuse_splits(error)
        if not splits:
            raise ValueError(f"cv={self.cv!r} gives no split; the last one's test set calibrates.")
        return rows

    def _refuse_splits(self, why):
        raise ValueError(
            f"cv={shown(self.cv)} does not split the samples: {why}. Give a number of folds, a "
            "splitter, or pairs of the rows to train on and of those to calibrate on."
        )

    def _check_enough(self, y):
        """Refuse too few calibration samples: only sets of all classes would have the coverage."""
        labels, counts = np.unique(y, return_counts=True)
        groups = zip(labels.tolist(), counts, strict=True) if self.by_class else [(None, len(y))]
        for label, n in groups:
            if _rank(n, self.confidence_level) > n:
                whose = f" of class {label!r}" if self.by_class else ""
                level = self.confidence_level
                odds = level / (1 - level)
                raise ValueError(
                    f"Samples{whose} that calibrate: {n}; confidence_level={level} "
                    f"needs at least {math.ceil(odds - _ROUNDING)}{whose}. Give more samples, "
                    "hold out more of them (a smaller cv), or lower the level."
                )

    # -------------------------------------------------------------- calibration

    def _calibrate(self, X, y):
        unseen = np.setdiff1d(y, self.classes_)
        if unseen.size:
            raise ValueError(
                f"The calibration samples hold the label {unseen.tolist()[0]!r}, which is not "
                f"among the classes that the estimator was trained on, {self.classes_.tolist()}."
            )
        codes = np.searchsorted(self.classes_, y)
        scores = self._scores(X)[np.arange(len(y)), codes]
        self.n_calibration_ = len(y)
        if self.by_class:
            self.thresholds_ = self._thresholds_by_class(scores, codes)
        else:
            self.thresholds_ = np.full(len(self.classes_), self._threshold(scores))

    def _thresholds_by_class(self, scores, codes):
        groups = [scores[codes == code] for code in range(len(self.classes_))]
        for label, group in zip(self.classes_.tolist(), groups, strict=True):
            if group.size == 0:
                raise ValueError(
                    f"No sample of class {label!r} calibrates, which by_class=True needs. Give "
                    "more samples, or a cv that holds some of each class out."
                )
        return np.array([self._threshold(group) for group in groups])

    def _threshold(self, scores):
        rank = _rank(len(scores), self.confidence_level)
        return np.partition(scores, rank - 1)[rank - 1]

    def _scores(self, X):
        """How badly each class conforms to each sample, of shape (n_samples, n_classes)."""
        probability = np.asarray(self.estimator_.predict_proba(X), np.float64)
        bad = ~np.isfinite(probability).all(axis=1)
        if bad.any():
            raise ValueError(
                f"The estimator gave row {int(np.argmax(bad))} the probabilities "
                f"{probability[np.argmax(bad)].tolist()}. Fix the estimator; its training may "
                "have diverged."
            )
        return 1 - probability if self.method == "lac" else _adaptive_scores(probability)

    # -------------------------------------------------------------- prediction

    def predict_set(self, X):
        """Predict a set of classes for each sample.

        Parameters
        ----------
        X : sequence frame, or whatever the estimator takes
            Samples.

        Returns
        -------
        ndarray of bool of shape (n_samples, n_classes)
            Whether each class belongs to the set; columns in the order of ``classes_``. A row
            without any True is an empty set: no class conforms to the sample.
        """
        check_is_fitted(self)
        return self._scores(X) <= self.thresholds_

    def predict_proba(self, X):
        """Predict the probability of each class with the fitted classifier.

        Parameters
        ----------
        X : sequence frame, or whatever the estimator takes
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    def predict(self, X):
        """Predict the most probable class with the fitted classifier.

        Parameters
        ----------
        X : sequence frame, or whatever the estimator takes
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels as in ``classes_``.
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @property
    def classes_(self):
        """Labels of the fitted classifier."""
        return self.estimator_.classes_

    # -------------------------------------------------------------- scikit-learn's side

    def get_metadata_routing(self):
        """Routing of the fit parameters.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            To the ``fit`` of the estimator and the ``split`` of the splitter.
        """
        to_fit = MethodMapping().add(caller="fit", callee="fit")
        to_split = MethodMapping().add(caller="fit", callee="split")
        router = MetadataRouter(owner=type(self).__name__)
        router.add(estimator=self.estimator, method_mapping=to_fit)
        return router.add(splitter=self.cv, method_mapping=to_split)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "thresholds_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags


def _rank(n, level):
    """Rank of the quantile among n scores, n + 1 where they are too few."""
    return max(math.ceil((n + 1) * level - _ROUNDING), 1)


def _adaptive_scores(probability):
    """Probability of the classes before each one, most probable first, and a part of its own."""
    order = np.argsort(-probability, axis=1, kind="stable")
    ordered = np.take_along_axis(probability, order, axis=1)
    lot = ordered[:, :1] * 1e4 % 1
    scores = np.empty_like(ordered)
    cumulated = np.cumsum(ordered, axis=1) - (1 - lot) * ordered
    np.put_along_axis(scores, order, cumulated, axis=1)
    return scores


def _rows(X, rows):
    """Some samples of a table, an array, a sparse matrix or a list."""
    if isinstance(X, list):
        return [X[row] for row in rows]
    return _frames.pick_rows(X, rows) if _frames.is_frame(X) else X[rows]
