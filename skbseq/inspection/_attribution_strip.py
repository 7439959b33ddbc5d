"""EventAttributionDisplay: what each event of one customer adds to a prediction."""

from dataclasses import dataclass

import numpy as np

from skbseq import _frames
from skbseq._checks import check_count, is_several, shown, to_numbers
from skbseq._time import ticks_per_second, to_instant
from skbseq.inspection._drawing import PALETTE, Display, keywords
from skbseq.inspection._flat_events import as_name
from skbseq.inspection._gaps import as_span

__all__ = ["EventAttributionDisplay"]

_UP, _DOWN = PALETTE[0], PALETTE[6]
_MOST_NUMBERS = 12
_WIDEST_UNIT = 40


@dataclass(eq=False, repr=False, kw_only=True)
class EventAttributionDisplay(Display):
    """Plot what each event of one history adds to a prediction.

    Bars show the contributions of the events. If there are contributions of several channels,
    such as behaviour, product and time, a matrix below the bars shows them. Use
    :meth:`from_contributions` to create a display. Its data are stored as attributes;
    :meth:`~EventAttributionDisplay.plot` plots them again.

    Parameters
    ----------
    contributions : ndarray of float of shape (n_events, n_channels)
        What each channel of each event adds.
    names : list of str
        Name of each event, oldest first.
    channels : list of str
        Names of the channels.
    ages : ndarray of float of shape (n_events,), default=None
        Seconds from each event to the moment of the prediction.
    baseline : float, default=None
        The prediction without any event.
    unit : str or None, default="log-odds"
        Unit of the contributions, for the axis. None: they have none.
    total : float, default=None
        The prediction for the whole history. None: the baseline plus all contributions.
    baseline_name : str, default="without events"
        What the baseline is, for the title.

    Attributes
    ----------
    bars_ : matplotlib.container.BarContainer
        One bar for each event that is drawn.
    image_ : matplotlib.image.AxesImage or None
        The matrix of channels by events; None if there is one channel.
    ax_ : matplotlib.axes.Axes
        Axes of the bars.
    channel_ax_ : matplotlib.axes.Axes or None
        Axes of the matrix.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Notes
    -----
    :meth:`frame` has one row for each event and channel, with the columns ``event``, ``name``,
    ``age_seconds``, ``channel`` and ``contribution``. Events count from 1.

    Examples
    --------
    >>> from skbseq.inspection import EventAttributionDisplay
    >>> display = EventAttributionDisplay.from_contributions(
    ...     [0.1, -0.8],
    ...     ["view", "remove"],
    ...     times=["2026-05-03", "2026-05-30"],
    ...     cutoff="2026-06-01",
    ... )
    >>> display.labels()
    ['view / 29 d', 'remove / 2 d']
    """

    contributions: np.ndarray
    names: list
    channels: list
    ages: np.ndarray = None
    baseline: float = None
    unit: str = "log-odds"
    total: float = None
    baseline_name: str = "without events"

    @classmethod
    def from_contributions(
        cls,
        contributions,
        names,
        *,
        times=None,
        cutoff=None,
        channels=None,
        baseline=None,
        unit="log-odds",
        total=None,
        baseline_name="without events",
        max_events=25,
        ax=None,
        **bar_kw,
    ):
        """Plot given contributions.

        Parameters
        ----------
        contributions : array-like of shape (n_events,) or (n_events, n_channels)
            What each event, or each channel of it, adds to the prediction.
        names : list of length n_events
            Name of each event, such as its behaviour, oldest first.
        times : array-like of datetimes of shape (n_events,), default=None
            Time of each event. None: labels have no times.
        cutoff : str or datetime, default=None
            Moment of the prediction. None: the last event.
        channels : list of str, default=None
            Names of the channels. None: "event" if there is one; otherwise it is required.
        baseline : float, default=None
            The prediction without any event, in the same unit. It is named in the title.
        unit : str or None, default="log-odds"
            Unit of the contributions, for the axis. None: they have none.
        total : float, default=None
            The prediction for the whole history, if the contributions do not add up to it. None:
            the baseline plus all contributions.
        baseline_name : str, default="without events"
            What the baseline is, for the title.
        max_events : int, default=25
            The last events are drawn, at most 60. The others make one bar with their sum.
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **bar_kw : dict
            Keywords for matplotlib's ``bar``.

        Returns
        -------
        EventAttributionDisplay
            The plotted display.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If there are no events, the lengths differ, contributions are not finite numbers, or
            times cannot be read. Also if matplotlib does not take a keyword.
        """
        values = _read_contributions(contributions)
        channels = _read_channels(channels, values.shape[1])
        if not is_several(names) or len(list(names)) != len(values):
            raise ValueError(
                f"names must hold a name for each of the {len(values)} events; got {shown(names)}."
            )
        ages = None if times is None else _read_ages(times, cutoff, len(values))
        display = cls(
            contributions=values,
            names=[as_name(name) for name in names],
            channels=channels,
            ages=ages,
            baseline=None if baseline is None else float(to_numbers("baseline", baseline)),
            unit=_read_unit(unit),
            total=None if total is None else float(to_numbers("total", total)),
            baseline_name=baseline_name,
        )
        return display.plot(ax, max_events=max_events, **bar_kw)

    def labels(self):
        """Names of the events with the time to the prediction, such as "view / 29 d".

        Returns
        -------
        list of str
            One label for each event, with names in full.
        """
        if self.ages is None:
            return list(self.names)
        return [_tick(n, age) for n, age in zip(self.names, self.ages, strict=True)]

    def _columns(self):
        n_events, n_channels = self.contributions.shape
        columns = {
            "event": np.repeat(np.arange(1, n_events + 1), n_channels),
            "name": np.repeat(np.array(self.names, object), n_channels),
            "age_seconds": np.repeat(self.ages, n_channels) if self.ages is not None else None,
            "channel": np.tile(np.array(self.channels, object), n_events),
            "contribution": self.contributions.ravel(),
        }
        return {name: column for name, column in columns.items() if column is not None}

    def plot(self, ax=None, *, max_events=25, **bar_kw):
        """Plot the bars, and the matrix if there are several channels.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on; its place is divided if there are several channels. None: a new
            figure.
        max_events : int, default=25
            The last events are drawn, at most 60. The others make one bar with their sum.
        **bar_kw : dict
            Keywords for matplotlib's ``bar``.

        Returns
        -------
        EventAttributionDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If ``max_events`` is out of range, or ``ax`` is in no grid and cannot be divided. Also
            if matplotlib does not take a keyword.
        """
        check_count("max_events", max_events, most=60)
        n_drawn = min(len(self.names), max_events + 1)
        n_channels = len(self.channels)
        size = (2.6 + 0.36 * max(n_drawn, 6), 4.2 + 0.3 * n_channels)
        ax, below = self._open(ax, size), None
        self._room.font_for([*self.names, *self.channels, self.unit or ""])  # one warning for all
        values, labels, font = self._drawn(max_events)
        n_events = len(values)
        if n_channels > 1:
            ax, below = _divide(ax, n_channels)
        self.ax_, self.channel_ax_, self.image_ = ax, below, None
        sums = values.sum(axis=1)
        style = {"color": np.where(sums < 0, _DOWN, _UP), "width": 0.8} | bar_kw
        with keywords(bar_kw):
            self.bars_ = ax.bar(range(n_events), sums, **style)
        room = self._room
        if n_events <= _MOST_NUMBERS * room.scale**2:
            size = room.size("x-small")
            ax.bar_label(self.bars_, fmt="{:+.2f}", fontsize=size, padding=2)
            ax.margins(y=0.15)
        ax.axhline(0, color="black", linewidth=0.8)
        ax.set(xlim=(-0.6, n_events - 0.4))
        ax.spines[["top", "right"]].set_visible(False)
        self._draw_words(ax)
        if below is not None:
            self._draw_channels(below, values)
            ax.tick_params(labelbottom=False)
        room.dress(ax)
        step = room.every(n_events, 0.8 * room.width) if room.is_small else 1
        size = room.size("small")
        (below or ax).set_xticks(range(0, n_events, step), labels[::step], fontsize=size, **font)
        for tick in (below or ax).get_xticklabels():
            tick.set(rotation=60, ha="right", rotation_mode="anchor")
        return self

    def _drawn(self, max_events):
        """Contributions and labels of the last events; the first row is the sum of the others."""
        short, font = self._room.labels(self.names)
        if self.ages is not None:
            short = [_tick(n, age) for n, age in zip(short, self.ages, strict=True)]
        n_left = len(self.names) - max_events
        if n_left <= 1:  # one event is a bar anyway
            return self.contributions, short, font
        early = self.contributions[:n_left].sum(axis=0, keepdims=True)
        values = np.concatenate([early, self.contributions[n_left:]])
        return values, [f"{n_left:,} earlier events", *short[n_left:]], font

    def _draw_words(self, ax):
        """The unit at the axis, and the predictions in the title."""
        (unit,), unit_font = self._room.labels([self.unit or ""], _WIDEST_UNIT)
        ax.set_ylabel(f"Contribution ({unit})" if self.unit else "Contribution", **unit_font)
        if self.baseline is None:
            return
        total = self.baseline + self.contributions.sum() if self.total is None else self.total
        named = f"{unit}: " if self.unit else ""
        title = f"{named}{self.baseline:+.2f} {self.baseline_name}, {total:+.2f} with all"
        if self._room.is_small:
            title = self._room.wrap(title, 0.9 * self._room.width)
        ax.set_title(title, fontsize=self._room.size("medium"), loc="left", **unit_font)

    def _draw_channels(self, ax, values):
        from matplotlib.colors import LinearSegmentedColormap

        most = float(np.abs(values).max(initial=0)) or 1.0
        colors = LinearSegmentedColormap.from_list("contributions", [_DOWN, "white", _UP])
        self.image_ = ax.imshow(values.T, cmap=colors, vmin=-most, vmax=most, aspect="auto")
        labels, font = self._room.labels(self.channels)
        size = self._room.size("small")
        ax.set_yticks(range(len(labels)), labels, fontsize=size, **font)
        (unit,), unit_font = self._room.labels([self.unit or ""], _WIDEST_UNIT)
        bar = self.figure_.colorbar(self.image_, ax=[self.ax_, ax], shrink=0.6)
        bar.set_label(unit if self.unit else "Contribution", **unit_font)
        self._room.dress(bar.ax)


