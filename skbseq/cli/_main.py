"""Read the command line, run a command, and turn what goes wrong into one line and a number."""

import argparse
import os
import signal
import sys
import traceback
import warnings

from skbseq import __version__
from skbseq.cli import _demo, _fit, _predict
from skbseq.cli._arguments import Formatter

_DESCRIPTION = """\
Predict what people do next from a log of what they did.

A log is a CSV or Parquet file with one row per event: who, when, and what else is known. A model
is trained on everyone's events up to a date and on what they did after it (fit); it then says of
anyone, at any date, how likely they are to do it next (predict).
"""
_EPILOG = """\
examples:
  skbseq demo
  skbseq fit shop.csv --user user_id --time timestamp --behavior action --predict buy \\
      --at 2026-06-01 --horizon 7D --out model.skbseq
  skbseq predict model.skbseq shop.csv --at 2026-06-08 --out scores.csv

Each command explains itself: skbseq fit --help. All of it can be done from Python too, with more
choices: the file that fit writes is loaded with skbseq.load.

exit codes: 0 done, 1 the data, the model or a path is wrong, 2 the command line is wrong,
130 interrupted.
"""
# What is wrong with the data, the model or a path; anything else is a mistake of ours.
_EXPECTED = (ValueError, OSError, FloatingPointError)


def make_parser():
    """The parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="skbseq",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"skbseq {__version__}")
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show where in Python an error came from (default: its message only)",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (_demo, _fit, _predict):
        module.add_command(commands)
    return parser


def main(argv=None):
    """Run a command.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments without the program's name. None: those of the process.

    Returns
    -------
    int
        0 if it was done, 1 if the data, the model or a path is wrong, 130 if interrupted.

    Raises
    ------
    SystemExit
        With 2 if the command line is wrong, with 0 after a help text.
    """
    args = make_parser().parse_args(argv)
    with warnings.catch_warnings(), _Interrupts() as interrupts:
        warnings.showwarning = _say_warning
        try:
            args.run(args)
        except BrokenPipeError:
            # Whoever read our output is gone; so must be what is left to flush.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except (Exception, KeyboardInterrupt) as error:
            if interrupts.seen or isinstance(error, KeyboardInterrupt):
                print("interrupted; no file is left half-written", file=sys.stderr)
                return 130
            if not isinstance(error, _EXPECTED):
                raise
            if args.traceback:
                traceback.print_exc()
            print(f"error: {_describe(error)}", file=sys.stderr)
            return 1
    return 0


class _Interrupts:
    """Remembers Ctrl-C, for TensorFlow's C++ code may make any other error of it."""

    def __enter__(self):
        self.seen = False
        self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_):
        signal.signal(signal.SIGINT, self._before)

    def _interrupt(self, signum, frame):
        self.seen = True
        raise KeyboardInterrupt


def _describe(error):
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}"
    return str(error)


def _say_warning(message, category, filename, lineno, file=None, line=None):
    print(f"warning: {message}", file=sys.stderr)
