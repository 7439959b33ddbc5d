"""compare_models: whether models differ beyond the chance of splits and seeds."""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv, cross_validate
from sklearn.utils.validation import check_consistent_length

from skbseq import _frames
from skbseq._checks import (
    check_choice,
    check_count,
    check_random_state,
    is_real,
    is_several,
    is_whole,
    shown,
)
from skbseq.association._statistics import holm
from skbseq.inspection._comparison_bootstrap import (
    draw_users,
    mean_of_draws,
    percentile_interval,
    score_draws,
    user_codes,
)

__all__ = ["ModelComparison", "compare_models"]

_LARGEST_SEED = 2**32 - 1


@dataclass(eq=False, repr=False, kw_only=True)
class ModelComparison:
    """Scores of several models on the same splits, made by :func:`compare_models`.

    Parameters
    ----------
    names : list of str
        Names of the models.
    scores : ndarray of float of shape (n_models, n_splits, n_seeds)
        Score of each fit. A model without ``random_state`` is fitted once per split; its score
        stands for all seeds.
    n_fits : list of int
        Number of fits of each model.
    test_ratio : float
        Number of test samples divided by that of training samples, the mean of all splits.
    score_name : str
        Name of the score.
    reference : str
        Name of the model that the others are compared with.
    seeds : list of int or list of None
        The seeds.
    level : float, default=0.95
        Level of the intervals.
    draws : ndarray of float of shape (n_models, n_draws), default=None
        Mean score of each model on each draw of users. Intervals and p-values are those of these
        draws. None: those of the corrected t test.

    See Also
    --------
    compare_models : Fits the models and measures the scores.

    Examples
    --------
    >>> import numpy as np
    >>> from skbseq.inspection import ModelComparison
    >>> comparison = ModelComparison(
    ...     names=["boosting", "lstm"],
    ...     scores=np.array([[[0.70], [0.72], [0.71]], [[0.73], [0.76], [0.74]]]),
    ...     n_fits=[3, 3],
    ...     test_ratio=0.5,
    ...     score_name="roc_auc",
    ...     reference="boosting",
    ...     seeds=[0],
    ... )
    >>> comparison.frame()[["model", "mean", "difference", "p_value"]].round(3)
          model   mean  difference  p_value
    0  boosting  0.710         NaN      NaN
    1      lstm  0.743       0.033    0.024
    """

    names: list
    scores: np.ndarray
    n_fits: list
    test_ratio: float
    score_name: str
    reference: str
    seeds: list
    level: float = 0.95
    draws: np.ndarray = None

    def frame(self, library="pandas"):
        """Means, intervals and paired differences as a table.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default="pandas"
            Library of the table.

        Returns
        -------
        table of ``library``
            One row per model: ``model``, ``mean``, ``low`` and ``high`` (interval of the mean),
            ``seed_std`` (standard deviation over the seeds of a split; NaN for a single fit),
            ``n_fits``, ``difference`` (from the reference), ``difference_low``,
            ``difference_high``, ``p_value`` and ``p_holm`` (NaN for the reference).

        Raises
        ------
        ValueError
            If there is no library of this name.
        """
        check_choice("library", library, ("pandas", "polars", "pyarrow"))
        return _frames.frame_from_columns(self._columns(), like=library)

    def details(self, library="pandas"):
        """The score of each fit as a table.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default="pandas"
            Library of the table.

        Returns
        -------
        table of ``library``
            Columns ``model``, ``split``, ``seed`` (missing if none was set) and ``score``.

        Raises
        ------
        ValueError
            If there is no library of this name.
        """
        check_choice("library", library, ("pandas", "polars", "pyarrow"))
        rows = [
            (name, split, seed, float(self.scores[i, split, k]))
            for i, name in enumerate(self.names)
            for split in range(self.scores.shape[1])
            for k, seed in enumerate(self._own_seeds(i))
        ]
        columns = dict(
            zip(("model", "split", "seed", "score"), zip(*rows, strict=True), strict=True)
        )
        return _frames.frame_from_columns(
            {name: list(values) for name, values in columns.items()}, like=library
        )

    def __str__(self):
        """One line: the score of each model, and its difference from the reference."""
        columns = self._columns()
        parts = []
        for i, name in enumerate(self.names):
            mean, low, high = (columns[key][i] for key in ("mean", "low", "high"))
            part = f"{name} {mean:.3f} [{low:.3f}, {high:.3f}]"
            if name != self.reference:
                part += f" ({columns['difference'][i]:+.3f}, {_p_text(columns['p_holm'][i])})"
            parts.append(part)
        n_splits, n_seeds = self.scores.shape[1:]
        times = f" x {n_seeds} seeds" if n_seeds > 1 else ""
        drawn = "" if self.draws is None else ", bootstrap by user"
        head = f"{self.score_name}, {n_splits} splits{times}{drawn}, against {self.reference}"
        return f"{head}: {'; '.join(parts)}"

    def __repr__(self):
        return f"<ModelComparison: {self}>"

    def _own_seeds(self, i):
        """The seeds of a model, or a single missing one if it has none."""
        has_seed = self.n_fits[i] == self.scores[i].size and self.seeds[0] is not None
        return self.seeds if has_seed else [None]

    def _columns(self):
        place = self.names.index(self.reference)
        (means, lows, highs, _), differences = self._intervals(None), self._intervals(place)
        difference, low, high, p_values = (np.array(each) for each in differences)
        for values in (difference, low, high, p_values):
            values[place] = np.nan
        others = np.arange(len(self.names)) != place
        p_holm = np.full(len(self.names), np.nan)
        p_holm[others] = holm(p_values[others])
        return {
            "model": list(self.names),
            "mean": means,
            "low": lows,
            "high": highs,
            "seed_std": self._seed_std(),
            "n_fits": np.array(self.n_fits),
            "difference": difference,
            "difference_low": low,
            "difference_high": high,
            "p_value": p_values,
            "p_holm": p_holm,
        }

    def _intervals(self, place):
        """Means, intervals and p-values of the models, or of their differences from one."""
        of_splits = self.scores.mean(axis=2)
        values = of_splits if place is None else of_splits - of_splits[place]
        if self.draws is None:
            return corrected_t(values, self.test_ratio, self.level)
        draws = self.draws if place is None else self.draws - self.draws[place]
        return values.mean(axis=1), *percentile_interval(draws, self.level)

    def _seed_std(self):
        several = np.array([len(self._own_seeds(i)) > 1 for i in range(len(self.names))])
        result = np.full(len(self.names), np.nan)
        if several.any():
            variances = self.scores[several].var(axis=2, ddof=1)
            result[several] = np.sqrt(variances.mean(axis=1))
        return result


