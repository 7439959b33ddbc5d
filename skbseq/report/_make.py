"""make_report: measure everything that the report shows."""

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from skbseq import _frames
from skbseq._checks import (
    check_count,
    check_name,
    check_random_state,
    is_real,
    is_several,
    shown,
    to_array,
)
from skbseq.events import EventLog
from skbseq.exceptions import SequenceFrameError
from skbseq.report import _sections
from skbseq.report._card import model_card
from skbseq.report._early import early
from skbseq.report._leakage import check_leakage
from skbseq.report._report import Report
from skbseq.report._samples import Samples, account
from skbseq.report._scores import (
    MODEL,
    Task,
    bootstrap,
    difference_rows,
    make_baselines,
    score_rows,
)

__all__ = ["make_report"]

_FEW = 100  # test samples
_FEW_TO_FIT = 5000


def make_report(
    model,
    X_train,
    y_train,
    X_test,
    y_test,
    *,
    baselines=None,
    log=None,
    reference=None,
    user=None,
    cutoff="cutoff",
    horizon=None,
    title="Model report",
    purpose=None,
    notes=(),
    n_bootstrap=500,
    level=0.95,
    random_state=None,
):
    """Measure a fitted model on test samples, and write one page about it.

    The report compares the model with baselines, checks for leakage, and explains what the model
    uses. It never fits the model again; it fits the baselines on the training samples.

    Parameters
    ----------
    model : estimator
        A fitted classifier with ``predict_proba``, or a fitted regressor of one number, that takes
        ``X_test``.
    X_train : sequence frame or array-like of shape (n_train, n_columns)
        The samples that the model was fitted on. Explanations and leakage checks need sequence
        frames.
    y_train : array-like of shape (n_train,)
        Their labels.
    X_test : sequence frame or array-like of shape (n_test, n_columns)
        Samples that the model was not fitted on.
    y_test : array-like of shape (n_test,)
        Their labels.
    baselines : dict of str to estimator, default=None
        Models to compare with, by name, such as the one in use today. Copies are fitted on the
        training samples. None: gradient boosting on the features of
        :class:`~skbseq.SequenceVectorizer`, with the columns that the model names as categorical
        and numeric.
    log : EventLog, default=None
        The clean log of the samples. It adds its own account, and a check of the labels.
    reference : EventLog, default=None
        An earlier clean log. ``log`` is compared with it
        (:func:`~skbseq.inspection.compare_logs`).
    user : str, default=None
        Ordinary column of the users. None: the user column of the log; without a log "user_id" if
        both frames have it. Without users, intervals are by sample, and the report says so.
    cutoff : str, default="cutoff"
        Ordinary column with the moment of prediction.
    horizon : str or timedelta, default=None
        Span of the labels after the cutoff, such as "30D". None: the checks that need it are not
        made.
    title : str, default="Model report"
        Title of the page.
    purpose : str, default=None
        What the model is for, for the model card.
    notes : sequence of str, default=()
        Sentences of your own for the top of the page and the limits of the model card, such as
        where the samples come from.
    n_bootstrap : int, default=500
        Number of draws of users with replacement, at least 20.
    level : float, default=0.95
        Level of the intervals.
    random_state : int, RandomState instance or None, default=None
        Seed of the baselines and of all draws. Pass an int for the same report on every call.

    Returns
    -------
    Report
        With ``to_dict()`` and ``to_html(path)``.

    Raises
    ------
    SequenceFrameError
        If a column does not exist, or users or cutoffs are missing.
    TypeError
        If the model is neither a classifier with probabilities nor a regressor, or a log is no
        EventLog.
    ValueError
        If labels do not fit the samples or the model, there are fewer than two test users, or a
        parameter is not valid.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.

    Notes
    -----
    Intervals are percentiles of the bootstrap. Each draw takes users with replacement, with all of
    their samples, and scores the model and the baselines on the same draw. So the interval of a
    difference is paired. It shows the chance of the test set and not that of training.

    The most frequent class (the mean for numbers) is always among the baselines.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import EventLog, SequenceVectorizer
    >>> from skbseq.datasets import make_shop_log
    >>> from skbseq.report import make_report
    >>> shop = make_shop_log(300, random_state=0)
    >>> log = EventLog(shop.events, **shop.roles).clean()
    >>> samples = log.samples(at=shop.at)
    >>> X = log.histories(samples)
    >>> y = log.label_behavior(samples, behavior="buy", horizon="7D")
    >>> impute = SimpleImputer(keep_empty_features=True)
    >>> model = make_pipeline(SequenceVectorizer(log=True), impute, LogisticRegression(C=0.01))
    >>> model = model.fit(X[:150], y[:150])
    >>> report = make_report(
    ...     model, X[:150], y[:150], X[150:], y[150:], log=log, horizon="7D", random_state=0
    ... )
    >>> report.to_dict()["checks"][0]
    {'check': 'Users in both sets', 'status': 'passed', 'text': 'No user is in both sets.'}
    """
    _check_parameters(title, purpose, n_bootstrap, level, log, reference)
    notes = _read_notes(notes)
    _check_baselines(baselines)
    rng = check_random_state(random_state)
    user = _user_column(user, log, X_train, X_test)
    train = Samples(X_train, "X_train", user, cutoff)
    test = Samples(X_test, "X_test", user, cutoff)
    task, y_train = _read_task(model, X_train, y_train, X_test, y_test)
    predicted = task.predict(model, X_test)
    _check_predictions(predicted)
    seed = int(rng.randint(2**31 - 1))
    baselines = make_baselines(task, model, baselines, cutoff, seed)
    predictions, failed = _predictions_of(baselines, task, X_train, y_train, X_test)
    units = _units(test)
    found = bootstrap(task, {MODEL: predicted} | predictions, units, n_bootstrap, rng)
    sections, pictures = _sections_of(model, X_test, task, predicted, test, cutoff, user, rng)
    sections["drift"], pictures["drift"] = _sections.drift(log, reference, rng)
    content = {
        "title": title,
        "kind": task.kind,
        "notes": [*notes, *_notes(task, test)],
        "data": {"train": account(train), "test": account(test), "log": _log_account(log)},
        "labels": _labels(task, y_train),
        "checks": check_leakage(train, test, horizon, log),
        "scores": {
            "level": level,
            "drawn": "samples" if test.user_codes is None else "users",
            "n_drawn": len(np.unique(units)),
            "n_bootstrap": n_bootstrap,
            "rows": score_rows(found, level),
            "differences": difference_rows(found, level),
            "failed": failed,
        },
    } | sections
    content["card"] = model_card(model, content, purpose)
    return Report(content, {name: draw for name, draw in pictures.items() if draw is not None})


