"""LiftCurveDisplay: how many positives are among the samples with the highest scores."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skbseq._checks import check_choice, shown, to_array, to_numbers
from skbseq.inspection._drawing import (
    PALETTE,
    Display,
    check_is_display_data,
    keywords,
    percent_ticks,
)

__all__ = ["LiftCurveDisplay"]

_Y_LABELS = {"gain": "Share of the positives found", "lift": "Lift over a random choice"}


@dataclass(eq=False, repr=False, kw_only=True)
class LiftCurveDisplay(Display):
    """Plot the cumulative gain or the lift of a ranking by scores.

    Use :meth:`from_estimator` or :meth:`from_predictions` to create a display. Its data are stored
    as attributes; :meth:`~LiftCurveDisplay.plot` plots them again.

    Parameters
    ----------
    contacted : ndarray of float of shape (n_points,)
        Share of the samples, those with the highest scores first.
    gain : ndarray of float of shape (n_points,)
        Share of all positives that are among them.
    base_rate : float
        Share of positives among all samples.
    n_samples : int
        Number of samples.
    name : str, default=None
        Name of the estimator, for the legend.

    Attributes
    ----------
    line_ : matplotlib.lines.Line2D
        The curve.
    best_line_ : matplotlib.lines.Line2D
        Curve of a perfect ranking.
    chance_line_ : matplotlib.lines.Line2D
        Curve of a random ranking.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    See Also
    --------
    sklearn.metrics.RocCurveDisplay : The same ranking, against the share of negatives.
    sklearn.metrics.ConfusionMatrixDisplay : Decisions at one threshold.

    Notes
    -----
    If the best share :math:`s` of the samples contains a share :math:`g` of the positives, then
    :math:`g` is the gain and :math:`g / s` the lift. A lift of 3 at 10% means that the tenth with
    the highest scores contains three times as many buyers as a random tenth.

    Samples with equal scores have no order. They make one step, and the curve is a straight line
    across it, the mean over all orders.

    :meth:`frame` has one row for each point, with the columns ``contacted``, ``gain``, ``lift``
    and ``n_contacted``.

    Examples
    --------
    >>> from skbseq.inspection import LiftCurveDisplay
    >>> display = LiftCurveDisplay.from_predictions([1, 0, 1, 0], [0.9, 0.2, 0.6, 0.7])
    >>> display.gain.tolist()
    [0.0, 0.5, 0.5, 1.0, 1.0]
    >>> display.lift_at(0.25)
    2.0
    """

    contacted: np.ndarray
    gain: np.ndarray
    base_rate: float
    n_samples: int
    name: str = None

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, pos_label=None, kind="lift", name=None, ax=None, **line_kw
    ):
        """Score samples with a fitted classifier, and plot the curve.

        Parameters
        ----------
        estimator : classifier
            A fitted classifier, or a pipeline that ends with one, for two classes.
        X : array-like or sequence frame of shape (n_samples, n_columns)
            Samples.
        y : array-like of shape (n_samples,)
            Labels.
        pos_label : int, float, bool or str, default=None
            The positive class. None: the second one of ``classes_``.
        kind : {"lift", "gain"}, default="lift"
            What is plotted.
        name : str, default=None
            Name for the legend. None: the class of the estimator.
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **line_kw : dict
            Keywords for matplotlib's ``plot``, for the curve.

        Returns
        -------
        LiftCurveDisplay
            The plotted display.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError
            If ``estimator`` gives neither probabilities nor decision values.
        ValueError
            If there are not two classes, y holds only one of them, or a parameter is invalid. Also
            if matplotlib does not take a keyword.
        """
        if not hasattr(estimator, "fit"):
            raise TypeError(f"estimator must be a fitted classifier; got {shown(estimator)}.")
        check_is_fitted(estimator)
        classes = _two_classes(estimator)
        pos_label = classes[1] if pos_label is None else pos_label
        if pos_label not in classes:
            raise ValueError(f"pos_label={shown(pos_label)} is not one of the classes {classes}.")
        scores = _scores_of(estimator, X, classes.index(pos_label))
        name = type(estimator).__name__ if name is None else name
        return cls.from_predictions(
            y, scores, pos_label=pos_label, kind=kind, name=name, ax=ax, **line_kw
        )

    @classmethod
    def from_predictions(
        cls, y_true, y_score, *, pos_label=None, kind="lift", name=None, ax=None, **line_kw
    ):
        """Plot the curve of given scores.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels of two classes.
        y_score : array-like of shape (n_samples,)
            Scores, such as probabilities of the positive class; higher ones come first.
        pos_label : int, float, bool or str, default=None
            The positive class. None: 1, for labels 0 and 1, -1 and 1, or booleans.
        kind : {"lift", "gain"}, default="lift"
            What is plotted.
        name : str, default=None
            Name for the legend. None: no entry.
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **line_kw : dict
            Keywords for matplotlib's ``plot``, for the curve.

        Returns
        -------
        LiftCurveDisplay
            The plotted display.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If the lengths differ, the scores are not finite numbers, or y_true does not hold two
            classes. Also if matplotlib does not take a keyword.
        """
        y_true, scores = to_array("y_true", y_true), to_numbers("y_score", y_score)
        for label, values in (("y_true", y_true), ("y_score", scores)):
            if values.ndim != 1:
                raise ValueError(
                    f"{label} must have one dimension, a value for each sample; got shape "
                    f"{values.shape}."
                )
        check_consistent_length(y_true, scores)
        if not np.isfinite(scores).all():
            row = int(np.argmin(np.isfinite(scores)))
            raise ValueError(f"y_score must hold finite numbers; row {row} holds {scores[row]}.")
        positive = _positives(y_true, pos_label)
        contacted, gain = curve(positive, scores)
        display = cls(
            contacted=contacted,
            gain=gain,
            base_rate=float(positive.mean()),
            n_samples=len(scores),
            name=name,
        )
        return display.plot(ax, kind=kind, **line_kw)

    @property
    def lift(self):
        """Gain divided by the share of samples, at each point; at zero, that of the first step."""
        with np.errstate(invalid="ignore"):
            lift = self.gain / self.contacted
        lift[0] = lift[1]
        return lift

    def lift_at(self, share):
        """Lift of the best share of the samples.

        Parameters
        ----------
        share : float
            Above 0, at most 1.

        Returns
        -------
        float
            How many times as many positives there are as in a random choice.

        Raises
        ------
        ValueError
            If ``share`` is out of range.
        """
        share_number = to_numbers("share", share)
        if share_number.ndim or not 0 < share_number <= 1:
            raise ValueError(f"share must be above 0 and at most 1; got {shown(share)}.")
        return float(np.interp(share_number, self.contacted, self.gain) / share_number)

    def _columns(self):
        return {
            "contacted": self.contacted,
            "gain": self.gain,
            "lift": self.lift,
            "n_contacted": np.rint(self.contacted * self.n_samples).astype(np.int64),
        }

    def plot(self, ax=None, *, kind="lift", name=None, **line_kw):
        """Plot the curve, with those of a perfect and a random ranking.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        kind : {"lift", "gain"}, default="lift"
            What is plotted.
        name : str, default=None
            Name for the legend. None: the name of the display.
        **line_kw : dict
            Keywords for matplotlib's ``plot``, for the curve.

        Returns
        -------
        LiftCurveDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If ``kind`` is invalid, or the attributes of the display do not fit together. Also if
            matplotlib does not take a keyword.
        """
        check_choice("kind", kind, tuple(_Y_LABELS))
        check_is_display_data(self, "contacted", "gain")
        ax = self._open(ax)
        is_first, n_curves = not ax.lines, len(ax.lines) // 3  # each comes with two limits
        name = self.name if name is None else name
        style = {"label": None if name is None else self._room.labels([name], 40)[0][0]} | line_kw
        style = {"color": PALETTE[n_curves % len(PALETTE)]} | style
        with keywords(line_kw):
            (self.line_,) = ax.plot(self.contacted, getattr(self, kind), **style)
        self.best_line_, self.chance_line_ = self._draw_limits(ax, kind, is_first)
        ax.xaxis.set_major_formatter(percent_ticks())
        if kind == "gain":
            ax.yaxis.set_major_formatter(percent_ticks())
        ax.set(xlabel="Share of the samples, highest scores first", ylabel=_Y_LABELS[kind])
        ax.set(xlim=(0, 1), ylim=(0, None))
        self._room.dress(ax)
        self._room.legend(ax, self._room.font_for(ax.get_legend_handles_labels()[1]))
        return self

    def _draw_limits(self, ax, kind, is_first):
        shares = np.linspace(0, 1, 201)[1:]
        best = np.minimum(shares / self.base_rate, 1)
        best, chance = (best, shares) if kind == "gain" else (best / shares, np.ones(len(shares)))
        lines = (best, "black", ":", "Perfect ranking"), (chance, "grey", "--", "Random ranking")
        for values, color, style, label in lines:
            label = label if is_first else None  # one entry, however many curves share the axes
            yield ax.plot(shares, values, color=color, linestyle=style, label=label)[0]


def curve(positive, scores):
    """Shares of all samples and of the positives, from zero, one point for each distinct score."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    found = np.cumsum(positive[order])[ends]
    contacted = np.append(0.0, (ends + 1) / len(scores))
    return contacted, np.append(0.0, found / positive.sum())


