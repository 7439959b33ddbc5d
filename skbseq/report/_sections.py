"""Sections of the report: calibration, lift, importance of channels, explanations, drift."""

import warnings

import numpy as np

from skbseq import _frames
from skbseq.inspection import (
    EventAttributionDisplay,
    LiftCurveDisplay,
    channel_importance,
    compare_logs,
    expected_calibration_error,
    explain_events,
)
from skbseq.inspection._calibration import calibration_points
from skbseq.inspection._drawing import PALETTE
from skbseq.inspection._lift import curve
from skbseq.report._scores import GREATER_IS_BETTER, Task

_MOST_ROWS = 2000  # of the importance of channels; each is predicted again for each channel
_MOST_EVENTS = 300  # of an explained history; it is predicted again without each event
_N_REASONS = 5
_N_CHANNELS_SHOWN = 20
_SHARES = (0.05, 0.1, 0.2, 0.5)
_ONE_CLASS = "All test labels are equal, so this cannot be measured."
_NO_HISTORIES = "The samples are numbers and not histories, so this section is left out."


def calibration(task, predicted):
    """Calibration as numbers, and its picture.

    Returns
    -------
    content : dict
    picture : callable or None
        Draws on axes.
    """
    if task.kind == "regression":
        return {"note": "Calibration is measured for classifiers."}, None
    if task.kind == "binary":
        probability, right = predicted[:, 1], task.y == 1
    else:
        probability, right = predicted.max(axis=1), predicted.argmax(axis=1) == task.y
    probability = np.clip(probability, 0, 1)
    points = calibration_points(right, probability)
    mean, observed, below, above = points
    error = expected_calibration_error(right.astype(int), probability)
    content = {
        "expected calibration error": error,
        "bins": [
            {"predicted": p, "observed": o, "low": o - b, "high": o + a}
            for p, o, b, a in zip(*(each.tolist() for each in points), strict=True)
        ],
    }

    def draw(ax):
        ax.plot([0, 1], [0, 1], color="grey", linestyle="--", label="Perfectly calibrated")
        ax.errorbar(
            *(mean, observed, [below, above]),
            marker="o",
            capsize=3,
            color=PALETTE[0],
            label="Observed, 95% interval",
        )
        ax.set(xlabel="Mean predicted probability", ylabel="Observed share")
        ax.legend(loc="best")

    return content, draw


def lift(task, predicted):
    """Lift of the highest scores, and its picture."""
    if task.kind != "binary":
        return {"note": "Lift is measured for two classes."}, None
    positive = task.y == 1
    if not positive.any() or positive.all():
        return {"note": _ONE_CLASS}, None
    contacted, gain = curve(positive, predicted[:, 1])
    display = LiftCurveDisplay(
        contacted=contacted,
        gain=gain,
        base_rate=float(positive.mean()),
        n_samples=len(positive),
        name="Model",
    )
    found = [
        {
            "share": share,
            "lift": display.lift_at(share),
            "gain": display.lift_at(share) * share,
        }
        for share in _SHARES
    ]
    return {"base rate": display.base_rate, "shares": found}, display.plot


def importance(model, X, task, cutoff, user, rng):
    """Importance of the channels for the score on test samples."""
    if not _frames.is_frame(X) or not _frames.is_sequence_frame(X):
        return {"note": _NO_HISTORIES}
    if task.kind == "binary" and len(np.unique(task.y)) < 2:
        return {"note": _ONE_CLASS}
    y, note = task.y, ""
    if len(y) > _MOST_ROWS:
        rows = np.sort(rng.choice(len(y), _MOST_ROWS, replace=False))
        X, y = _frames.pick_rows(X, rows), y[rows]
        note = f"Measured on {_MOST_ROWS:,} of the test samples, drawn at random."
    columns = _frames.split_sequences(X, nested=True)
    names = [*columns.lists, *columns.ordinary]
    groups = [name for name in names if name not in (cutoff, user)] + ["(order)"]
    found = channel_importance(
        model,
        X,
        y,
        scoring=_scorer(task),
        groups=groups,
        cutoff=cutoff,
        random_state=rng,
    )
    means, stds = found.importances.mean(axis=1), found.importances.std(axis=1)
    rows = [
        {
            "channel": found.names[i],
            "importance": float(means[i]),
            "std": float(stds[i]),
            "own share": float(found.own_shares[i]),
        }
        for i in np.argsort(-means, kind="stable")[:_N_CHANNELS_SHOWN]
    ]
    return {"score": next(iter(_score_of(task))), "note": note, "channels": rows}