def _sections_of(model, X, task, predicted, test, cutoff, user, rng):
    """The sections about the model, and the functions that draw their pictures."""
    sections, pictures = {}, {}
    sections["calibration"], pictures["calibration"] = _sections.calibration(task, predicted)
    sections["lift"], pictures["lift"] = _sections.lift(task, predicted)
    sections["importance"] = _sections.importance(model, X, task, cutoff, user, rng)
    sections["explained"], strips = _sections.explained(model, X, task, predicted, test, cutoff)
    sections["early"], pictures["early"] = early(model, X, task, test, cutoff, rng)
    pictures |= {f"explained {i}": strip.plot for i, strip in enumerate(strips)}
    return sections, pictures


# ------------------------------------------------------------------ reading


def _check_parameters(title, purpose, n_bootstrap, level, log, reference):
    check_name("title", title)
    if purpose is not None and not isinstance(purpose, str):
        raise ValueError(f"purpose must be a text or None; got {shown(purpose)}.")
    check_count("n_bootstrap", n_bootstrap, least=20, most=100_000)
    if not is_real(level) or not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, ends excluded; got {shown(level)}.")
    for name, each in (("log", log), ("reference", reference)):
        if each is not None and not isinstance(each, EventLog):
            raise TypeError(f"{name} must be an EventLog or None; got {shown(each)}.")
    if reference is not None and log is None:
        raise ValueError("reference is compared with log; pass log=, too.")


def _read_notes(notes):
    if not is_several(notes) or not all(isinstance(note, str) for note in notes):
        raise ValueError(f"notes must be a list of texts; got {shown(notes)}.")
    return list(notes)


def _check_baselines(baselines):
    if baselines is None:
        return
    if not isinstance(baselines, dict):
        raise TypeError(
            f"baselines must be a dict of unfitted estimators by name; got {shown(baselines)}."
        )
    for name, each in baselines.items():
        if not isinstance(name, str) or name in (MODEL, "Most frequent", "Mean"):
            raise ValueError(f"baselines cannot name a model {name!r}. Use another name.")
        if not hasattr(each, "fit") or isinstance(each, type):
            raise TypeError(f"baselines[{name!r}] must be an estimator; got {shown(each)}.")


def _user_column(user, log, *frames):
    """The given column, that of the log, or "user_id", where both frames have it."""
    if user is not None:
        check_name("user", user)
        return user
    name = "user_id" if log is None else log.user
    tables = all(_frames.is_frame(X) for X in frames)
    return name if tables and all(name in _frames.column_names(X) for X in frames) else None