def compare_models(
    models,
    X,
    y,
    *,
    cv=None,
    seeds=None,
    scoring=None,
    reference="first",
    level=0.95,
    groups=None,
    n_jobs=None,
    interval="t",
    users=None,
    n_bootstrap=500,
    random_state=None,
):
    r"""Cross-validate several models on the same splits, and test their differences.

    The folds of a cross-validation share most of their training samples, so the usual t test finds
    differences that are not there. This test corrects the variance for the overlap [1]_.

    Parameters
    ----------
    models : dict of str to estimator, or list of estimator
        Two or more models that take X. They are cloned. The names of a list are those of the
        classes, of the last step for a pipeline.
    X : array-like or sequence frame of shape (n_samples, n_columns)
        Samples.
    y : array-like of shape (n_samples,)
        Labels.
    cv : int, splitter or iterable, default=None
        The splits, as in :func:`sklearn.model_selection.cross_validate`; all models get the same.
        None: five folds, stratified for classifiers. For several samples of a user, use
        :class:`~skbseq.model_selection.CutoffSplit` or
        :class:`~skbseq.model_selection.UserKFold`.
    seeds : int or list of int, default=None
        Each model is fitted once per split and seed, with all its ``random_state`` parameters set
        to the seed, those of its steps included. An int is the number of seeds, from 0 on. None:
        the models keep their ``random_state``. A model without one is fitted once per split.
    scoring : str or callable, default=None
        One score: a name from :func:`sklearn.metrics.get_scorer_names`, or a callable with the
        arguments estimator, X and y. None: the models' own ``score``.
    reference : str, default="first"
        The model that the others are compared with: "first", "best" (highest mean), or a name of
        ``models``.
    level : float, default=0.95
        Level of the intervals.
    groups : array-like of shape (n_samples,), default=None
        Groups for the splitter.
    n_jobs : int, default=None
        Number of splits that are fitted at a time.
    interval : {"t", "bootstrap"}, default="t"
        "t": the corrected t test over the splits. "bootstrap": percentiles over draws of the test
        samples' users. It shows the chance of who is in the test sets and not that of training.
    users : array-like of shape (n_samples,), default=None
        User of each sample, for the bootstrap; all samples of a user are drawn together. None:
        ``groups``, and without those each sample is drawn on its own.
    n_bootstrap : int, default=500
        Number of draws, at least 20.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Returns
    -------
    ModelComparison
        With ``frame()`` and ``details()``; ``print`` writes one line.

    Raises
    ------
    TypeError
        If ``models`` is neither a dict nor a list of estimators.
    ValueError
        If there are fewer than two models or splits, both classifiers and regressors, a parameter
        is not valid, a model cannot be fitted, or a score is not finite.

    See Also
    --------
    sklearn.model_selection.cross_validate : Scores of a single model.

    Notes
    -----
    Let :math:`d_j` be the difference of two models on split :math:`j` of :math:`J`, the mean over
    the seeds, and :math:`\rho` the number of test samples divided by that of training samples.
    Then

    .. math:: t = \frac{\bar d}{\sqrt{(1 / J + \rho) \, s_d^2}}

    is compared with a t distribution of :math:`J - 1` degrees of freedom. Without the correction
    the variance has :math:`1 / J` alone. The intervals of the means use the same variance. More
    seeds reduce the randomness of training in :math:`d_j`; they do not add splits. More splits,
    such as those of ``RepeatedStratifiedKFold``, make the test more sensitive, but :math:`\rho`
    limits how much.

    The bootstrap draws users with replacement, the same for all models and splits, and averages
    the score over splits and seeds. A split on which the score of a draw is undefined, such as ROC
    AUC of one class, is left out of this draw. With :math:`B` draws of a difference, :math:`a` of
    them at or below 0 and :math:`b` at or above, the p-value is
    :math:`2 (1 + \min(a, b)) / (1 + B)`.

    ``p_holm`` is corrected for the number of comparisons by Holm's method. The intervals are not.
    With ``reference="best"`` the same scores select the reference and test it, so that its lead is
    partly luck.

    References
    ----------
    .. [1] Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error. Machine
       Learning, 52(3).

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skbseq.inspection import compare_models
    >>> X, y = make_classification(200, random_state=0)
    >>> models = {"constant": DummyClassifier(), "logistic": LogisticRegression()}
    >>> print(compare_models(models, X, y, scoring="roc_auc"))
    roc_auc, 5 splits, against constant: constant 0.500 [0.500, 0.500];
    logistic 0.965 [0.909, 1.021] (+0.465, p < 0.001)
    """
    models = _read_models(models)
    seeds = _read_seeds(seeds)
    _check_parameters(reference, level, scoring, models)
    check_choice("interval", interval, ("t", "bootstrap"))
    check_count("n_bootstrap", n_bootstrap, least=20, most=100_000)
    check_consistent_length(X, y)
    bootstrap, rng = None, check_random_state(random_state)
    if interval == "bootstrap":
        codes = user_codes(groups if users is None else users, len(y))
        bootstrap = codes, draw_users(codes, n_bootstrap, rng)
    elif users is not None:
        raise ValueError('users is for interval="bootstrap"; pass groups for the splitter.')
    splits = _splits(cv, models, X, y, groups)
    scores, n_fits = np.empty((len(models), len(splits), len(seeds))), []
    drawn = np.empty((*scores.shape, 0 if bootstrap is None else n_bootstrap))
    for i, (name, model) in enumerate(models.items()):
        own = seeds if _seed_names(model) else [None]
        for k, seed in enumerate(own):
            scores[i, :, k], drawn[i, :, k] = _score(
                *(name, model, X, y, splits, seed, scoring, n_jobs, bootstrap)
            )
        scores[i, :, len(own) :] = scores[i, :, :1]
        drawn[i, :, len(own) :] = drawn[i, :, :1]
        n_fits.append(len(splits) * len(own))
    ratio = float(np.mean([len(test) / len(train) for train, test in splits]))
    if reference in ("first", "best") and reference not in models:
        best = int(np.argmax(scores.mean(axis=(1, 2))))
        reference = list(models)[best if reference == "best" else 0]
    return ModelComparison(
        names=list(models),
        scores=scores,
        n_fits=n_fits,
        test_ratio=ratio,
        score_name=_name_of(scoring),
        reference=reference,
        seeds=seeds,
        level=level,
        draws=None if bootstrap is None else mean_of_draws(drawn),
    )


