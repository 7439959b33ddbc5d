"""Messages about dates on the command line that are too late for the log."""

import datetime as dt

from skbseq._time import parse_moment, to_timedelta

_DAY = dt.timedelta(days=1)


def describe_undecided(log, task, *, shorter=True):
    """Explain why labels are not known yet, and name the latest possible cutoff.

    Parameters
    ----------
    log : EventLog
    task : Task
    shorter : bool, default=True
        Whether the command has the option --horizon.

    Returns
    -------
    str
    """
    horizon = to_timedelta(task.horizon).astype("m8[us]").item()
    latest = _as_argument(log.until - horizon, log.start, whole_days=horizon >= _DAY)
    other = "use a shorter --horizon" if shorter else "use a log that ends later"
    advice = f"The latest usable cutoff is --at {latest}. Or {other}"
    if log.until - horizon < log.start:
        advice = f"The log is shorter than this horizon: {other}"
    return (
        f"The labels are not known yet: {task.horizon} after --at {task.at} is "
        f"{_format(_moment(task.at, log) + horizon)}, but the log ends at {_format(log.until)}. "
        f"{advice}, or pass --until DATE if the log is complete to a later moment."
    )


def in_order(log, dates):
    """Dates of the command line from early to late, each moment once."""
    by_moment = {_moment(date, log): date for date in dates}
    return [by_moment[moment] for moment in sorted(by_moment)]


def is_same(log, one, other):
    """Whether two dates are the same moment."""
    return _moment(one, log) == _moment(other, log)


def after(log, date, span):
    """The date a span after another, as an argument."""
    span = to_timedelta(span).astype("m8[us]").item()
    return _as_argument(_moment(date, log) + span, log.start, whole_days=False)


def describe_beyond(log, at):
    """A notice if a moment is after the end of a log, otherwise None."""
    gap = _moment(at, log) - log.until
    if gap <= dt.timedelta(0):
        return None
    days = gap / _DAY
    said = f"{days:.0f} days" if days >= 1.5 else f"{days * 24:.1f} hours"
    return (
        f"the log ends {said} before --at {at}, at {_format(log.until)}. If events in between are "
        "missing from it, the scores are wrong."
    )


def _moment(text, log):
    """A moment in the zone of the log, unless it has one of its own."""
    moment = parse_moment(str(text))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=log.until.tzinfo)


def _as_argument(moment, start, *, whole_days):
    """A moment as an argument, rounded down to a whole day if the log had begun by then."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if whole_days and midnight >= start:
        moment = midnight
    text = _format(moment)
    return f"'{text}'" if " " in text else text


def _format(moment):
    text = moment.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    return text.removesuffix(" 00:00:00")
