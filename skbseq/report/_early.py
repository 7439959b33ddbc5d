"""Section of the report on early decisions: the score for the beginnings of histories."""

import numpy as np

from skbseq import _frames
from skbseq._time import convert_ticks
from skbseq.inspection import EarlyDecisionDisplay
from skbseq.inspection._early_decision import measure_beginnings
from skbseq.report._scores import Task

_MOST_ROWS = 2000  # each is predicted again for each share
_MOST_PROBED = 200
_LATER = 30 * 86_400_000_000  # microseconds
_DAY = np.timedelta64(86_400_000_000, "us")
_NO_HISTORIES = "The samples are numbers and not histories, so this section is left out."
_SHORT = "No test sample has more than one event, so nothing can be removed."
_ONE_CLASS = "All test labels are equal, so this cannot be measured."
_READS_CUTOFF = (
    "The model reads the time to the cutoff, from which it sees that events were removed. So its "
    "scores would not be those of an earlier decision, and this section is left out. A model "
    'without these features supports it, such as one with SequenceEncoder(time_features=("gap", '
    '"hour", "weekday")).'
)


def early(model, X, task, test, cutoff, rng):
    """Scores by share of the events seen, and their picture.

    Parameters
    ----------
    model : estimator
    X : sequence frame
        Test samples.
    task : Task
    test : Samples
        The same samples.
    cutoff : str
    rng : RandomState

    Returns
    -------
    content : dict
    picture : callable or None
    """
    if test.columns is None or not _frames.is_frame(X):
        return {"note": _NO_HISTORIES}, None
    if test.lengths.max() < 2:
        return {"note": _SHORT}, None
    if task.kind == "binary" and len(np.unique(task.y)) < 2:
        return {"note": _ONE_CLASS}, None
    rows = np.arange(test.n_rows)
    if test.n_rows > _MOST_ROWS:
        rows = np.sort(rng.choice(test.n_rows, _MOST_ROWS, replace=False))
        X = _frames.pick_rows(X, rows)
    part = Task(task.kind, task.classes, task.y[rows])
    if test.cutoffs is not None and _reads_cutoff(part, model, X, cutoff):
        return {"note": _READS_CUTOFF}, None
    time = next((name for name, _, _ in test.event_times()), None)
    if test.cutoffs is None:
        time = None
    name = next(iter(part.scores(part.predict(model, X))))
    try:
        measured = measure_beginnings(
            lambda scored, beginnings: _first_score(part, scored, beginnings),
            model,
            X,
            time=time,
            until=cutoff,
        )
    except ValueError as error:
        return {"note": f"The model cannot predict from beginnings of histories: {error}"}, None
    display = EarlyDecisionDisplay(**measured, score_name=name)
    note = f"Measured on {len(rows):,} of the test samples, drawn at random."
    content = {"score": name, "note": note * (len(rows) < test.n_rows), "shares": _rows(display)}
    return content, display.plot


def _reads_cutoff(task, model, X, cutoff):
    """Whether predictions change if only the cutoffs do."""
    X = _frames.pick_rows(X, np.arange(min(_frames.n_rows(X), _MOST_PROBED)))
    probed = Task(task.kind, task.classes, task.y[: _frames.n_rows(X)])
    column = _frames.split_sequences(X, nested=True).ordinary[cutoff]
    ticks, missing, unit, zone = _frames.time_ticks(_frames.read_moments(column, cutoff))
    ticks = ticks + convert_ticks(np.array([_LATER]), source="us", target=unit)[0]
    later = _frames.time_array(ticks, unit=unit, zone=zone, missing=missing)
    found = [
        probed.predict(model, each) for each in (X, _frames.replace_columns(X, {cutoff: later}))
    ]
    return not np.allclose(*found, rtol=1e-4, atol=1e-6)


def _first_score(task, model, X):
    function = next(iter(task.scores(task.predict(model, X)).values()))
    return float(function(np.ones((1, len(task.y))))[0])


def _rows(display):
    rows = []
    for i, share in enumerate(display.seen.tolist()):
        row = {"events seen": share, "score": float(display.scores[i])}
        row["whole histories"] = float(display.seen_whole[i])
        if display.lead_times is not None:
            row["days to the cutoff, median"] = float(display.lead_times[i] / _DAY)
        rows.append(row)
    return rows