def _two_classes(estimator):
    classes = list(getattr(estimator, "classes_", ()))
    if len(classes) != 2:
        said = f"it has {len(classes)} classes" if classes else "it is no classifier"
        raise ValueError(
            f"A lift curve needs a classifier with two classes; {said}. For one class of several, "
            "call from_predictions(y == label, scores)."
        )
    return [each.item() if isinstance(each, np.generic) else each for each in classes]


def _scores_of(estimator, X, position):
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(X))[:, position]
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(X)) * (1 if position else -1)
    raise TypeError(
        f"{type(estimator).__name__} has neither predict_proba nor decision_function, so it does "
        "not rank samples."
    )


def _is_missing(label):
    # Comparing pandas' NA gives NA, which has no truth value.
    return label is None or type(label).__name__ in ("NAType", "NaTType") or label != label


def _positives(y_true, pos_label):
    """Whether each label is the positive one; there must be both kinds."""
    missing = np.array([_is_missing(label) for label in y_true.tolist()])
    if missing.any():
        raise ValueError(
            f"The labels of y_true are missing in row {int(missing.argmax())} "
            f"({int(missing.sum()):,} such rows). Leave these samples out."
        )
    try:
        found = np.unique(y_true).tolist()
    except TypeError as error:
        raise ValueError(f"The labels of y_true cannot be compared: {error}.") from error
    if pos_label is None:
        if not (set(found) <= {0, 1} or set(found) <= {-1, 1}):
            raise ValueError(
                f"y_true holds the labels {found[:5]}, so the positive class is ambiguous. Name "
                "it by pos_label."
            )
        pos_label = 1
    positive = np.asarray(y_true == pos_label)
    if len(found) > 2:
        raise ValueError(
            f"y_true holds {len(found)} labels; a lift curve needs two classes. Pass y == label."
        )
    if not positive.any() or positive.all():
        which = "only" if positive.any() else "no"
        raise ValueError(
            f"y_true holds {which} samples of the positive class {shown(pos_label)}, so that no "
            "ranking is better than another. Use samples of both classes."
        )
    return positive