def corrected_t(values, ratio, level):
    """Mean of each row, its interval, and the p-value that it is 0 (Nadeau and Bengio).

    Parameters
    ----------
    values : ndarray of float of shape (n_rows, n_splits)
    ratio : float
        Test samples divided by training samples.
    level : float

    Returns
    -------
    mean, low, high, p_value : ndarray of shape (n_rows,)
    """
    n_splits = values.shape[1]
    mean = values.mean(axis=1)
    error = np.sqrt((1 / n_splits + ratio) * values.var(axis=1, ddof=1))
    # Equal differences: no variance. Zero is certain, anything else is impossible by chance.
    t = np.divide(mean, error, out=np.where(mean == 0, 0.0, np.inf), where=error > 0)
    half = stats.t.ppf(0.5 + level / 2, n_splits - 1) * error
    return mean, mean - half, mean + half, 2 * stats.t.sf(np.abs(t), n_splits - 1)


def _p_text(p):
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _name_of(scoring):
    if scoring is None or isinstance(scoring, str):
        return scoring or "score"
    return getattr(scoring, "__name__", type(scoring).__name__)


# ------------------------------------------------------------------ fits


def _seed_names(model):
    names = model.get_params(deep=True)
    return [name for name in names if name == "random_state" or name.endswith("__random_state")]


