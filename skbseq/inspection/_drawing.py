"""What all displays share: the palette, axes, matrices, and tables of the data."""

from contextlib import contextmanager

import numpy as np

from skbseq import _frames
from skbseq._checks import check_choice, shown
from skbseq.inspection._labels import Room, width_of

# Ten colours that people with each kind of colour blindness can tell apart (Petroff 2021,
# arXiv:2107.02270). The "other" category is grey.
PALETTE = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#92dadd"),
    *("#a96b59", "#e76300", "#b9ac70", "#4e7a4a", "#717581"),
)
OTHER_COLOR = "#dcdcdc"
MOST_CATEGORIES = 10
# A matrix of more rows or columns has no numbers in its cells.
_MOST_WITH_NUMBERS = (24, 13)
_SMALLEST_NUMBER = 4.5  # points


class Display:
    """The methods of every display of this module.

    A display keeps its data in attributes and plots them as often as it is asked to.
    """

    def frame(self, library="pandas"):
        """Data of the display as a table, with names in full.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default="pandas"
            Library of the table.

        Returns
        -------
        table of ``library``
            See the notes of the class for its columns.

        Raises
        ------
        ValueError
            If there is no library of this name.
        """
        check_choice("library", library, ("pandas", "polars", "pyarrow"))
        return _frames.frame_from_columns(self._columns(), like=library)

    def __repr__(self):
        data = {n: v for n, v in vars(self).items() if not (n.endswith("_") or n[0] == "_")}
        arrays = {n: v for n, v in data.items() if isinstance(v, np.ndarray)}
        shapes = (f"{name} of shape {value.shape}" for name, value in arrays.items())
        return f"<{type(self).__name__}: {', '.join(shapes)}>"

    def _open(self, ax, size=(6.4, 4.8)):
        """Axes to plot on and their room, also as attributes."""
        self.ax_ = open_axes(ax, size)
        self.figure_ = self.ax_.figure
        self._room = Room(self.ax_, is_given=ax is not None)
        return self.ax_


def open_axes(ax, size=(6.4, 4.8)):
    """The given axes, or those of a new figure.

    Raises
    ------
    TypeError
        If ``ax`` is not the axes of a figure.
    """
    from matplotlib.axes import Axes
    from matplotlib.pyplot import subplots

    if ax is not None and not isinstance(ax, Axes):
        raise TypeError(f"ax must be the axes of a figure of matplotlib; got {shown(ax)}.")
    return subplots(figsize=size, layout="constrained")[1] if ax is None else ax


def check_is_display_data(display, *names):
    """Refuse attributes of a display that are not arrays of equal length.

    Raises
    ------
    ValueError
        If one is not an array, or their lengths differ.
    """
    lengths = {}
    for name in names:
        value = getattr(display, name)
        if not isinstance(value, (np.ndarray, list, tuple)) or np.ndim(value) == 0:
            raise ValueError(f"{name} must be an array; got {shown(value)}.")
        lengths[name] = len(value)
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{', '.join(names)} must have one length; got {lengths}.")


@contextmanager
def keywords(given):
    """Draw in this context with keywords of the user.

    Raises
    ------
    ValueError
        If matplotlib does not take one of them.
    """
    try:
        yield
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"matplotlib cannot draw with {given}: {error}") from error


# ------------------------------------------------------------------ categories


def fold(counts, names, limit):
    """Keep the most frequent categories, and make one of the others.

    Parameters
    ----------
    counts : ndarray of int of shape (n_categories,)
        Frequencies; ties are kept in the given order.
    names : list of str
    limit : int
        How many categories are kept.

    Returns
    -------
    new_code : ndarray of int of shape (n_categories,)
    new_names : list of str
        By falling frequency; the last one says how many categories "other" holds.
    """
    order = np.argsort(-np.asarray(counts), kind="stable")
    kept = order[:limit]
    new_code = np.full(len(names), len(kept), np.int64)
    new_code[kept] = np.arange(len(kept))
    n_others = len(names) - len(kept)
    others = [f"other ({n_others:,} values)"] if n_others > 1 else []
    if n_others == 1:  # one category needs no collective name
        others = [names[order[-1]]]
    return new_code, [*(names[i] for i in kept), *others]


