"""compare_logs: whether the behaviour of one log differs from that of another beyond chance."""

import warnings
from dataclasses import dataclass

import numpy as np

from skbseq import _frames
from skbseq._checks import (
    check_choice,
    check_count,
    check_random_state,
    is_real,
    shown,
    to_numbers,
)
from skbseq.exceptions import InvalidLogError
from skbseq.inspection._divergences import (
    Observations,
    bins_of,
    chance_distances,
    distances,
    smoothed_shares,
    unknown_counts,
)
from skbseq.inspection._drawing import (
    PALETTE,
    Display,
    as_percent,
    check_is_display_data,
    keywords,
)
from skbseq.inspection._flat_events import FlatEvents, flat_events
from skbseq.inspection._gaps import as_span, gaps_of

__all__ = ["DriftDisplay", "compare_logs"]

_UNKNOWN = "unknown values"
_BAND = "#c8c8c8"
_ARROW = " → "


@dataclass(eq=False, repr=False, kw_only=True)
class DriftDisplay(Display):
    """Table and plot of how far two logs differ, made by :func:`compare_logs`.

    Parameters
    ----------
    aspects : list of str
        What was compared, such as "event mix".
    psi, js : ndarray of float of shape (n_aspects,)
        Population stability index and Jensen-Shannon distance. NaN where a log has no
        observations.
    psi_chance, js_chance : ndarray of float of shape (n_aspects,)
        The values that they reach by chance, at ``level``.
    p_values : ndarray of float of shape (n_aspects,)
        Share of the permutations with at least this index, the given logs included.
    cells : dict of str to (list of str, ndarray of int, ndarray of int)
        For each aspect the names of its cells, and the counts of the reference and the current
        log.
    level : float
        Level of the values by chance.

    Attributes
    ----------
    bars_ : matplotlib.container.BarContainer
        The range of the index by chance.
    points_ : matplotlib.collections.PathCollection
        The index of each aspect.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Notes
    -----
    :meth:`frame` has one row for each aspect, with the columns ``aspect``, ``psi``,
    ``psi_chance``, ``js``, ``js_chance``, ``p_value``, ``beyond_chance``, ``largest_change`` (the
    cell that adds most to the index), ``reference_share`` and ``current_share`` (of this cell).

    Examples
    --------
    >>> import numpy as np
    >>> from skbseq.inspection import DriftDisplay
    >>> counts = ["view", "buy"], np.array([80, 20]), np.array([60, 40])
    >>> drift = DriftDisplay(
    ...     aspects=["event mix"],
    ...     psi=np.array([0.19]),
    ...     js=np.array([0.15]),
    ...     psi_chance=np.array([0.11]),
    ...     js_chance=np.array([0.12]),
    ...     p_values=np.array([0.004]),
    ...     cells={"event mix": counts},
    ...     level=0.99,
    ... )
    >>> drift.frame()["largest_change"].tolist()
    ['buy']
    """

    aspects: list
    psi: np.ndarray
    js: np.ndarray
    psi_chance: np.ndarray
    js_chance: np.ndarray
    p_values: np.ndarray
    cells: dict
    level: float

    @property
    def beyond_chance(self):
        """Whether the index of each aspect is above the value by chance."""
        return self.psi > self.psi_chance  # False for NaN

    def details(self, library="pandas"):
        """Counts of all cells of all aspects as a table.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default="pandas"
            Library of the table.

        Returns
        -------
        table of ``library``
            Columns ``aspect``, ``cell``, ``reference`` and ``current`` (counts),
            ``reference_share`` and ``current_share``.

        Raises
        ------
        ValueError
            If there is no library of this name.
        """
        check_choice("library", library, ("pandas", "polars", "pyarrow"))
        sizes = [len(names) for names, _, _ in self.cells.values()]
        shares = [tuple(map(_shares, counts)) for _, *counts in self.cells.values()]
        columns = {
            "aspect": np.repeat(np.array(self.aspects, object), sizes),
            "cell": [name for names, _, _ in self.cells.values() for name in names],
            "reference": np.concatenate([counts for _, counts, _ in self.cells.values()]),
            "current": np.concatenate([counts for _, _, counts in self.cells.values()]),
            "reference_share": np.concatenate([reference for reference, _ in shares]),
            "current_share": np.concatenate([current for _, current in shares]),
        }
        return _frames.frame_from_columns(columns, like=library)

    def _columns(self):
        largest = [_largest(*self.cells[aspect]) for aspect in self.aspects]
        names, reference, current = zip(*largest, strict=True)
        return {
            "aspect": list(self.aspects),
            "psi": self.psi,
            "psi_chance": self.psi_chance,
            "js": self.js,
            "js_chance": self.js_chance,
            "p_value": self.p_values,
            "beyond_chance": self.beyond_chance,
            "largest_change": list(names),
            "reference_share": np.array(reference),
            "current_share": np.array(current),
        }

    def plot(self, ax=None, **scatter_kw):
        """Plot the index of each aspect, with its range by chance.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **scatter_kw : dict
            Keywords for matplotlib's ``scatter``, for the indices.

        Returns
        -------
        DriftDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If the attributes of the display do not fit together. Also if matplotlib does not take
            a keyword.
        """
        check_is_display_data(self, "aspects", "psi", "psi_chance", "p_values")
        ax = self._open(ax, (9, 1.6 + 0.5 * len(self.aspects)))
        rows, beyond = np.arange(len(self.aspects)), self.beyond_chance
        band = f"chance, {100 * self.level:.6g}% of permutations"
        self.bars_ = ax.barh(rows, self.psi_chance, height=0.5, color=_BAND, label=band)
        colors = [PALETTE[6] if each else PALETTE[0] for each in beyond]
        style = {"c": colors, "s": 60, "zorder": 3, "edgecolors": "black"} | scatter_kw
        with keywords(scatter_kw):
            self.points_ = ax.scatter(self.psi, rows, **style)
        highest = np.nanmax(np.append(np.maximum(self.psi, self.psi_chance), 1e-3))
        ax.set_yticks(rows, self.aspects)
        ax.invert_yaxis()
        ax.set(xlabel="Population stability index", xlim=(0, 1.1 * highest))
        ax.spines[["top", "right"]].set_visible(False)
        self._room.legend(ax, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
        self._room.dress(ax)
        self._write_changes(ax)
        return self

    def _write_changes(self, ax):
        columns = self._columns()
        font, room = self._room.font_for(columns["largest_change"]), self._room
        # Each side of a transition is shortened by itself.
        parts = [name.split(_ARROW) for name in columns["largest_change"]]
        labels = [_ARROW.join(room.labels(each, 44 // len(each))[0]) for each in parts]
        shares = zip(labels, columns["reference_share"], columns["current_share"], strict=True)
        for row, (label, before, after) in enumerate(shares):
            text = f"{label}: {as_percent(before)}{_ARROW}{as_percent(after)}"
            color = "black" if self.beyond_chance[row] else "dimgrey"
            if np.isnan(self.psi[row]):
                text = "no observations in one of the logs"
            if room.is_small:
                text = room.wrap(text, 0.5 * room.width, "small")
            place = {"xycoords": ("axes fraction", "data"), "va": "center"}
            place["size"] = room.size("small")
            ax.annotate(text, (1.02, row), annotation_clip=False, color=color, **place | font)


def compare_logs(
    reference,
    current,
    *,
    column=None,
    reference_scores=None,
    current_scores=None,
    n_bins=10,
    max_categories=30,
    n_permutations=500,
    level=0.99,
    random_state=None,
):
    """Compare the behaviour of two logs, and what would differ by chance.

    The population stability index (PSI) is often compared with fixed limits, such as 0.2. In small
    logs it exceeds them by chance. Here each index comes with the value that it reaches by chance
    in logs of this size: users are exchanged between the two logs at random.

    Parameters
    ----------
    reference : EventLog
        A clean log, such as that of the training period.
    current : EventLog
        A clean log to compare with it, such as that of the last month. It must cover a span of
        about the same length, because lengths and gaps depend on it.
    column : str, default=None
        Column of the categories, in both logs. None: the behaviours of each log.
    reference_scores : array-like of shape (n_samples,), default=None
        Predictions for samples of the reference.
    current_scores : array-like of shape (n_samples,), default=None
        Predictions for current samples. None: scores are not compared.
    n_bins : int, default=10
        Number of bins for gaps, lengths and scores, of about equal numbers in both logs together.
    max_categories : int, default=30
        The most frequent categories of both logs are compared; the others are one category. For
        transitions it is at most 10.
    n_permutations : int, default=500
        Number of random exchanges of users: at least 20, and at least ``1 / (1 - level) - 1``,
        which is 99 for the default level.
    level : float, default=0.99
        Level of the values by chance: without any drift, one comparison in a hundred of each
        aspect exceeds them.
    random_state : int, numpy.random.RandomState or None, default=None
        Pass an int for the same result on every call.

    Returns
    -------
    DriftDisplay
        With ``frame()``, ``details()`` and ``plot()``. Aspects: "event mix", "transitions",
        "unknown values" (categories that do not occur in the reference), "gaps", "lengths"
        (events per user), and "scores" if given.

    Raises
    ------
    InvalidLogError
        If a log is not clean, has no events or no such column, or the logs have no category in
        common.
    TypeError
        If a log is no EventLog.
    ValueError
        If a parameter is out of range, or only one of the scores is given.

    Warns
    -----
    UserWarning
        If the logs cover spans of different lengths.

    Notes
    -----
    With the shares :math:`p_c` and :math:`q_c` of cell :math:`c` in both logs and their mean
    :math:`m_c`

    .. math::

        \\mathrm{PSI} = \\sum_c (p_c - q_c) \\ln \\frac{p_c}{q_c}, \\qquad
        \\mathrm{JS} = \\sqrt{\\tfrac{1}{2} \\sum_c
        \\Big( p_c \\log_2 \\frac{p_c}{m_c} + q_c \\log_2 \\frac{q_c}{m_c} \\Big)}

    The share of one observation is added to each cell, so that no index is infinite. The events of
    a user are not independent, so a permutation exchanges whole users. Users of both logs exchange
    their two histories. Scores are exchanged one by one.

    Examples
    --------
    >>> from skbseq import EventLog
    >>> from skbseq.datasets import make_shop_log
    >>> from skbseq.inspection import compare_logs
    >>> shop = make_shop_log(400, random_state=0)
    >>> log = EventLog(shop.events, **shop.roles, until="2026-03-02").clean()
    >>> drift = compare_logs(
    ...     log.clean(latest="2026-01-31"), log.clean(earliest="2026-01-31"), random_state=0
    ... )
    >>> drift.frame("pyarrow")["beyond_chance"].to_pylist()
    [False, False, False, False, False]
    """
    _check_parameters(n_bins, max_categories, n_permutations, level)
    rng = check_random_state(random_state)
    logs = (reference, current)
    sides = [flat_events(log, column, name=n) for log, n in zip(logs, _NAMES, strict=True)]
    _check_in_common(*sides)
    _check_spans(reference, current)
    is_current, partner = _units(reference, current)
    both = _join(*sides)
    aspects = _observe(both, logs, n_bins, max_categories)
    chance = chance_distances(list(aspects.values()), is_current, partner, rng, n_permutations)
    found = {name: _counts(*each, is_current) for name, each in aspects.items()}
    scores = _read_scores(reference_scores, current_scores)
    if scores is not None:
        observations, side = _observe_scores(*scores, n_bins)
        alone = np.full(len(side), -1)
        more = chance_distances([(observations, None)], side, alone, rng, n_permutations)
        chance = np.concatenate([chance, more])
        found["scores"] = _counts(observations, None, side)
    return _display(found, chance, level)


_NAMES = ("reference", "current")


def _counts(observations, prepare, is_current):
    """Names of the cells, and their counts in both logs."""
    counts, names = observations.split(is_current), observations.names
    if prepare is not None:
        counts, names = prepare(*counts), [_UNKNOWN, "known values"]
    return (names, *(np.rint(side).astype(np.int64) for side in counts))


def _display(cells, chance, level):
    """The display of counts, and of the distances of permutations."""
    pairs = [counts for _, *counts in cells.values()]
    found = np.array([distances(*counts) for counts in pairs])
    empty = np.array([not all(side.any() for side in counts) for counts in pairs])
    # Of n permutations and the given logs, a share of at most 1 - level lies above.
    chance[empty] = 0
    limits = np.nanquantile(chance, level, axis=2, method="higher")
    # Rounding may differ between equal distances. A permutation that leaves a side empty counts as
    # one with a larger distance.
    above = (~(chance[:, 0] < found[:, :1] - 1e-12)).sum(axis=1)
    p_values = (1 + above) / (chance.shape[2] + 1)
    for values in (found, limits, p_values):
        values[empty] = np.nan
    return DriftDisplay(
        aspects=list(cells),
        psi=found[:, 0],
        js=found[:, 1],
        psi_chance=limits[:, 0],
        js_chance=limits[:, 1],
        p_values=p_values,
        cells=cells,
        level=level,
    )


# ------------------------------------------------------------------ observations


def _join(reference, current):
    """Events of both logs with common codes; the users of the current log come last."""
    names = sorted({*reference.names, *current.names})
    place = {name: i for i, name in enumerate(names)}
    codes = [np.array([place[n] for n in side.names])[side.codes] for side in (reference, current)]
    offsets = np.append(reference.offsets[:-1], current.offsets + reference.offsets[-1])
    return FlatEvents(np.concatenate(codes), names, offsets, reference.column)


def _observe(events, logs, n_bins, max_categories):
    """For each aspect its observations, and what becomes of their counts, if anything."""
    n_users, users = len(events.offsets) - 1, events.users
    folded = events.folded(max_categories)
    every = Observations.collect(events.codes, users, n_users, events.names)
    few = events.folded(min(max_categories, 10))
    before = np.flatnonzero(few.continues)
    pairs = few.codes[before] * len(few.names) + few.codes[before + 1]
    pair_names = [f"{a}{_ARROW}{b}" for a in few.names for b in few.names]
    gaps, gap_names = bins_of(np.concatenate([gaps_of(log) for log in logs]), n_bins, as_span)
    lengths, length_names = bins_of(np.diff(events.offsets), n_bins, "{:,.0f}".format, whole=True)
    collect = Observations.collect
    return {
        "event mix": (collect(folded.codes, users, n_users, folded.names), None),
        "transitions": (collect(pairs, users[before], n_users, pair_names), None),
        _UNKNOWN: (every, unknown_counts),
        "gaps": (collect(gaps, users[before], n_users, gap_names), None),
        "lengths": (collect(lengths, np.arange(n_users), n_users, length_names), None),
    }


def _observe_scores(reference, current, n_bins):
    """The scores, each of its own unit, and whether each is a current one."""
    values = np.concatenate([reference, current])
    cells, names = bins_of(values, n_bins, "{:.3g}".format)
    observations = Observations.collect(cells, np.arange(len(values)), len(values), names)
    return observations, np.arange(len(values)) >= len(reference)


def _units(reference, current):
    """Whether each unit, a user in a log, is of the current one, and its other unit."""
    users = [log._index.users for log in (reference, current)]
    n_reference, n_current = map(len, users)
    is_current = np.arange(n_reference + n_current) >= n_reference
    partner = np.full(n_reference + n_current, -1)
    try:
        found = _frames.index_in(users[1], users[0])
    except TypeError:  # ids of types that cannot be compared are those of different users
        return is_current, partner
    common = np.flatnonzero(found >= 0)
    partner[n_reference + common] = found[common]
    partner[found[common]] = n_reference + common
    return is_current, partner


def _shares(counts):
    total = counts.sum()
    return counts / total if total else np.full(len(counts), np.nan)


def _largest(names, reference, current):
    """The cell that adds most to the index, and its shares."""
    if not (reference.any() and current.any()):
        return "", np.nan, np.nan
    p, q = smoothed_shares(reference, current)
    at = int(np.argmax((p - q) * np.log(p / q)))
    return names[at], float(_shares(reference)[at]), float(_shares(current)[at])


# ------------------------------------------------------------------ checks


def _check_parameters(n_bins, max_categories, n_permutations, level):
    check_count("n_bins", n_bins, least=2, most=1000)
    check_count("max_categories", max_categories, most=10_000)
    check_count("n_permutations", n_permutations, least=20, most=10**6)
    if not is_real(level) or not 0.5 <= level < 1:
        raise ValueError(f"level must be at least 0.5 and below 1; got {shown(level)}.")
    # The smallest p-value is that of no permutation above: 1 / (n_permutations + 1).
    needed = int(np.ceil(1 / (1 - level) - 1e-6)) - 1
    if n_permutations < needed:
        raise ValueError(
            f"n_permutations={n_permutations:,} cannot show what happens by chance in "
            f"{100 * (1 - level):.3g}% of the cases (level={level:g}). Use n_permutations="
            f"{needed} or more, or a lower level."
        )


def _check_in_common(reference, current):
    if not set(reference.names) & set(current.names):
        raise InvalidLogError(
            f"The logs have no value of {reference.column!r} in common: the reference has "
            f"{_some(reference.names)}, the current log {_some(current.names)}. Check that both "
            "columns have the same meaning and the same spelling."
        )


def _some(names):
    return ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")


def _check_spans(reference, current):
    spans = [(log._until - log._first()) / log._clock.per_second for log in (reference, current)]
    if max(spans) > 1.5 * min(spans):
        warnings.warn(
            f"The reference covers {as_span(spans[0])} and the current log {as_span(spans[1])}. "
            "Lengths and gaps differ for this reason alone. Cut the longer one: "
            "log.clean(earliest=..., latest=...).",
            UserWarning,
            stacklevel=3,
        )


def _read_scores(reference, current):
    if reference is None and current is None:
        return None
    if reference is None or current is None:
        raise ValueError("Give both reference_scores and current_scores, or neither.")
    scores = []
    for name, values in (("reference_scores", reference), ("current_scores", current)):
        values = to_numbers(name, values)
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
            raise ValueError(
                f"{name} must hold finite numbers, one for each sample; got shape {values.shape}"
                f"{'' if np.isfinite(values).all() else ' with NaN or infinity'}."
            )
        scores.append(values)
    return scores
