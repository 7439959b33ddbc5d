"""EarlyDecisionDisplay: quality of predictions that use only the beginning of a history."""

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skbseq import _frames
from skbseq._checks import check_choice, is_real, is_several, is_whole, shown, to_numbers
from skbseq._time import convert_ticks
from skbseq.exceptions import SequenceFrameError
from skbseq.inspection._drawing import Display
from skbseq.inspection._one_pass import OnePass

__all__ = ["EarlyDecisionDisplay"]

_TENTHS = tuple(tenth / 10 for tenth in range(1, 11))
_UNITS = {"days": 86_400_000_000, "hours": 3_600_000_000, "minutes": 60_000_000}


class EarlyDecisionDisplay(Display):
    """Plot score and lead time against how much of each history is seen.

    Use :meth:`from_estimator` to create a display. Its data are stored as attributes;
    :meth:`plot` plots them again.

    Parameters
    ----------
    seen : ndarray of shape (n_points,)
        Share or number of the events that were seen.
    scores : ndarray of float of shape (n_points,)
        The score at each point.
    seen_whole : ndarray of float of shape (n_points,)
        Share of the samples whose whole history was seen.
    seen_by : {"share", "n_events"}
        Whether ``seen`` holds shares or numbers of events.
    lead_times : ndarray of timedelta64 of shape (n_points,), default=None
        Median time from the last event seen to the reference moment of each sample.
    score_name : str, default=None
        Name of the score, for the axis.
    name : str, default=None
        Name of the estimator, for the legend.

    Attributes
    ----------
    line_ : matplotlib.lines.Line2D
        The scores.
    ax_ : matplotlib.axes.Axes
        Axes of the scores.
    lead_line_ : matplotlib.lines.Line2D or None
        The lead times, if there are any.
    lead_ax_ : matplotlib.axes.Axes or None
        Axes of the lead times, on the right.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    See Also
    --------
    skbseq.EventLog.prefixes : Samples with only the beginning of each history, for training.

    Notes
    -----
    Events are removed from the end of the list columns; the rest of a sample is unchanged.
    Features that depend on the whole history leak information about the removed events: an
    ordinary column with the number of events, or the time from each event to the cutoff (the
    feature "age" of :class:`~skbseq.SequenceEncoder`). Leave them out, for instance with
    ``SequenceEncoder(time_features=("gap", "hour", "weekday"))``.

    A classifier or regressor of skbseq reads every history once for all points, alone or after a
    :class:`~skbseq.SequenceEncoder`, if its network is causal. Other models predict at each point.

    :meth:`frame` has one row for each point, with the columns ``seen``, ``score``, ``seen_whole``
    and, if there are lead times, ``lead_time``.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import SequenceVectorizer
    >>> from skbseq.inspection import EarlyDecisionDisplay
    >>> X = pd.DataFrame({"what": [["view", "cart", "pay"], ["view", "view", "exit"]] * 20})
    >>> y = [1, 0] * 20
    >>> model = make_pipeline(SequenceVectorizer(), LogisticRegression()).fit(X, y)
    >>> display = EarlyDecisionDisplay.from_estimator(model, X, y, n_events=[1, 2, 3])
    >>> display.scores.tolist()
    [0.5, 1.0, 1.0]
    """

    def __init__(
        self,
        *,
        seen,
        scores,
        seen_whole,
        seen_by,
        lead_times=None,
        score_name=None,
        name=None,
    ):
        self.seen = seen
        self.scores = scores
        self.seen_whole = seen_whole
        self.seen_by = seen_by
        self.lead_times = lead_times
        self.score_name = score_name
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        shares=None,
        n_events=None,
        scoring="roc_auc",
        time=None,
        until="cutoff",
        name=None,
        ax=None,
        **line_kw,
    ):
        """Score a fitted estimator on the beginnings of histories, and plot the curve.

        Parameters
        ----------
        estimator : estimator
            A fitted model that takes sequence frames, such as a pipeline.
        X : sequence frame of shape (n_samples, n_columns)
            Samples with their whole histories.
        y : array-like of shape (n_samples,)
            Labels.
        shares : array-like of float, default=None
            Shares of the events of each sample to use, above 0 and at most 1, rounded up to whole
            events. None without ``n_events``: 0.1, 0.2, ..., 1.
        n_events : array-like of int, default=None
            Numbers of events to use, at least 1. A shorter history is used whole, so that each
            point scores the same samples; ``seen_whole`` gives the share of these histories.
        scoring : str or callable, default="roc_auc"
            A name from :func:`sklearn.metrics.get_scorer_names`, or a callable with the arguments
            estimator, X and y. None: the estimator's own ``score``.
        time : str, default=None
            List column with the times of the events, for the lead times. None: no lead times.
        until : str, default="cutoff"
            Ordinary column with the moment at which the lead time of a sample ends. Samples
            without it, and samples without events, have no lead time.
        name : str, default=None
            Name for the legend. None: the class of the estimator.
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **line_kw : dict
            Keywords for matplotlib's ``plot``, for the line of the scores.

        Returns
        -------
        EarlyDecisionDisplay
            The plotted display.

        Raises
        ------
        SequenceFrameError
            If X has no channel, or a named column does not exist or does not hold times.
        TypeError
            If X is not a table, ``estimator`` is not an estimator, or ``ax`` not axes.
        ValueError
            If ``shares`` and ``n_events`` are both given or out of range, there is no scorer of
            this name, y does not fit X, or matplotlib does not take a keyword.
        NotFittedError
            If ``estimator`` is not fitted.
        """
        seen_by, seen = _read_points(shares, n_events)
        _check_texts(time=time, until=until, name=name)
        if not hasattr(estimator, "fit"):
            raise TypeError(f"estimator must be a fitted estimator; got {shown(estimator)}.")
        if not isinstance(estimator, type):
            check_is_fitted(estimator)
        if not (scoring is None or isinstance(scoring, str) or callable(scoring)):
            raise ValueError(f"scoring={scoring!r} must be one score, by name or as a function.")
        scorer = check_scoring(estimator, scoring=scoring)
        if not _frames.is_frame(X):
            raise TypeError(
                "X must be a sequence frame, a pandas, polars or pyarrow table; got "
                f"{type(X).__name__}."
            )
        check_consistent_length(X, y)
        measured = measure_beginnings(
            lambda scored, beginnings: scorer(scored, beginnings, y),
            estimator,
            X,
            seen=seen,
            seen_by=seen_by,
            time=time,
            until=until,
        )
        name = type(estimator).__name__ if name is None else name
        display = cls(**measured, score_name=_name_of(scoring), name=name)
        return display.plot(ax=ax, **line_kw)

    def plot(self, ax=None, *, name=None, **line_kw):
        """Plot the scores, and the lead times if there are any.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        name : str, default=None
            Name for the legend. None: the name of the display.
        **line_kw : dict
            Keywords for matplotlib's ``plot``, for the line of the scores.

        Returns
        -------
        EarlyDecisionDisplay
            The display itself, with ``ax_``, ``figure_``, ``line_``, ``lead_ax_``, ``lead_line_``.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If the attributes of the display do not fit together, or matplotlib does not take a
            keyword.
        """
        self._check()
        _check_texts(name=name)
        ax = self._open(ax)
        style = {"marker": "o", "label": self.name if name is None else name} | line_kw
        try:
            (self.line_,) = ax.plot(self.seen, self.scores, **style)
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"matplotlib cannot draw the line with {line_kw}: {error}") from error
        labels = {"share": "Share of the events seen", "n_events": "Events seen"}
        ax.set(xlabel=labels[self.seen_by], ylabel=self.score_name or "Score")
        self.lead_ax_ = self.lead_line_ = None
        if self.lead_times is not None:
            self._plot_leads()
        self._room.dress(ax)
        if style["label"] is not None:
            self._room.legend(ax)
        return self

    def _columns(self):
        columns = {"seen": self.seen, "score": self.scores, "seen_whole": self.seen_whole}
        leads = {} if self.lead_times is None else {"lead_time": self.lead_times}
        return columns | leads

    def _check(self):
        """Refuse attributes that cannot be drawn."""
        check_choice("seen_by", self.seen_by, ("share", "n_events"))
        _check_texts(score_name=self.score_name, name=self.name)
        shapes = {name: to_numbers(name, getattr(self, name)).shape for name in ("seen", "scores")}
        if self.lead_times is not None:
            leads = self.lead_times
            if not isinstance(leads, np.ndarray) or leads.dtype.kind != "m":
                raise ValueError(
                    f"lead_times must be an array of timedelta64; got {shown(leads)}."
                )
            shapes["lead_times"] = leads.shape
        if len(set(shapes.values())) > 1 or len(shapes["seen"]) != 1:
            raise ValueError(f"Each point has a value in {', '.join(shapes)}; got {shapes}.")

    def _plot_leads(self):
        spans = self.lead_times.astype(np.float64)
        spans[np.isnat(self.lead_times)] = np.nan  # NaT becomes a large negative number as float
        longest = np.nanmax(np.abs(spans), initial=0)
        unit = next((u for u, size in _UNITS.items() if longest >= 2 * size), "minutes")
        self.lead_ax_ = self.ax_.twinx()
        (self.lead_line_,) = self.lead_ax_.plot(
            self.seen, spans / _UNITS[unit], color="grey", linestyle="--", marker="."
        )
        self.lead_ax_.set_ylabel(f"Median lead time ({unit}, dashed)")
        self._room.dress(self.lead_ax_)