def _read_task(model, X_train, y_train, X_test, y_test):
    """The task, and the training labels as the baselines take them."""
    if not hasattr(model, "fit") or isinstance(model, type):
        raise TypeError(f"model must be a fitted estimator; got {shown(model)}.")
    check_is_fitted(model)
    labels = []
    for name, X, y in (("train", X_train, y_train), ("test", X_test, y_test)):
        y = to_array(f"y_{name}", y)
        if y.ndim != 1:
            raise ValueError(
                f"y_{name} must have one dimension, a label for each sample; got shape {y.shape}."
            )
        if _length(X) != len(y):
            raise ValueError(f"X_{name} has {_length(X):,} rows, and y_{name} {len(y):,} labels.")
        labels.append(y)
    if is_regressor(model):
        labels = [_numbers(name, y) for name, y in zip(("y_train", "y_test"), labels, strict=True)]
        return Task("regression", None, labels[1]), labels[0]
    if not is_classifier(model) or not hasattr(model, "predict_proba"):
        raise TypeError(
            f"model must be a classifier with predict_proba or a regressor; got "
            f"{type(model).__name__}. CalibratedClassifierCV adds probabilities to a classifier."
        )
    classes = sorted(np.asarray(model.classes_).tolist())
    codes = [
        _codes(name, y, classes) for name, y in zip(("y_train", "y_test"), labels, strict=True)
    ]
    if len(np.unique(codes[0])) < 2:
        raise ValueError(
            f"All labels of y_train are {shown(classes[codes[0][0]])}. Pass the labels that the "
            "model was fitted on, of at least two classes."
        )
    kind = "binary" if len(classes) == 2 else "multiclass"
    return Task(kind, classes, codes[1]), labels[0]


def _length(X):
    return _frames.n_rows(X) if _frames.is_frame(X) else len(X)


def _numbers(name, y):
    if y.dtype.kind not in "biuf" or not np.isfinite(y.astype(float)).all():
        raise ValueError(f"{name} must hold finite numbers, because the model is a regressor.")
    return y.astype(float)


def _codes(name, y, classes):
    place = {each: i for i, each in enumerate(classes)}
    found = np.array([place.get(each, -1) for each in y.tolist()])
    if (found < 0).any():
        row = int(np.argmin(found))
        raise ValueError(
            f"Row {row} of {name} holds {shown(y[row])}, which is not a class of the model. Its "
            f"classes are {', '.join(map(repr, classes[:5]))}{', ...' if classes[5:] else ''}."
        )
    return found


def _units(test):
    """User of each test sample; each is its own if there are no users."""
    units = np.arange(test.n_rows) if test.user_codes is None else test.user_codes
    if len(np.unique(units)) < 2:
        raise ValueError(
            f"X_test has {test.n_rows} samples of one user, so that nothing can be said about "
            "chance. Use a test set of at least two users."
        )
    return units


def _check_predictions(predicted):
    if not np.isfinite(predicted).all():
        row = int(np.argwhere(~np.isfinite(predicted))[0][0])
        raise ValueError(
            f"The model predicts a number that is not finite for row {row} of X_test."
        )


def _predictions_of(baselines, task, X_train, y_train, X_test):
    """Predictions of the baselines, and why some could not be fitted."""
    predictions, failed = {}, {}
    # Threads that wait for each other take longer than such a small fit.
    limit = 1 if len(y_train) < _FEW_TO_FIT else None
    with threadpool_limits(limit, user_api="openmp"):
        for name, baseline in baselines.items():
            try:
                predictions[name] = task.predict(baseline.fit(X_train, y_train), X_test)
            except (SequenceFrameError, ValueError) as error:
                failed[name] = str(error)
    return predictions, failed


# ------------------------------------------------------------------ texts


def _labels(task, y_train):
    if task.kind == "regression":
        sides = {"train": y_train, "test": task.y}
        return {
            name: {"mean": float(y.mean()), "std": float(y.std())} for name, y in sides.items()
        }
    shares = {}
    for name, codes in (("train", _codes("y_train", y_train, task.classes)), ("test", task.y)):
        counts = np.bincount(codes, minlength=len(task.classes))
        shares[name] = {str(c): int(n) for c, n in zip(task.classes, counts, strict=True)}
    return shares


def _log_account(log):
    if log is None:
        return {}
    found = {
        "events": len(log),
        "users": len(log._index.users),
        "first event": log.start.isoformat(" "),
        "complete until": log.until.isoformat(" "),
    }
    if log.report is not None:
        dropped = log.report.dropped
        found |= {f"dropped: {reason}": n for reason, n in dropped.items() if n}
    return found


def _notes(task, test):
    notes = []
    if test.n_rows < _FEW:
        notes.append(
            f"The test set has only {test.n_rows} samples. Intervals from so few are too short; "
            "do not decide by this report."
        )
    if task.kind != "regression" and len(np.unique(task.y)) < 2:
        only = task.classes[task.y[0]]
        notes.append(
            f"All test labels are {only}. ROC AUC, lift and importance cannot be measured. Use a "
            "test set with both classes."
        )
    if test.user_codes is None:
        notes.append(
            "There is no user column, so each sample was drawn on its own. If users have several "
            "samples, the intervals are too short."
        )
    return notes