def colors_of(names):
    """A colour for each category; grey for the one that :func:`fold` makes of many."""
    palette = [PALETTE[i % len(PALETTE)] for i in range(len(names))]
    if len(names) > len(PALETTE):
        palette[len(PALETTE) :] = [OTHER_COLOR] * (len(names) - len(PALETTE))
    elif is_folded(names):
        palette[-1] = OTHER_COLOR
    return palette


def is_folded(names):
    """Whether the last name is the one that :func:`fold` makes of many."""
    return bool(names) and names[-1].startswith("other (") and names[-1].endswith(" values)")


# ------------------------------------------------------------------ marks


def as_percent(share):
    """A share as a short text; nothing for NaN."""
    if np.isnan(share):
        return ""
    return "<1%" if 0 < share < 0.005 else f"{100 * share:.0f}%"


def draw_matrix(
    ax, shares, *, rows, columns, room, most=None, label="", with_numbers=True, **image_kw
):
    """Shares as coloured cells, with numbers where there is room.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    shares : ndarray of float of shape (n_rows, n_columns)
        NaN cells stay empty.
    rows, columns : list of str
        Names, which are shortened.
    room : Room
        That of the axes.
    most : float, default=None
        The value of the darkest colour. None: the largest share.
    label : str, default=""
        Label of the colour bar.
    with_numbers : bool, default=True
        Whether cells have numbers, if there are few enough.
    **image_kw : dict
        Keywords for matplotlib's ``imshow``.

    Returns
    -------
    image : matplotlib.image.AxesImage
    texts : ndarray of object of shape (n_rows, n_columns), or None
    """
    most = most or max(float(np.nanmax(shares, initial=0)), 1e-9)
    style = {"cmap": "Blues", "vmin": 0, "vmax": most, "aspect": "auto"} | image_kw
    with keywords(image_kw):
        image = ax.imshow(shares, **style)
    few = all(np.less_equal(shares.shape, _MOST_WITH_NUMBERS))
    texts = None
    if few and with_numbers and (size := _size_in_cells(room, shares.shape)):
        texts = _write_cells(ax, image, shares, size)
    room.font_for([*rows, *columns])  # one warning for all
    row_labels, row_font = room.labels(rows)
    labels, font = room.labels(columns)
    bar = ax.figure.colorbar(image, ax=ax, label=label)
    bar.formatter = percent_ticks()
    bar.update_ticks()
    room.dress(ax, bar.ax)
    step = room.every(len(rows), room.height) if room.is_small else 1
    size = room.size("medium" if len(rows) <= 20 else "x-small")
    ax.set_yticks(range(0, len(rows), step), row_labels[::step], fontsize=size, **row_font)
    step = room.every(len(columns), 0.7 * room.width) if room.is_small else 1
    size = room.size("medium" if len(columns) <= 20 else "x-small")
    ax.set_xticks(range(0, len(columns), step), labels[::step], fontsize=size, **font)
    if max(map(width_of, labels), default=0) > 4:
        slant(ax)
    return image, texts


def _size_in_cells(room, shape):
    """Size of the numbers in the cells of a matrix; None without room for them."""
    usual = "small" if max(shape) <= 9 else "x-small"
    if not room.is_small:
        return usual
    width, height = 72 * 0.6 * room.width / shape[1], 72 * 0.8 * room.height / shape[0]
    size = min(room.size(usual), width / 2.2, height / 1.2)
    return size if size >= _SMALLEST_NUMBER else None


def slant(ax):
    """Turn the labels of the x axis, so that long ones do not overlap."""
    for tick in ax.get_xticklabels():
        tick.set(rotation=45, ha="right", rotation_mode="anchor")


def percent_ticks():
    """Ticks of shares as percentages."""
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1)


def _write_cells(ax, image, shares, size):
    texts = np.empty(shares.shape, object)
    for at in np.ndindex(shares.shape):
        red, green, blue, _ = image.cmap(image.norm(shares[at]))
        dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
        color = "white" if dark and not np.isnan(shares[at]) else "black"
        texts[at] = ax.text(
            at[1], at[0], as_percent(shares[at]), ha="center", va="center", color=color, size=size
        )
    return texts