def _score(name, model, X, y, splits, seed, scoring, n_jobs, bootstrap):
    """The score of a model on each split and draw; its parameters are not changed."""
    model = _with_seed(model, seed)
    try:
        scorer = check_scoring(model, scoring=scoring)
        found = cross_validate(
            *(model, X, y),
            cv=splits,
            scoring=scorer,
            n_jobs=n_jobs,
            error_score="raise",
            return_estimator=bootstrap is not None,
        )
    except Exception as error:  # whatever an estimator raises
        at = "" if seed is None else f" with seed {seed}"
        raise ValueError(
            f"Model {name!r} could not be fitted or scored{at}: {type(error).__name__}: {error}"
        ) from error
    scores = found["test_score"]
    if not np.isfinite(scores).all():
        split = int(np.argmin(np.isfinite(scores)))
        raise ValueError(
            f"Model {name!r} has the score {scores[split]} on split {split}, with "
            f"{len(splits[split][1])} test samples. Many scores need each class in each test set: "
            "use fewer or stratified splits, or another scoring."
        )
    if bootstrap is None:
        return scores, np.empty((len(splits), 0))
    return scores, score_draws(found["estimator"], splits, X, y, *bootstrap, scoring)


def _with_seed(model, seed):
    if seed is None:
        return model  # cross_validate clones it
    names = _seed_names(model)
    return clone(model).set_params(**dict.fromkeys(names, seed))