def measure_beginnings(
    score, estimator, X, *, seen=_TENTHS, seen_by="share", time=None, until="cutoff"
):
    """Score the beginnings of histories.

    Parameters
    ----------
    score : callable
        From an estimator and a frame to a score.
    estimator : estimator
    X : sequence frame
    seen : sequence of float or int
        Points in ascending order.
    seen_by : {"share", "n_events"}
    time : str, default=None
    until : str, default="cutoff"

    Returns
    -------
    dict of str to object
        Attributes of the display.
    """
    columns = _frames.split_sequences(X, nested=True)
    lead_ticks = None if time is None else _Leads(columns, time, until)
    one_pass = OnePass.of(estimator, X, _lengths(columns).max(initial=0))
    scores, whole, leads = [], [], []
    for point in seen:
        counts = _count_seen(columns, point, seen_by)
        part = _truncate(X, columns, counts)
        scored = estimator if one_pass is None else one_pass.after(part, counts)
        scores.append(float(score(scored, part)))
        whole.append(np.mean(counts == _lengths(columns)))
        leads.append(lead_ticks and lead_ticks.median(counts))
    return {
        "seen": np.asarray(seen),
        "scores": np.array(scores),
        "seen_whole": np.array(whole),
        "seen_by": seen_by,
        "lead_times": None if time is None else np.array(leads, "timedelta64[us]"),
    }


