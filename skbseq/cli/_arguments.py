"""The parser of the command line, argument types, and arguments shared by commands."""

import argparse
import os

from skbseq._time import parse_moment, to_timedelta
from skbseq._time_forms import check_time_format


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of descriptions and examples, and widens the column of options."""

    def __init__(self, prog):
        super().__init__(prog, max_help_position=26, width=96)


class Parser(argparse.ArgumentParser):
    """A parser that reports errors in one line, without the long usage text."""

    def __init__(self, **options):
        super().__init__(formatter_class=_Formatter, allow_abbrev=False, **options)

    def error(self, message):
        """Exit with 2."""
        hint = ""
        if "required: LOG" in message:
            # An option with several values also consumes a path after it.
            hint = f" Put LOG first: {self.prog} LOG --user ..."
        self.exit(2, f"error: {message.rstrip('.')}.{hint} See {self.prog} --help.\n")


# ------------------------------------------------------------------ types


class _Count:
    """A whole number with a minimum."""

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
        raise argparse.ArgumentTypeError(str(error).removeprefix("duration=")) from error
    return text


def moment(text):
    """A moment in a form of one reading, such as ISO 8601."""
    if parse_moment(text) is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a date; write it as 2026-06-01 or '2026-06-01 12:00:00'"
        )
    return text


def time_format(text):
    """A strftime format, or "mixed"."""
    try:
        check_time_format(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("time_format=")) from error
    return text


def table_path(text):
    """Path of a table to write."""
    if not text.lower().endswith((".csv", ".parquet")):
        raise argparse.ArgumentTypeError(f"{text!r} must end in .csv or .parquet")
    return text


def check_out(args):
    """Refuse to overwrite the log."""
    if os.path.realpath(args.out) == os.path.realpath(args.log):
        raise ValueError(f"--out would overwrite the LOG, {args.log!r}. Name another file.")


# ------------------------------------------------------------------ shared by commands


def add_command(commands, name, *, run, summary, description, epilog):
    """Add the parser of a command, which is also stored in ``args.parser``."""
    parser = commands.add_parser(name, help=summary, description=description, epilog=epilog)
    parser.set_defaults(run=run, parser=parser)
    return parser


def add_log(parser):
    """The log to read."""
    parser.add_argument(
        "log",
        metavar="LOG",
        help="file with one row per event: .csv, .csv.gz, .tsv (tabs) or .parquet",
    )


def add_at(group, said):
    """The cutoff."""
    group.add_argument("--at", required=True, metavar="DATE", type=moment, help=said)


def add_invalid_times(group, *, default, said):
    """How to handle invalid times."""
    group.add_argument(
        "--invalid-times",
        choices=["raise", "null", "keep"],
        default=default,
        help="times that cannot be read, or that indicate a wrong unit: raise an error, "
        "null drops and counts these rows, keep accepts those with a suspected wrong unit "
        f"(default: {said})",
    )


def add_time_format(group, *, said):
    """The form of times that are strings."""
    group.add_argument(
        "--time-format",
        metavar="FORMAT",
        type=time_format,
        help="form of times that are text, such as '%%d/%%m/%%Y %%H:%%M'; mixed: several forms in "
        f"one column, each with one reading (default: {said})",
    )


def add_bounds(group, *, earliest):
    """The span of the events to read."""
    group.add_argument(
        "--earliest",
        metavar="DATE",
        type=moment,
        help=f"drop and count events before this moment (default: {earliest})",
    )
    group.add_argument(
        "--latest",
        metavar="DATE",
        type=moment,
        help="drop and count events after this moment, such as wrong dates in the future "
        "(default: only a few events far after all others)",
    )


def add_seed(group):
    """The random seed."""
    group.add_argument(
        "--seed",
        metavar="N",
        type=seed,
        default=0,
        help="the same seed gives the same data and model (default: %(default)s)",
    )
