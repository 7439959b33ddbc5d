"""Read the command line, run a command, and turn what goes wrong into one line and a number."""

import sys
import traceback
import warnings

from skbseq import __version__
from skbseq.cli import _demo, _fit, _predict
from skbseq.cli._arguments import Parser
from skbseq.cli._process import Interrupts, patient_output
from skbseq.cli._wording import describe, on_one_line

_DESCRIPTION = """\
Predict what people do next from a log of what they did.

A log is a file (.csv, .csv.gz, .tsv or .parquet) with one row per event: who, when, and what else
is known. A model is trained on everyone's events up to a date and on what they did after it (fit);
it then says of anyone, at any date, how likely they are to do it next (predict).
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
    parser = Parser(prog="skbseq", description=_DESCRIPTION, epilog=_EPILOG)
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
        Arguments without the program's name. None: those of the process, which is to end with
        the number returned.

    Returns
    -------
    int
        0 if it was done, 1 if the data, the model or a path is wrong, 130 if interrupted.

    Raises
    ------
    SystemExit
        With 2 if the command line is wrong, with 0 after a help text.
    """
    with (
        patient_output(),
        Interrupts(ends=argv is None) as interrupts,
        warnings.catch_warnings(),
    ):
        warnings.showwarning = _say_warning
        try:
            args = _read_arguments(argv)
            args.run(args)
        except (Exception, KeyboardInterrupt) as error:
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
    args, strangers = make_parser().parse_known_args(argv)
    if strangers:  # here, because argparse would point to the help of skbseq, not of the command
        args.parser.error(f"unrecognized arguments: {' '.join(strangers)}")
    return args


def _say_warning(message, category, filename, lineno, file=None, line=None):
    print(f"warning: {on_one_line(message)}", file=sys.stderr)
