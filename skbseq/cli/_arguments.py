"""The parser of the command line, argument types, and arguments shared by commands."""

import argparse
import ast
import os

from skbseq import _frames
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


def setting(text):
    """A parameter and its value, such as dropout=0.3; what is no Python value is text."""
    name, mark, value = text.partition("=")
    if not mark or not name.isidentifier():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form NAME=VALUE, such as dropout=0.3"
        )
    words = {"true": True, "false": False, "none": None}
    try:
        return name, words[value.lower()] if value.lower() in words else ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def duration(text):
    """A duration such as 90D."""
    try:
        to_timedelta(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("duration=")) from error
    return text


def separator(text):
    """What stands between cells; a tab can hardly be typed."""
    return text.replace("\\t", "\t")


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


def page_path(text):
    """Path of a page to write."""
    if not text.lower().endswith((".html", ".htm")):
        raise argparse.ArgumentTypeError(f"{text!r} must end in .html")
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
        help="file with one row per event, such as .csv, .parquet, .xlsx or .jsonl; a folder; or "
        "a quoted pattern such as 'logs/*.csv'",
    )


def add_quiet(group):
    """Whether to print anything but errors."""
    group.add_argument(
        "--quiet", action="store_true", help="print errors only (default: print progress)"
    )


def add_format(group, *, said):
    """How a text file is written."""
    add = group.add_argument
    add("--encoding", metavar="NAME", help=f"such as gb18030 or cp1252 (default: {said})")
    add(
        "--separator",
        metavar="TEXT",
        type=separator,
        help=f"what stands between cells, such as ';'; \\t is a tab (default: {said})",
    )
    add("--decimal", choices=_frames.DECIMALS, help=f"decimal mark of numbers (default: {said})")
    add(
        "--thousands",
        choices=_frames.THOUSANDS,
        help=f"mark between groups of three digits (default: {said})",
    )
    add(
        "--na-values",
        metavar="[COL=]TEXT",
        nargs="+",
        help="cells that are missing besides empty ones, in all columns or in one; COL= alone: no "
        "cell of this column but empty ones (default: words such as NA in columns of numbers)",
    )
    add(
        "--names",
        metavar="NAME",
        nargs="+",
        help="names of the columns of a file without a header line (default: its first line)",
    )


def read_options(args, stored=None):
    """Options of reading from the command line, or else those stored in a model file."""
    given = {
        "encoding": args.encoding,
        "separator": args.separator,
        "decimal": args.decimal,
        "thousands": args.thousands,
        "na_values": None if args.na_values is None else _read_na_values(args.na_values),
        "names": args.names,
    }
    given = {name: value for name, value in given.items() if value is not None}
    rest = {name: value for name, value in (stored or {}).items() if name not in given}
    return _frames.ReadOptions(**given, **rest, stored=tuple(rest))


def _read_na_values(texts):
    """A list of cells, or a dict of them by column."""
    columns = {}
    for text in texts:
        column, mark, cell = text.partition("=")
        if mark:
            columns.setdefault(column, []).extend([cell] if cell else [])
    everywhere = [text for text in texts if "=" not in text]
    if columns and everywhere:
        raise ValueError(
            f"--na-values {everywhere[0]} is for all columns, but another value is for one. Write "
            "COL=TEXT for each, or for none."
        )
    return columns or everywhere


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


def add_reading(parser):
    """How a log is read that a model file is applied to."""
    add_time_format(parser, said="as the model was trained")
    add_invalid_times(parser, default=None, said="as the model was trained")
    add_quiet(parser)
    add_bounds(parser, earliest="as the model was trained")
    add_format(parser, said="as at fit, else recognised")


def add_seed(group):
    """The random seed."""
    group.add_argument(
        "--seed",
        metavar="N",
        type=seed,
        default=0,
        help="the same seed gives the same data and model (default: %(default)s)",
    )