def _splits(cv, models, X, y, groups):
    classify = all(map(is_classifier, models.values()))
    try:
        splitter = check_cv(cv, y, classifier=classify)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"cv must be a number of splits, a splitter or pairs of rows: {error}"
        ) from error
    splits = [tuple(pair) for pair in splitter.split(X, y, groups)]
    if len(splits) < 2:
        raise ValueError(
            f"cv makes {len(splits)} split; at least two are needed for the variance of the "
            "scores. Use cv=5."
        )
    for number, (train, test) in enumerate(splits):
        if not len(train) or not len(test):
            raise ValueError(
                f"Split {number} has {len(train)} training and {len(test)} test samples. Give "
                "each split both."
            )
    return splits


# ------------------------------------------------------------------ checks


def _read_models(models):
    """Two or more estimators by name."""
    if is_several(models):
        models = _named(list(models))
    if not isinstance(models, dict):
        raise TypeError(
            "models must be a dict of estimators by name, or a list of estimators; got "
            f"{shown(models)}."
        )
    for name, model in models.items():
        if not isinstance(name, str):
            raise TypeError(f"The names of models must be strings; got {shown(name)}.")
        if isinstance(model, type):
            raise TypeError(f"Model {name!r} is a class; pass an instance, {model.__name__}().")
        if not (hasattr(model, "fit") and hasattr(model, "get_params")):
            raise TypeError(f"Model {name!r} must be an estimator; got {shown(model)}.")
    if len(models) < 2:
        raise ValueError(f"models holds {len(models)} model; give at least two to compare.")
    _check_one_kind(models)
    return models


def _named(models):
    names = []
    for model in models:
        last = model.steps[-1][1] if getattr(model, "steps", None) else model
        names.append(type(last).__name__)
    numbers = {name: 0 for name in names}
    for i, name in enumerate(names):
        numbers[name] += 1
        if numbers[name] > 1:
            names[i] = f"{name} {numbers[name]}"
    return dict(zip(names, models, strict=True))


def _check_one_kind(models):
    classifier = next((name for name, each in models.items() if is_classifier(each)), None)
    regressor = next((name for name, each in models.items() if is_regressor(each)), None)
    if classifier is not None and regressor is not None:
        raise ValueError(
            f"Model {classifier!r} is a classifier and {regressor!r} a regressor, so their scores "
            "cannot be compared. Compare models of one kind."
        )


def _read_seeds(seeds):
    if seeds is None:
        return [None]
    seeds = list(range(seeds)) if is_whole(seeds) else seeds
    if not is_several(seeds) or not len(seeds := list(seeds)):
        raise ValueError(
            "seeds must be a number of seeds of at least 1, a list of whole numbers, or None; "
            f"got {shown(seeds)}."
        )
    for seed in seeds:
        if not is_whole(seed) or not 0 <= seed <= _LARGEST_SEED:
            raise ValueError(
                f"seeds must hold whole numbers from 0 to {_LARGEST_SEED:,}; got {shown(seed)}."
            )
    seeds = [int(seed) for seed in seeds]
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds holds a number twice: {shown(seeds)}. Equal seeds fit alike.")
    return seeds


def _check_parameters(reference, level, scoring, models):
    if not is_real(level) or not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, ends excluded; got {shown(level)}.")
    if not (scoring is None or isinstance(scoring, str) or callable(scoring)):
        raise ValueError(f"scoring={shown(scoring)} must be one score, by name or as a function.")
    check_choice("reference", reference, tuple(dict.fromkeys(("first", "best", *models))))
    for model in models.values():
        check_scoring(model, scoring=scoring)
