"""EmbeddingMapDisplay: vectors of histories in two dimensions."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skbseq import _frames
from skbseq._checks import shown
from skbseq.inspection._drawing import (
    Display,
    check_is_display_data,
    colors_of,
    fold,
    keywords,
)
from skbseq.inspection._flat_events import MISSING, as_name, check_limit

__all__ = ["EmbeddingMapDisplay"]


@dataclass(eq=False, repr=False, kw_only=True)
class EmbeddingMapDisplay(Display):
    """Plot vectors as points in the plane of their two main directions.

    Use :meth:`from_estimator` or :meth:`from_vectors` to create a display. Its data are stored as
    attributes; :meth:`~EmbeddingMapDisplay.plot` plots them again.

    Parameters
    ----------
    points : ndarray of float of shape (n_samples, 2)
        First and second principal component of each vector.
    variance : ndarray of float of shape (2,)
        Share of the variance of the vectors along each of them.
    codes : ndarray of int of shape (n_samples,)
        Position of the label of each sample in ``names``.
    names : list of str
        Labels, the most frequent first.

    Attributes
    ----------
    points_ : matplotlib.collections.PathCollection
        The points.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    See Also
    --------
    skbseq.BehaviorEmbedder : Vectors of histories.

    Notes
    -----
    The axes name the share of the variance that they show. If it is small, groups that are apart
    in all dimensions may overlap here.

    :meth:`frame` has one row for each sample, with the columns ``x``, ``y`` and ``label``.

    Examples
    --------
    >>> import numpy as np
    >>> from skbseq.inspection import EmbeddingMapDisplay
    >>> vectors = np.array([[0.0, 1.0, 0.0], [0.0, 3.0, 0.0], [1.0, 2.0, 0.0]])
    >>> display = EmbeddingMapDisplay.from_vectors(vectors, labels=["a", "b", "b"])
    >>> display.variance.round(2).tolist()
    [0.75, 0.25]
    """

    points: np.ndarray
    variance: np.ndarray
    codes: np.ndarray
    names: list

    @classmethod
    def from_estimator(cls, estimator, X, *, labels=None, max_categories=10, ax=None, **kw):
        """Transform samples with a fitted transformer, and plot their vectors.

        Parameters
        ----------
        estimator : transformer
            A fitted transformer, such as :class:`~skbseq.BehaviorEmbedder`.
        X : array-like or sequence frame of shape (n_samples, n_columns)
            Samples.
        labels : array-like of shape (n_samples,), default=None
            A category of each sample, for the colours.
        max_categories : int, default=10
            The most frequent labels are shown, at most 10; the others become "other".
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **kw : dict
            Keywords for matplotlib's ``scatter``.

        Returns
        -------
        EmbeddingMapDisplay
            The plotted display.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError
            If ``estimator`` is no transformer, or ``ax`` not axes.
        ValueError
            If the vectors cannot be plotted; see :meth:`from_vectors`. Also if matplotlib does not
            take a keyword.
        """
        if not hasattr(estimator, "transform"):
            raise TypeError(f"estimator must be a fitted transformer; got {shown(estimator)}.")
        check_is_fitted(estimator)
        vectors = estimator.transform(X)
        return cls.from_vectors(vectors, labels=labels, max_categories=max_categories, ax=ax, **kw)

    @classmethod
    def from_vectors(cls, vectors, *, labels=None, max_categories=10, ax=None, **kw):
        """Project vectors, and plot them.

        Parameters
        ----------
        vectors : array-like of shape (n_samples, n_features)
            At least two vectors with at least two features.
        labels : array-like of shape (n_samples,), default=None
            A category of each sample, for the colours.
        max_categories : int, default=10
            The most frequent labels are shown, at most 10; the others become "other".
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **kw : dict
            Keywords for matplotlib's ``scatter``.

        Returns
        -------
        EmbeddingMapDisplay
            The plotted display.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If there are too few vectors, they are not finite or all equal, or the number of labels
            differs. Also if matplotlib does not take a keyword.
        """
        check_limit(max_categories)
        vectors = check_array(
            vectors,
            dtype=np.float64,
            ensure_min_samples=2,
            ensure_min_features=2,
            input_name="vectors",
        )
        if not np.ptp(vectors, axis=0).any():
            raise ValueError(
                "All vectors are equal, so there is nothing to plot. Check the samples."
            )
        pca = PCA(2, svd_solver="full")
        points = pca.fit_transform(vectors)
        codes, names = np.zeros(len(points), np.int64), ["samples"]
        if labels is not None:
            check_consistent_length(vectors, labels)
            codes, names = _read_labels(labels, max_categories)
        variance = pca.explained_variance_ratio_
        display = cls(points=points, variance=variance, codes=codes, names=names)
        return display.plot(ax, **kw)

    def _columns(self):
        return {
            "x": self.points[:, 0],
            "y": self.points[:, 1],
            "label": np.array(self.names, object)[self.codes],
        }

    def plot(self, ax=None, **kw):
        """Plot the points.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **kw : dict
            Keywords for matplotlib's ``scatter``.

        Returns
        -------
        EmbeddingMapDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If ``points`` and ``codes`` do not fit together. Also if matplotlib does not take a
            keyword.
        """
        from matplotlib.lines import Line2D

        check_is_display_data(self, "points", "codes")
        ax = self._open(ax, (7, 5))
        palette = np.array(colors_of(self.names), object)
        size = float(np.clip(20_000 / len(self.points), 3, 40))
        style = {"c": palette[self.codes].tolist(), "s": size, "linewidths": 0} | kw
        with keywords(kw):
            self.points_ = ax.scatter(*self.points.T, **style)
        for axis, name, share in zip("xy", ("First", "Second"), self.variance, strict=True):
            label = f"{name} principal component ({share:.0%} of the variance)"
            ax.set(**{f"{axis}label": label})
        if len(self.names) > 1:
            labels, font = self._room.labels(self.names)
            dot = {"marker": "o", "linestyle": ""}
            pairs = zip(palette, labels, strict=True)
            handles = [Line2D([], [], color=color, label=text, **dot) for color, text in pairs]
            self._room.legend_right(ax, font, handles=handles)
        self._room.dress(ax)
        return self


def _read_labels(labels, max_categories):
    codes, values = _frames.encode(_frames.make_array(labels))
    names = [as_name(value) for value in values.to_pylist()]
    if (codes < 0).any():
        codes = np.where(codes < 0, len(names), codes)
        names.append(MISSING)
    counts = np.bincount(codes, minlength=len(names))
    new_code, names = fold(counts, names, max_categories)
    return new_code[codes], names
