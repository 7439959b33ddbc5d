"""TrainingHistoryDisplay: the loss of each epoch of a fit."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skbseq._checks import shown, to_numbers
from skbseq._monitors import best_epoch, is_ranking
from skbseq.inspection._drawing import PALETTE, Display, keywords

__all__ = ["TrainingHistoryDisplay"]

_INNER = ("best_estimator_", "estimator_", "estimator")


@dataclass(eq=False, repr=False, kw_only=True)
class TrainingHistoryDisplay(Display):
    """Plot the loss of each epoch, on the training and the held-out samples.

    Use :meth:`from_estimator` to create a display. Its data are stored as attributes;
    :meth:`~TrainingHistoryDisplay.plot` plots them again.

    Parameters
    ----------
    history : dict of str to ndarray of float of shape (n_epochs,)
        Values of each quantity by epoch. The values of held-out samples have names that begin with
        ``val_``.

    Attributes
    ----------
    line_ : matplotlib.lines.Line2D or None
        The values on the training samples, if there are any.
    held_out_line_ : matplotlib.lines.Line2D or None
        The values on held-out samples, if there are any.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Score against the number of samples.

    Notes
    -----
    :meth:`frame` has one row for each epoch, with the column ``epoch`` from 1 and a column for
    each quantity.

    Examples
    --------
    >>> from skbseq.inspection import TrainingHistoryDisplay
    >>> history = {"loss": [0.7, 0.5, 0.4], "val_loss": [0.7, 0.6, 0.65]}
    >>> display = TrainingHistoryDisplay(history=history).plot()
    >>> display.best_epoch()
    2
    """

    history: dict

    @classmethod
    def from_estimator(cls, estimator, *, quantity="loss", ax=None, **line_kw):
        """Plot the history of a fitted network.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator of skbseq with ``history_``, or a pipeline or a search that contains
            one.
        quantity : str, default="loss"
            What is plotted: "loss", or the name of a metric that the fit has recorded, such as
            "ndcg@10", without ``val_``.
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **line_kw : dict
            Keywords for matplotlib's ``plot``, for both lines.

        Returns
        -------
        TrainingHistoryDisplay
            The plotted display.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError
            If no estimator in it has a history, or ``ax`` is not axes.
        ValueError
            If the history lacks this quantity. Also if matplotlib does not take a keyword.
        """
        if not hasattr(estimator, "fit"):
            raise TypeError(f"estimator must be a fitted estimator; got {shown(estimator)}.")
        check_is_fitted(estimator)
        network = _network_of(estimator)
        history = {name: np.asarray(values) for name, values in network.history_.items()}
        return cls(history=history).plot(ax, quantity=quantity, **line_kw)

    def best_epoch(self, quantity="loss"):
        """Epoch with the best value on held-out samples, or on the training samples.

        The highest value of "ndcg@10", "recall@20" and the like is the best, and the lowest of any
        other quantity, such as a loss.

        Parameters
        ----------
        quantity : str, default="loss"
            Name of the quantity.

        Returns
        -------
        int
            Counted from 1.

        Raises
        ------
        ValueError
            If the history lacks this quantity.
        """
        values = [each for each in self._values(quantity) if each is not None][-1]
        return best_epoch(values, quantity)

    def _values(self, quantity):
        """Values on training and on held-out samples; None where there are none."""
        names = dict.fromkeys(name.removeprefix("val_") for name in self.history)
        if not isinstance(quantity, str) or quantity not in names:
            raise ValueError(
                f"The history has no quantity {shown(quantity)}; it has "
                f"{', '.join(map(repr, names)) or 'none'}."
            )
        found = (self.history.get(name) for name in (quantity, f"val_{quantity}"))
        return [None if values is None else to_numbers(quantity, values) for values in found]

    def _columns(self):
        values = {name: np.asarray(each, np.float64) for name, each in self.history.items()}
        n_epochs = len(next(iter(values.values()), ()))
        return {"epoch": np.arange(1, n_epochs + 1), **values}

    def plot(self, ax=None, *, quantity="loss", **line_kw):
        """Plot one quantity by epoch.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        quantity : str, default="loss"
            Name of the quantity.
        **line_kw : dict
            Keywords for matplotlib's ``plot``, for both lines.

        Returns
        -------
        TrainingHistoryDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If the history lacks this quantity. Also if matplotlib does not take a keyword.
        """
        values, held_out = self._values(quantity)
        ax = self._open(ax)
        self.line_ = self._draw(ax, values, "training samples", PALETTE[0], line_kw)
        self.held_out_line_ = self._draw(ax, held_out, "held-out samples", PALETTE[6], line_kw)
        if held_out is not None:
            best, end = self.best_epoch(quantity), "highest" if is_ranking(quantity) else "lowest"
            ax.axvline(best, color="grey", linestyle=":", label=f"{end}: epoch {best}")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel="Epoch", ylabel=_label_of(quantity))
        self._room.dress(ax)
        self._room.legend(ax)
        return self

    def _draw(self, ax, values, label, color, line_kw):
        if values is None:
            return None
        style = {"color": color, "marker": "o", "markersize": 4, "label": label} | line_kw
        with keywords(line_kw):
            return ax.plot(np.arange(1, len(values) + 1), values, **style)[0]


def _label_of(quantity):
    name = quantity.replace("_", " ").capitalize()
    return name.replace("Ndcg@", "NDCG@")


def _network_of(estimator):
    """The estimator itself, or the last one inside it, with a history."""
    inner = estimator
    while not hasattr(inner, "history_"):
        steps = getattr(inner, "steps", None)
        names = [name for name in _INNER if hasattr(inner, name)]
        if not steps and not names:
            raise TypeError(
                f"{type(estimator).__name__} has no history_. Pass a fitted network of skbseq, "
                "such as LSTMBehaviorClassifier, or a pipeline that ends with one."
            )
        inner = steps[-1][1] if steps else getattr(inner, names[0])
    return inner
