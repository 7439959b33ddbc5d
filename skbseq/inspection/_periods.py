"""Calendar periods of events, in the time zone of the log."""

import numpy as np

PERIODS = ("hour", "day", "week", "month", "year")
_SECONDS = {"hour": 3_600, "day": 86_400}
_CODES = {"hour": "h", "day": "D", "month": "M", "year": "Y"}
_MONDAY = 3  # the days from the Monday before 1970 to its first day, a Thursday


def period_of(ticks, period, clock):
    """Number of the period of local ticks, counted from that of 1970."""
    if period == "hour":
        return ticks // (_SECONDS["hour"] * clock.per_second)
    days = ticks // (_SECONDS["day"] * clock.per_second)
    if period == "day":
        return days
    if period == "week":
        return (days + _MONDAY) // 7
    return days.astype("datetime64[D]").astype(f"datetime64[{_CODES[period]}]").astype(np.int64)


def start_of(numbers, period):
    """The beginning of periods as datetime64 in seconds."""
    numbers = np.asarray(numbers, np.int64)
    if period == "week":
        numbers, period = 7 * numbers - _MONDAY, "day"
    return numbers.astype(f"datetime64[{_CODES[period]}]").astype("datetime64[s]")


def text_of(numbers, period):
    """Periods as texts: 2026, 2026-02, 2026-02-02 (also for a week), 2026-02-02 14:00."""
    length = {"year": 4, "month": 7, "hour": 16}.get(period, 10)
    return [str(moment)[:length].replace("T", " ") for moment in start_of(numbers, period)]
