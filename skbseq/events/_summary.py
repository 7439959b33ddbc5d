"""A log as text and, in a notebook, as a table with a chart of its events over time."""

import html
from dataclasses import dataclass

import numpy as np

from skbseq import _frames

_MOST_BARS = 80
_BLOCK = 1 << 20  # events counted at once, so that a chart needs no copy of all times
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
# Widths of bars in seconds. Longer logs have bars of whole years.
_WIDTHS = (
    *(1, 5, 15, _MINUTE, 5 * _MINUTE, 15 * _MINUTE),
    *(_HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 7 * _DAY, 28 * _DAY),
)
_YEAR = 365 * _DAY
_UNITS = (("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE), ("second", 1))
_WIDTH, _HEIGHT = 600, 80
_LONGEST_TEXT = 500

# No colours: text and bars have that of the page, in light and in dark notebooks.
_STYLE = "max-width:600px;overflow-wrap:anywhere"
_CELL = "text-align:left;vertical-align:top"
_SVG = (
    f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" preserveAspectRatio="none" '
    'style="display:block;width:100%;height:80px;border-bottom:1px solid currentColor" '
    'fill="currentColor" fill-opacity="0.6" aria-label="{label}">{bars}</svg>'
)


@dataclass(frozen=True)
class Chart:
    """Numbers of events in spans of equal width.

    ``low`` is the beginning of the first span and ``width`` the length of each, in ticks;
    ``n_outside`` events lie far from the rest and are not drawn.
    """

    counts: np.ndarray
    low: int
    width: int
    unit: str
    n_outside: int


class SummaryMethods:
    """The text of a log, and its view in a notebook."""

    def __repr__(self):
        title, rows, _ = self._summarise()
        return "\n".join([title, *(f"  {label:<8}  {text}" for label, text in rows)])

    def _repr_html_(self):
        title, rows, chart = self._summarise()
        cells = "".join(
            f'<tr><th style="{_CELL}">{label}</th><td style="{_CELL}">{_escape(text)}</td></tr>'
            for label, text in [*rows, *_format_end(self)]
        )
        return (
            f'<div class="skbseq-log" style="{_STYLE}"><p>{_escape(title)}</p>'
            f'<table style="color:inherit"><tbody>{cells}</tbody></table>'
            f"{_draw(chart, self._clock)}</div>"
        )

    def _summarise(self):
        """Title, rows and chart; logs never change, so they are computed once."""
        if "_summary" not in vars(self):
            rows = [*_describe_roles(self), *_describe_faults(self)]
            self._summary = _title(self), rows, count_over_time(self)
        return self._summary


# ------------------------------------------------------------------ text


def _title(log):
    times = log._index.times
    span = f"until {log._clock.format(log._until)}"
    if times.size:
        span = f"{log._clock.format(times.min())} to {log._clock.format(times.max())}"
    return f"EventLog: {len(log):,} events of {len(log._index.users):,} users, {span}"


def _describe_roles(log):
    zone = f", {log._clock.zone}" if log._clock.zone else ""
    yield "user", log.user
    yield "time", f"{log.time} ({log._clock.source}{zone})"
    for role in ("behavior", "product"):
        name = getattr(log, role)
        if name is not None:
            yield role, f"{name} ({_format_values(log._table[name])})"
    roles = (log.user, log.time, log.behavior, log.product)
    others = [name for name in log._table.column_names if name not in roles]
    if others:
        yield "others", ", ".join(others)


def _describe_faults(log):
    missing = _format_missing(log._table)
    if missing:
        yield "missing", missing
    yield from (("cut", f"{count:,} {reason}") for reason, count in log._cut.items())
    waiting = [f"{count:,} {reason}" for reason, count in log._waiting().items()]
    if waiting:
        yield "unclean", f"{'; '.join(waiting)}: call clean()"


def _format_end(log):
    """The end of the log, where the last event does not show it."""
    times = log._index.times
    if times.size and log._until != times.max():
        yield "until", log._clock.format(log._until)


def _format_values(column):
    values, counts = _frames.count_values(column)
    if len(values) > 12:
        return f"{len(values):,} values"
    common = np.argsort(-counts, kind="stable")
    return ", ".join(f"{values[i]} {counts[i]:,}" for i in common)


def _format_missing(table):
    """Numbers of missing values by column."""
    counts = {name: int(_frames.is_missing(table[name]).sum()) for name in table.column_names}
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)


def _escape(text):
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}…"
    return html.escape(text)


# ------------------------------------------------------------------ chart


def count_over_time(log):
    """Events of a log over time, without those far from the rest; None where all are at once."""
    times, edges = log._index.times, {far.side: far.edge for far in log._far}
    if not times.size:
        return None
    low = edges.get("before", int(times.min()))
    high = edges.get("after", int(times.max()))
    seconds, unit = _choose_width((high - low) // log._clock.per_second)
    width = seconds * log._clock.per_second
    low = _round_down(low, min(width, _DAY * log._clock.per_second), log._clock)
    n_bars = (high - low) // width + 1
    if n_bars < 2:
        return None
    counts = np.zeros(n_bars, np.int64)
    for start in range(0, len(times), _BLOCK):
        bars = (times[start : start + _BLOCK] - low) // width
        inside = bars[(bars >= 0) & (bars < n_bars)]
        counts += np.bincount(inside, minlength=n_bars)
    return Chart(counts, low, width, unit, len(times) - int(counts.sum()))


def _choose_width(seconds):
    """Width of a bar in seconds, and its name."""
    years = _YEAR * (1 + seconds // (_YEAR * _MOST_BARS))
    width = next((width for width in _WIDTHS if seconds < width * _MOST_BARS), years)
    unit, length = next((unit, length) for unit, length in _UNITS if width % length == 0)
    number = width // length
    return width, unit if number == 1 else f"{number:,} {unit}s"


def _round_down(ticks, width, clock):
    """The beginning of the day, hour, ... of a moment where the log is."""
    moment = _frames.time_array(np.array([ticks]), unit=clock.unit, zone=clock.zone)
    local = int(_frames.local_ticks(moment, clock.zone)[0])
    return ticks - local % width


def _draw(chart, clock):
    """The chart as SVG, with its scale and both ends in words."""
    if chart is None:
        return ""
    most, step = int(chart.counts.max()), _WIDTH / len(chart.counts)
    bars = []
    for i in np.flatnonzero(chart.counts):
        height = max(_HEIGHT * int(chart.counts[i]) / most, 1)  # a single event is visible
        hint = f"{clock.format(chart.low + int(i) * chart.width)}: {chart.counts[i]:,}"
        bars.append(
            f'<rect x="{i * step:.1f}" y="{_HEIGHT - height:.1f}" width="{0.9 * step:.1f}" '
            f'height="{height:.1f}"><title>{hint}</title></rect>'
        )
    label = f"Events per {chart.unit}, at most {most:,}"
    outside = f"; {chart.n_outside:,} far from the rest not drawn" if chart.n_outside else ""
    last = clock.format(chart.low + (len(chart.counts) - 1) * chart.width)
    return (
        f"<p>{label}{outside}</p>{_SVG.format(label=label, bars=''.join(bars))}"
        '<div style="display:flex;justify-content:space-between">'
        f"<span>{clock.format(chart.low)}</span><span>{last}</span></div>"
    )