def _score_of(task):
    """Names of the scores of a task."""
    shape = (len(task.y),) if task.kind == "regression" else (len(task.y), len(task.classes))
    return task.scores(np.zeros(shape))


def _scorer(task):
    """The first score of a task, greater is better, for labels that are read already."""

    def score(model, X, y):
        part = Task(task.kind, task.classes, y)
        (name, function), *_ = part.scores(part.predict(model, X)).items()
        sign = 1 if name in GREATER_IS_BETTER else -1
        return sign * float(function(np.ones((1, len(y))))[0])

    return score


def explained(model, X, task, predicted, test, cutoff):
    """Reasons of three predictions: the highest, the middle and the lowest.

    Returns
    -------
    content : dict
    displays : list of EventAttributionDisplay
    """
    if test.columns is None or not _frames.is_frame(X):
        return {"note": _NO_HISTORIES}, []
    fits = np.flatnonzero((test.lengths > 0) & (test.lengths <= _MOST_EVENTS))
    if not len(fits):
        return {"note": f"No test sample has between 1 and {_MOST_EVENTS} events."}, []
    rank = predicted if task.kind == "regression" else predicted[:, 1]
    if task.kind == "multiclass":
        rank = predicted.max(axis=1)
    order = fits[np.argsort(-rank[fits], kind="stable")]
    chosen = dict.fromkeys(order[[0, len(order) // 2, -1]].tolist())  # without repeats
    chosen = np.array(list(chosen))
    explanation = explain_events(model, _frames.pick_rows(X, chosen))
    displays = _strips(explanation, test, chosen)
    reasons = explanation.top(_N_REASONS, cutoff=cutoff)
    found = []
    for i, row in enumerate(chosen.tolist()):
        entry = {"row": row, "events": int(test.lengths[row])}
        if test.user_names is not None:
            entry["user"] = test.user_names[test.user_codes[row]]
        if test.cutoffs is not None:
            entry["cutoff"] = test.moment(test.cutoffs[row])
        entry |= _said(task, predicted[row], row)
        entry |= {"unit": explanation.unit, "value": float(explanation.values[i])}
        entry |= {"baseline": float(explanation.baselines[i]), "reasons": reasons[i]}
        found.append(entry)
    return {"predictions": found}, displays


def _said(task, predicted, row):
    if task.kind == "regression":
        return {"prediction": float(predicted), "truth": float(task.y[row])}
    place = 1 if task.kind == "binary" else int(predicted.argmax())
    return {
        "class": str(task.classes[place]),
        "prediction": float(predicted[place]),
        "truth": str(task.classes[task.y[row]]),
    }


def _strips(explanation, test, rows):
    """A picture of the contributions in each explained row."""
    offsets = next(iter(test.columns.lists.values())).offsets
    names, times = _channel_of_names(test.columns.lists), next(test.event_times(), None)
    own = np.append(0, np.cumsum(test.lengths[rows]))
    displays = []
    for i, row in enumerate(rows.tolist()):
        events = np.arange(offsets[row], offsets[row + 1])
        ages = None
        if times is not None and test.cutoffs is not None and not times[2][events].any():
            ages = (test.cutoffs[row] - times[1][events]) / 1e6
        values = ["event"] * len(events)
        if names is not None:
            values = _frames.take(names.values, events).to_pylist()
        display = EventAttributionDisplay(
            contributions=explanation.flat[own[i] : own[i + 1], None],
            names=["missing" if value is None else str(value) for value in values],
            channels=["event"],
            ages=ages,
            unit=explanation.unit,  # no baseline: contributions of removal do not add up to it
        )
        displays.append(display)
    return displays


def _channel_of_names(lists):
    """The first list column of strings, which is the behaviour in histories of a log."""
    for column in lists.values():
        if _frames.kind_of(_frames.decode_strings(column.values).type) == "string":
            return column
    return None


def drift(log, reference, rng):
    """Comparison of the log with a reference, and its picture."""
    if reference is None:
        return {"note": "Pass an earlier log as reference= to compare the behaviour."}, None
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        display = compare_logs(reference, log, random_state=rng)
    for each in raised:  # for the caller, too
        warnings.warn(each.message, stacklevel=3)
    rows = [
        {
            "aspect": aspect,
            "psi": float(display.psi[i]),
            "by chance": float(display.psi_chance[i]),
            "beyond chance": bool(display.beyond_chance[i]),
        }
        for i, aspect in enumerate(display.aspects)
    ]
    said = [str(each.message) for each in raised if each.category is UserWarning]
    return {"aspects": rows, "level": display.level, "warnings": said}, display.plot
