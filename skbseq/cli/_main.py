"""Read the command line, run a command, and turn errors into one line and an exit code."""

import sys
import traceback
import warnings

from skbseq import __version__
from skbseq._optional import MissingLibraryError
from skbseq.cli import _demo, _explain, _fit, _predict, _report_page
from skbseq.cli._arguments import Parser
from skbseq.cli._process import Interrupts, patient_output
from skbseq.cli._wording import describe, reword

_DESCRIPTION = """\
Predict the next behaviour of users from an event log.

A log is a file (such as .csv, .parquet or .xlsx) with one row per event: user, time, and other
columns. A model is trained on all users' events up to a date and on what they did after it (fit).
It then predicts for any user, at any date, how likely they are to do it next (predict).
"""
_EPILOG = """\
examples:
  skbseq demo
  skbseq fit shop.csv --user user_id --time timestamp --behavior action --predict buy \\
      --at 2026-06-01 --horizon 7D --out model.skbseq
  skbseq predict model.skbseq shop.csv --at 2026-06-08 --out scores.csv
  skbseq explain model.skbseq shop.csv --at 2026-06-08 --user 1042
  skbseq report model.skbseq shop.csv --at 2026-06-08 --out report.html

Each command has its own help: skbseq fit --help. The Python API offers more options; load a file
written by fit with skbseq.load.

exit codes: 0 done, 1 the data, the model or a path is wrong, 2 the command line is wrong,
130 interrupted.
"""
# Errors in the data, the model or a path, or a missing library. Any other error is a bug, so its
# traceback is shown.
_EXPECTED = (ValueError, OSError, FloatingPointError, MissingLibraryError)


def make_parser():
    """The parser of the command line."""
    parser = Parser(prog="skbseq", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"skbseq {__version__}")
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show the Python traceback of an error (default: only its message)",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (_demo, _fit, _predict, _explain, _report_page):
        module.add_command(commands)
    return parser


def main(argv=None):
    """Run a command.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments without the program name. None: those of the process, which must exit with the
        returned code.

    Returns
    -------
    int
        0 on success, 1 if the data, the model or a path is wrong, 130 if interrupted.

    Raises
    ------
    SystemExit
        With code 2 if the command line is wrong, with code 0 after a help text.
    """
    with (
        patient_output(),
        Interrupts(ends=argv is None) as interrupts,
        warnings.catch_warnings(),
    ):
        warnings.showwarning = _print_warning
        try:
            args = _read_arguments(argv)
            args.run(args)
        except (Exception, KeyboardInterrupt) as error:
            # TensorFlow may turn Ctrl-C into another error.
            if interrupts.seen or isinstance(error, KeyboardInterrupt):
                print("interrupted; no file is left half-written", file=sys.stderr)
                return 130
            if not isinstance(error, _EXPECTED):
                raise
            if args.traceback:
                traceback.print_exc()
            print(f"error: {describe(error)}", file=sys.stderr)
            return 1
    return 0


def _read_arguments(argv):
    words = sys.argv[1:] if argv is None else list(argv)
    args, unknown = make_parser().parse_known_args(words)
    if unknown:  # argparse's own error would refer to the help of skbseq, not of the command
        args.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    args.words = words  # to propose a similar command
    return args


def _print_warning(message, category, filename, lineno, file=None, line=None):
    print(f"warning: {reword(message)}", file=sys.stderr)