def _divide(ax, n_channels):
    """Axes for the bars and for the channels in the place of given axes."""
    spec = ax.get_subplotspec()
    if spec is None:
        raise ValueError(
            "ax was placed by hand, so its place cannot be divided for the channels. Make it with "
            "matplotlib.pyplot.subplots, or leave ax out."
        )
    ratios = [4, 0.3 + 0.45 * n_channels]
    inner = spec.subgridspec(2, 1, height_ratios=ratios, hspace=0.05)
    figure = ax.figure
    ax.remove()
    above = figure.add_subplot(inner[0])
    return above, figure.add_subplot(inner[1], sharex=above)


def _tick(name, seconds):
    return f"{name} / {as_span(seconds)}"


def _read_contributions(contributions):
    values = to_numbers("contributions", contributions)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            "contributions must have the shape (n_events,) or (n_events, n_channels), with at "
            f"least one event; got {values.shape}."
        )
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values).all(axis=1)))
        raise ValueError(f"contributions must be finite; those of event {row} are not.")
    return values


def _read_unit(unit):
    if unit is not None and not isinstance(unit, str):
        raise ValueError(f"unit must be a string or None; got {shown(unit)}.")
    return unit


def _read_channels(channels, n_channels):
    if channels is None and n_channels == 1:
        return ["event"]
    if not is_several(channels) or len(list(channels)) != n_channels:
        raise ValueError(
            f"channels must hold the names of the {n_channels} columns of contributions; got "
            f"{shown(channels)}."
        )
    return [str(channel) for channel in channels]


def _read_ages(times, cutoff, n_events):
    """Seconds from each event to the cutoff."""
    if not is_several(times):
        raise ValueError(f"times must be a list of times; got {shown(times)}.")
    moments = _frames.read_moments(_frames.make_array(times), "times", row_of=int)
    ticks, missing, unit, zone = _frames.time_ticks(moments)
    if missing.any() or len(ticks) != n_events:
        raise ValueError(
            f"times must hold a time for each of the {n_events} events; got {len(ticks)}, "
            f"{int(missing.sum())} of them missing."
        )
    end = ticks.max()
    if cutoff is not None:
        end = to_instant(cutoff, unit=unit, zone=zone, name="cutoff")
    ages = (end - ticks) / ticks_per_second(unit)
    if (ages < 0).any():
        row = int(np.argmax(ages < 0))
        raise ValueError(f"Event {row} is later than the cutoff. Pass a later cutoff.")
    return ages