# ------------------------------------------------------------------ points


def _read_points(shares, n_events):
    """The kind of the points ("share" or "n_events"), and the points in ascending order."""
    if shares is not None and n_events is not None:
        raise ValueError("Give either shares or n_events, not both.")
    if n_events is None:
        points = _TENTHS if shares is None else shares
        return "share", _sorted(points, "shares", _is_share, "above 0 and at most 1")
    return "n_events", _sorted(n_events, "n_events", _is_count, "whole numbers of at least 1")


def _is_share(point):
    return is_real(point) and 0 < point <= 1


def _is_count(point):
    return is_whole(point) and 1 <= point < 2**63


def _sorted(points, name, is_good, wanted):
    points = list(points) if is_several(points) else [points]
    bad = [point for point in points if not is_good(point)]
    if bad or not points:
        got = repr(bad[0]) if bad else "none"
        raise ValueError(f"{name} must be {wanted}; got {got}.")
    return np.unique(points)


def _check_texts(**texts):
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise ValueError(f"{name} must be a string or None; got {shown(text)}.")


def _name_of(scoring):
    """A name for the axis, in words."""
    if scoring is None:
        return "Score"
    name = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")
    name = name.replace("_", " ")
    return name[:1].upper() + name[1:]


# ------------------------------------------------------------------ beginnings


def _lengths(columns):
    return next(iter(columns.lists.values())).lengths


def _count_seen(columns, point, seen_by):
    """Number of events of each sample that are seen."""
    lengths = _lengths(columns)
    if seen_by == "n_events":
        return np.minimum(lengths, point)
    # Subtracting 1e-9 prevents rounding errors: 0.7 * 10 must not become 8.
    return np.ceil(lengths * point - 1e-9).astype(np.int64)


def _truncate(X, columns, counts):
    """The same frame with only the first events of each sample."""
    starts = next(iter(columns.lists.values())).offsets[:-1]
    return _frames.replace_columns(X, columns.cut(starts, starts + counts))


class _Leads:
    """Times from the last event seen to the reference moment of each sample."""

    def __init__(self, columns, time, until):
        channel = _column(columns.lists, time, "list", "time")
        moments = _column(columns.ordinary, until, "ordinary", "until")
        self.starts = channel.offsets[:-1]
        self.times, self.time_missing, zone = _ticks(channel.values, time, _row_of(channel))
        self.until, self.until_missing, until_zone = _ticks(moments, until, int)
        if (zone is None) != (until_zone is None) and len(channel.values):
            has, lacks = (until, time) if zone is None else (time, until)
            raise SequenceFrameError(
                f"{has!r} has a time zone and {lacks!r} has none. Use a time zone in both, or in "
                "neither."
            )

    def median(self, counts):
        """The median in microseconds; NaT if no sample has a lead time."""
        rows = np.flatnonzero((counts > 0) & ~self.until_missing)
        last = self.starts[rows] + counts[rows] - 1
        known = ~self.time_missing[last]
        leads = self.until[rows[known]] - self.times[last[known]]
        span = np.median(leads).astype(np.int64) if leads.size else "NaT"
        return np.timedelta64(span, "us")


def _column(columns, name, kind, parameter):
    if name not in columns:
        raise SequenceFrameError(
            f"{parameter}={name!r} is not one of the {kind} columns of the frame, which are "
            f"{', '.join(map(repr, columns)) or 'none'}."
        )
    return columns[name]


def _row_of(channel):
    """A function from the position of an event to the row of its sample."""
    return lambda event: int(np.searchsorted(channel.offsets, event, side="right")) - 1


def _ticks(values, name, row_of):
    """Microseconds since 1970, a mask of missing ones, and the time zone."""
    moments = _frames.read_moments(values, name, row_of=row_of)
    ticks, missing, unit, zone = _frames.time_ticks(moments)
    return convert_ticks(ticks, source=unit, target="us"), missing, zone
