"""Types and looks of the command line's arguments."""

import argparse
import datetime as dt

from skbseq._time import to_timedelta


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of descriptions and examples, and gives options room."""

    def __init__(self, prog):
        super().__init__(prog, max_help_position=26, width=96)


class _Count:
    """A whole number from a least one on."""

    def __init__(self, least):
        self.least = least

    def __call__(self, text):
        number = int(text) if text.isascii() and text.isdigit() else -1
        if number < self.least:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number of at least {self.least}"
            )
        return number


count = _Count(1)
seed = _Count(0)


def share(text):
    """A number from 0 to below 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to below 1")
    return number


def duration(text):
    """A duration such as 90D."""
    try:
        to_timedelta(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a duration above zero; write it as 90D, 12h or 30min"
        ) from error
    return text


def moment(text):
    """A moment in ISO 8601."""
    try:
        dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a date; write it as 2026-06-01 or '2026-06-01 12:00:00'"
        ) from error
    return text


def table_path(text):
    """Path of a table to write."""
    if not text.lower().endswith((".csv", ".parquet")):
        raise argparse.ArgumentTypeError(f"{text!r} must end in .csv or .parquet")
    return text
